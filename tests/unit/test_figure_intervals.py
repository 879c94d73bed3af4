"""The bootstrap of all figures against the figures themselves, a plain bootstrap and simulations."""

import numpy as np
import pytest

from avfake.evaluation import metrics as m
from avfake.evaluation.figure_intervals import MIRRORED, Settings, WeightedFigures, figure_intervals
from avfake.evaluation.metrics import Interval, NoFigure

SETTINGS = Settings({"tpr_10": 0.1, "tpr_02": 0.02}, 0.5, 10, 0.05, 10.0, 1.0)
FIGURES = {
    "eer": m.eer,
    "ap": m.average_precision,
    "log_loss": m.log_loss,
    "brier": m.brier,
    "ece": lambda t, s: m.ece(t, s, 10),
    "min_dcf": lambda t, s: m.min_dcf(t, s, 0.05, 10.0, 1.0),
    "tpr_10": lambda t, s: m.tpr_at_fpr(t, s, 0.1),
    "tpr_02": lambda t, s: m.tpr_at_fpr(t, s, 0.02),
    "accuracy": lambda t, s: m.accuracy(t, s, 0.5),
    "recall": lambda t, s: m.recall(t, s, 0.5),
    "precision": lambda t, s: m.precision(t, s, 0.5),
    "f1": lambda t, s: m.f1(t, s, 0.5),
}


def draw(seed: int, n: int = 90, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=n)
    target[:2] = 0, 1
    return target, np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.3), 0, 1), decimals)


def expected(name: str, target: np.ndarray, score: np.ndarray) -> float:
    try:
        return FIGURES[name](target, score)
    except NoFigure:
        return np.nan


def made_of(target, score, source=None, *, settings=SETTINGS, n_bootstrap=200, confidence=0.95, seed=0):
    return figure_intervals(
        target,
        score,
        source,
        settings,
        confidence=confidence,
        n_bootstrap=n_bootstrap,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("seed", range(12))
def test_each_figure_is_that_of_the_repeated_clips(seed: int) -> None:
    target, score = draw(seed, decimals=seed % 3 + 1)
    weighted = WeightedFigures(target, score, SETTINGS)
    for weight in (np.ones_like(target), np.random.default_rng(seed).integers(4, size=target.size)):
        found = weighted.figures(weight)
        again, scores = np.repeat(target, weight), np.repeat(score, weight)
        assert set(found) == set(FIGURES)
        for name in FIGURES:
            assert found[name] == pytest.approx(expected(name, again, scores), abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize("value", [0, 1])
def test_a_resample_of_one_class_has_only_figures_of_one_class(value: int) -> None:
    target, score = draw(3)
    weight = (target == value).astype(np.int64)
    found = WeightedFigures(target, score, SETTINGS).figures(weight)
    again, scores = np.repeat(target, weight), np.repeat(score, weight)
    for name in FIGURES:
        assert found[name] == pytest.approx(expected(name, again, scores), abs=1e-9, nan_ok=True), name
    assert np.isnan(found["eer"])
    assert found["log_loss"] > 0


def test_nothing_called_fake_has_no_precision() -> None:
    found = WeightedFigures(np.array([0, 1]), np.array([0.1, 0.2]), SETTINGS).figures(np.array([1, 1]))
    assert np.isnan(found["precision"])
    assert found["recall"] == found["f1"] == 0


def test_without_a_threshold_there_is_no_decision() -> None:
    settings = Settings({}, None, 10, 0.05, 10.0, 1.0)
    made = made_of(*draw(0), settings=settings)
    assert set(made) == {"eer", "ap", "log_loss", "brier", "ece", "min_dcf"}


def test_the_interval_equals_a_plain_bootstrap_by_source() -> None:
    target, score = draw(1, n=120)
    source = np.array([f"s{i % 12}" for i in range(target.size)])
    rng, names = np.random.default_rng(5), np.unique(source)
    values: dict[str, list[float]] = {name: [] for name in ("eer", "brier", "ece")}
    for _ in range(250):
        members = [np.flatnonzero(source == names[i]) for i in rng.integers(12, size=12)]
        rows = np.concatenate([rng.choice(rows, size=rows.size) for rows in members])
        for name in values:
            values[name].append(FIGURES[name](target[rows], score[rows]))
    made = made_of(target, score, source.tolist(), n_bootstrap=600, confidence=0.9)
    for name, of_name in values.items():
        low, high = np.quantile(of_name, [0.05, 0.95])
        if name in MIRRORED:
            whole = FIGURES[name](target, score)
            low, high = max(0.0, 2 * whole - high), 2 * whole - low
        interval = made[name]
        assert isinstance(interval, Interval)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.04)
        assert "12 sources" in interval.how


def test_the_intervals_cover_nearly_as_often_as_they_say() -> None:
    """Scores that are too sure of themselves: of logit 2.2 z where z is the true one."""
    settings = Settings({}, None, 10, 0.05, 10.0, 1.0)

    def sample(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        z = rng.normal(0, 1.5, n)
        return (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.int64), 1 / (1 + np.exp(-2.2 * z))

    rng = np.random.default_rng(0)
    names, runs = ("eer", "log_loss", "ece", "min_dcf"), 60
    target, score = sample(rng, 400_000)
    truth = {name: FIGURES[name](target, score) for name in names}
    covered = dict.fromkeys(names, 0)
    for _ in range(runs):
        made = made_of(*sample(rng, 400), settings=settings, n_bootstrap=80)
        for name in names:
            covered[name] += made[name].low <= truth[name] <= made[name].high
    assert min(covered.values()) >= 0.8 * runs


def test_single_clips_are_drawn_without_sources() -> None:
    made = made_of(*draw(2, n=300))
    for name, interval in made.items():
        assert isinstance(interval, Interval), name
        assert "single clips within each class (the labels have no source)" in interval.how
        assert 0 <= interval.low < interval.high


@pytest.mark.parametrize("source", [None, ["a", "b"] * 20])
def test_one_class_has_the_intervals_of_its_own_figures_only(source) -> None:
    score = np.linspace(0.1, 0.9, 40)
    made = made_of(np.ones(40, dtype=np.int64), score, source)
    found = {name for name, interval in made.items() if isinstance(interval, Interval)}
    assert found == {"log_loss", "brier", "ece", "accuracy"}
    assert isinstance(made["eer"], NoFigure)
    assert "only 0 of 200 resamples determine the figure" in made["eer"].reason


def test_resamples_that_do_not_determine_a_figure_are_counted() -> None:
    # without sources a resample has both classes, but three of four fakes may be missed by all
    target, score = np.array([0, 0, 0, 1, 1, 1, 1]), np.array([0.1, 0.2, 0.3, 0.2, 0.3, 0.4, 0.9])
    interval = made_of(target, score, n_bootstrap=1000)["precision"]
    assert isinstance(interval, Interval)
    left_out = int(interval.how.split("(")[-1].split(" more")[0])
    assert left_out == pytest.approx(1000 * 0.75**4, abs=60)


def test_identical_scores_say_that_the_width_means_little() -> None:
    made = made_of(np.array([0, 1, 0, 1]), np.full(4, 0.5))["eer"]
    assert isinstance(made, Interval)
    assert (made.low, made.high) == (0.5, 0.5)
    assert "too small or too easy" in made.how


def test_more_confidence_is_wider_and_a_seed_is_a_result() -> None:
    target, score = draw(4)
    wide, narrow = made_of(target, score, confidence=0.99), made_of(target, score, confidence=0.5)
    for name in ("eer", "ap", "log_loss", "brier"):
        assert wide[name].low < narrow[name].low < narrow[name].high < wide[name].high
    assert made_of(target, score, seed=1)["brier"] == made_of(target, score, seed=1)["brier"]
    assert made_of(target, score, seed=1)["brier"] != made_of(target, score, seed=2)["brier"]
