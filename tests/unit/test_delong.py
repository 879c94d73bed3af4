"""DeLong's variance against its definition, a jackknife, coverage in simulations and cases done by hand."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from avfake.evaluation.delong import auc_variance, delong_interval, paired_difference
from avfake.evaluation.intervals import best_interval
from avfake.evaluation.metrics import NoFigure


def draw(seed: int, n: int = 80, decimals: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, and two related scores with many ties."""
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=n)
    target[:4] = 0, 1, 0, 1
    first = rng.normal(0.4 + 0.2 * target, 0.2)
    second = first + rng.normal(0.05 * target, 0.1)
    return target, *(np.round(np.clip(score, 0, 1), decimals) for score in (first, second))


def components(target: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The structural components of DeLong, DeLong and Clarke-Pearson from every pair: [fakes], [reals]."""
    fake, real = score[target == 1], score[target == 0]
    won = (fake[:, None] > real[None, :]) + 0.5 * (fake[:, None] == real[None, :])
    return won.mean(axis=1), won.mean(axis=0)


def covariance(target: np.ndarray, *scores: np.ndarray) -> np.ndarray:
    """Covariance matrix of the AUCs from its definition."""
    of_fake, of_real = zip(*(components(target, score) for score in scores), strict=True)
    matrix = np.cov(of_fake) / len(of_fake[0]) + np.cov(of_real) / len(of_real[0])
    return np.atleast_2d(matrix)


@pytest.mark.parametrize("seed", range(15))
def test_the_variance_is_that_of_the_definition(seed: int) -> None:
    target, score, _ = draw(seed, decimals=seed % 3 + 1)
    value, variance = auc_variance(target, score)
    assert value == pytest.approx(roc_auc_score(target, score), abs=1e-12)
    assert variance == pytest.approx(covariance(target, score)[0, 0], rel=1e-10)


def test_the_variance_by_hand() -> None:
    # fake .5 beats .1 and ties .5: 3/4; fake .6 beats both: 1. real .1 is beaten by both: 1; real .5: 3/4
    value, variance = auc_variance([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.6])
    assert value == 7 / 8
    assert variance == pytest.approx(2 * (1 / 32) / 2)


def test_the_variance_is_near_the_jackknife() -> None:
    target, score, _ = draw(1, n=160, decimals=3)
    total = 0.0
    for k in (0, 1):
        rows = np.flatnonzero(target == k)
        values = [roc_auc_score(np.delete(target, i), np.delete(score, i)) for i in rows]
        total += (rows.size - 1) / rows.size * np.square(np.array(values) - np.mean(values)).sum()
    assert auc_variance(target, score)[1] == pytest.approx(total, rel=0.04)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_is_symmetric_on_the_logit_scale(seed: int) -> None:
    target, score, _ = draw(seed)
    value, variance = auc_variance(target, score)
    made = delong_interval(target, score, 0.9)
    low, middle, high = (np.log(x / (1 - x)) for x in (made.low, value, made.high))
    assert middle - low == pytest.approx(high - middle)
    assert high - middle == pytest.approx(1.6448536 * np.sqrt(variance) / (value * (1 - value)), rel=1e-6)
    assert 0 < made.low < value < made.high < 1
    assert "DeLong" in made.how
    wide = delong_interval(target, score, 0.99)
    assert wide.low < made.low
    assert made.high < wide.high


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Normal scores of known AUC, few clips, near 1: where the plain symmetric interval covers too rarely."""
    rng = np.random.default_rng(0)
    target = np.repeat([0, 1], 25)
    truth, plain, made, runs = float(norm.cdf(2 / np.sqrt(2))), 0, 0, 400
    for _ in range(runs):
        score = norm.cdf(rng.normal(2.0 * target, 1))
        interval = delong_interval(target, score, 0.95)
        made += interval.low <= truth <= interval.high
        value, variance = auc_variance(target, score)
        plain += abs(value - truth) <= 1.96 * np.sqrt(variance)
    assert 0.93 <= made / runs <= 0.985
    assert plain < made


def test_perfect_separation_has_an_exact_limit() -> None:
    made = delong_interval(np.repeat([0, 1], [30, 20]), np.repeat([0.2, 0.8], [30, 20]), 0.95)
    assert made.high == 1
    # of 20 independent pairs all were won: Clopper and Pearson's lower limit
    assert made.low == pytest.approx(0.025 ** (1 / 20))
    assert "separated without an error" in made.how
    assert "20 independent pairs" in made.how
    turned = delong_interval(np.repeat([1, 0], [30, 20]), np.repeat([0.2, 0.8], [30, 20]), 0.95)
    assert (turned.low, turned.high) == pytest.approx((0, 1 - made.low))


def test_identical_scores_have_an_exact_limit() -> None:
    made = delong_interval([0, 0, 0, 1, 1, 1], [0.7] * 6, 0.9)
    alike = 0.05 ** (1 / 3)
    assert (made.low, made.high) == pytest.approx((alike / 2, 1 - alike / 2))
    assert "identical" in made.how


@pytest.mark.parametrize("decimals", [1, 2, 16])
def test_variance_0_is_exactly_0(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    target = np.repeat([0, 1], [37, 41])
    score = np.round(rng.uniform(0, 0.4, 78) + 0.5 * target, decimals)
    assert auc_variance(target, score) == (1, 0)


@pytest.mark.parametrize("seed", range(10))
def test_the_difference_is_that_of_the_definition(seed: int) -> None:
    target, first, second = draw(seed)
    difference, made = paired_difference(target, first, second, 0.95)
    matrix = covariance(target, first, second)
    error = np.sqrt(matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1])
    assert difference == pytest.approx(
        roc_auc_score(target, second) - roc_auc_score(target, first), abs=1e-12
    )
    assert (made.low, made.high) == pytest.approx(
        (difference - 1.959964 * error, difference + 1.959964 * error)
    )
    turned, back = paired_difference(target, second, first, 0.95)
    assert (turned, back.low, back.high) == pytest.approx((-difference, -made.high, -made.low))


def test_the_difference_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    target, runs = np.repeat([0, 1], 60), 400
    truth = float(norm.cdf(1.5 / np.sqrt(2)) - norm.cdf(1.0 / np.sqrt(2)))
    covered = 0
    for _ in range(runs):
        common = rng.normal(0, 0.8, 120)
        first, second = (norm.cdf(d * target + common + rng.normal(0, 0.6, 120)) for d in (1.0, 1.5))
        made = paired_difference(target, first, second, 0.95)[1]
        covered += made.low <= truth <= made.high
    assert 0.92 <= covered / runs <= 0.98


def test_the_same_order_differs_by_exactly_nothing() -> None:
    target, score, _ = draw(2)
    difference, made = paired_difference(target, score, score**3, 0.95)
    assert (difference, made.low, made.high) == (0, 0, 0)
    assert "same order" in made.how


def test_a_difference_without_spread_has_an_exact_limit() -> None:
    target = np.repeat([0, 1], [5, 8])
    right = np.where(target == 1, 0.9, 0.1)
    difference, made = paired_difference(target, 1 - right, right, 0.95)
    assert difference == 1
    assert (made.low, made.high) == pytest.approx((2 * 0.025 ** (1 / 5) - 1, 1))
    assert "5 independent pairs" in made.how


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ([], "no labelled clips"),
        ([0, 0], "one class only"),
        ([0, 0, 1], "one fake clip"),
        ([0, 1, 1], "one real clip"),
    ],
)
def test_too_few_clips_are_no_figure(target: list[int], reason: str) -> None:
    score = np.linspace(0.1, 0.9, len(target))
    for figure in (
        lambda: auc_variance(target, score),
        lambda: delong_interval(target, score, 0.95),
        lambda: paired_difference(target, score, score, 0.95),
    ):
        with pytest.raises(NoFigure, match=reason):
            figure()


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="score"):
        delong_interval([0, 0, 1, 1], [0.1, np.nan, 0.2, 0.3], 0.95)
    with pytest.raises(ValueError, match="score"):
        paired_difference([0, 0, 1, 1], [0.1, 0.1, 0.2, 0.3], [0.1, 0.1, 0.2, np.inf], 0.95)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, "DeLong on the logit scale (the labels have no source)"),
        ([None] * 80, "DeLong on the logit scale (the labels have no source)"),
        (["a"] * 79 + [None], "DeLong on the logit scale (1 of 80 clips have no source)"),
        (["a"] * 80, "DeLong on the logit scale (all clips have the source `a`)"),
        (["a", "b"] * 40, "bootstrap by source (2 sources"),
    ],
)
def test_the_best_interval_draws_sources_where_there_are_any(source, expected: str) -> None:
    target, score, _ = draw(3)
    made = best_interval(target, score, source, confidence=0.95, n_bootstrap=60, rng=np.random.default_rng(0))
    assert expected in made.how
    if "DeLong" in expected:
        plain = delong_interval(target, score, 0.95)
        assert (made.low, made.high) == (plain.low, plain.high)
