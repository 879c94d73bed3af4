"""Figures against scikit-learn, brute force, root finding and cases done by hand."""

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics as sk

from avfake.evaluation import metrics as m
from avfake.evaluation.metrics import NoFigure

REALS = np.array([0, 0, 0, 0])


def draw(seed: int, n: int = 120, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """A random split of both classes with many tied scores."""
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=n)
    target[:2] = 0, 1
    shift = rng.uniform(-0.2, 0.5)
    score = np.clip(rng.normal(0.4 + shift * target, 0.25), 0, 1)
    return target, np.round(score, decimals)


def auc_by_pairs(target: np.ndarray, score: np.ndarray) -> float:
    real, fake = score[target == 0], score[target == 1]
    difference = fake[:, None] - real[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


@pytest.mark.parametrize("seed", range(20))
def test_auc_counts_pairs(seed: int) -> None:
    target, score = draw(seed, decimals=seed % 3 + 1)
    assert m.auc(target, score) == pytest.approx(auc_by_pairs(target, score), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_auc_follows_the_order_only_and_turns_with_the_classes(seed: int) -> None:
    target, score = draw(seed)
    assert m.auc(target, score**3) == pytest.approx(m.auc(target, score), abs=1e-12)
    assert m.auc(1 - target, score) == pytest.approx(1 - m.auc(target, score), abs=1e-12)


def test_auc_by_hand() -> None:
    # pairs (fake, real): .6 > .1, .6 > .5, .5 > .1, .5 = .5
    assert m.auc([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.6]) == 3.5 / 4
    assert m.auc([0, 1], [0.9, 0.1]) == 0


def test_identical_scores_are_chance() -> None:
    target = np.array([0, 1, 1, 0, 1])
    same = np.full(5, 0.5)
    assert m.auc(target, same) == 0.5
    assert m.eer(target, same) == 0.5
    assert m.average_precision(target, same) == pytest.approx(3 / 5)


@pytest.mark.parametrize("seed", range(20))
def test_eer_is_the_root_of_the_roc(seed: int) -> None:
    target, score = draw(seed, decimals=seed % 3 + 1)
    fpr, tpr, _ = sk.roc_curve(target, score)
    # Vertical pieces are no function of the rate; a curve by its length has both as functions.
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(fpr), np.diff(tpr)))])
    at, hit = interp1d(length, fpr), interp1d(length, tpr)
    root = brentq(lambda x: at(x) - (1 - hit(x)), 0, length[-1], xtol=1e-13)
    assert m.eer(target, score) == pytest.approx(float(at(root)), abs=1e-9)


def test_eer_by_hand() -> None:
    assert m.eer([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == 0
    assert m.eer([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]) == 1
    # one of four on the wrong side in each class
    assert m.eer([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.4, 0.8, 0.9, 1.0]) == 0.25
    # reals at .5 and .1, fakes both at .5: from (0, 0) straight to (1/2, 1), crossing at 1/3
    assert m.eer([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.5]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", range(10))
def test_average_precision_sums_steps(seed: int) -> None:
    target, score = draw(seed)
    total, before = 0.0, 0.0
    for threshold in np.unique(score)[::-1]:
        called = score >= threshold
        hit = target[called].sum() / target.sum()
        total += (hit - before) * target[called].mean()
        before = hit
    assert m.average_precision(target, score) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.2])
def test_tpr_at_fpr_tries_every_threshold(seed: int, fpr: float) -> None:
    target, score = draw(seed, n=400)
    real, fake = score[target == 0], score[target == 1]
    best = max((fake >= x).mean() for x in [*score, 2.0] if (real >= x).sum() <= fpr * real.size)
    assert m.tpr_at_fpr(target, score, fpr) == pytest.approx(best, abs=1e-12)


def test_tpr_at_fpr_by_hand() -> None:
    # 100 reals allow one false alarm at 1 %: the one at .9; a second one at .8 is too many
    real = np.concatenate([np.full(98, 0.1), [0.8, 0.9]])
    fake = np.array([0.95, 0.9, 0.85, 0.8, 0.7])
    target = np.repeat([0, 1], [100, 5])
    assert m.tpr_at_fpr(target, np.concatenate([real, fake]), 0.01) == 3 / 5
    # a tie is not split: both of the best scores are one real, one fake too many
    tied = np.concatenate([np.full(98, 0.1), [0.9, 0.9]])
    assert m.tpr_at_fpr(target, np.concatenate([tied, fake]), 0.01) == 1 / 5


@pytest.mark.parametrize(("fpr", "needed"), [(1e-2, 100), (5e-3, 200), (1e-3, 1000)])
def test_tpr_at_fpr_needs_enough_reals(fpr: float, needed: int) -> None:
    def split(n_real: int) -> tuple[np.ndarray, np.ndarray]:
        return np.repeat([0, 1], [n_real, 3]), np.repeat([0.2, 0.8], [n_real, 3])

    assert m.tpr_at_fpr(*split(needed), fpr) == 1
    with pytest.raises(NoFigure, match=f"at least {needed} real clips, there are {needed - 1}"):
        m.tpr_at_fpr(*split(needed - 1), fpr)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("costs", [(0.05, 10, 1), (0.5, 1, 1), (0.9, 1, 3)])
def test_min_dcf_tries_every_threshold(seed: int, costs: tuple[float, float, float]) -> None:
    target, score = draw(seed)
    p_fake, cost_miss, cost_false_alarm = costs
    real, fake = score[target == 0], score[target == 1]
    every = [
        p_fake * cost_miss * (fake < x).mean() + (1 - p_fake) * cost_false_alarm * (real >= x).mean()
        for x in [*score, -1.0, 2.0]
    ]
    constant = [
        p_fake * cost_miss * (fake < x).mean() + (1 - p_fake) * cost_false_alarm * (real >= x).mean()
        for x in (-1.0, 2.0)
    ]
    made = m.min_dcf(target, score, *costs)
    assert made == pytest.approx(min(every) / min(constant), abs=1e-12)
    assert 0 <= made <= 1


def test_min_dcf_by_hand() -> None:
    # misses cost .05 * 10 = .5, false alarms .95; calling nothing fake costs .5, everything .95
    target, score = [0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.7, 0.9]
    # at .9: half the fakes missed, no false alarm: .25; at .7: no miss, a quarter of the reals: .2375
    assert m.min_dcf(target, score, 0.05, 10, 1) == pytest.approx(0.2375 / 0.5)
    # the other way round a threshold is worse than calling nothing fake
    assert m.min_dcf([1, 0], [0.1, 0.9], 0.05, 10, 1) == 1
    assert m.min_dcf([0, 1], [0.1, 0.9], 0.05, 10, 1) == 0
    assert m.min_dcf([0, 1], [0.5, 0.5], 0.05, 10, 1) == 1


@pytest.mark.parametrize("seed", range(5))
def test_decisions_agree_with_counts(seed: int) -> None:
    target, score = draw(seed)
    threshold = float(score[seed])
    called = score >= threshold
    tp, fp = (called & (target == 1)).sum(), (called & (target == 0)).sum()
    fn, tn = (~called & (target == 1)).sum(), (~called & (target == 0)).sum()
    assert m.precision(target, score, threshold) == pytest.approx(tp / (tp + fp))
    assert m.recall(target, score, threshold) == pytest.approx(tp / (tp + fn))
    assert m.f1(target, score, threshold) == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert m.accuracy(target, score, threshold) == pytest.approx((tp + tn) / target.size)


def test_a_score_on_the_threshold_is_called_fake() -> None:
    assert m.recall([0, 1], [0.4, 0.5], 0.5) == 1
    assert m.accuracy([0, 1], [0.5, 0.4], 0.5) == 0


def test_nothing_called_fake() -> None:
    assert m.recall([0, 1], [0.1, 0.2], 0.9) == 0
    assert m.f1([0, 1], [0.1, 0.2], 0.9) == 0
    with pytest.raises(NoFigure, match="no clip is called fake"):
        m.precision([0, 1], [0.1, 0.2], 0.9)


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_by_formula(seed: int) -> None:
    target, score = draw(seed)
    p = np.clip(score, 5e-7, 1 - 5e-7)
    assert m.log_loss(target, score) == pytest.approx(
        -np.mean(target * np.log(p) + (1 - target) * np.log1p(-p)), rel=1e-9
    )
    assert m.brier(target, score) == pytest.approx(np.mean((score - target) ** 2), rel=1e-12)


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    assert m.log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-np.log(5e-7))
    assert m.log_loss([1, 0], [1.0, 0.0]) == pytest.approx(5e-7, rel=1e-3)


def test_probabilities_stand_with_one_class() -> None:
    assert m.log_loss(REALS, np.full(4, 0.5)) == pytest.approx(np.log(2))
    assert m.brier(REALS, np.full(4, 0.5)) == 0.25
    assert m.brier(REALS + 1, np.full(4, 0.25)) == 0.5625
    assert m.ece(REALS, np.full(4, 0.25), 10) == 0.25
    assert m.accuracy(REALS, np.full(4, 0.25), 0.5) == 1


@pytest.mark.parametrize("bins", [2, 7, 10, 15])
@pytest.mark.parametrize("seed", range(4))
def test_ece_bin_by_bin(seed: int, bins: int) -> None:
    target, score = draw(seed)
    total = 0.0
    # hundredths and bins as whole numbers: no edge is touched by rounding
    hundredths = np.rint(score * 100).astype(int)
    for k in range(bins):
        inside = (hundredths * bins >= 100 * k) & (hundredths * bins < 100 * (k + 1))
        if k == bins - 1:
            inside |= hundredths == 100
        if inside.any():
            total += inside.mean() * abs(score[inside].mean() - target[inside].mean())
    assert m.ece(target, score, bins) == pytest.approx(total, abs=1e-12)


def test_calibration_by_hand() -> None:
    predicted, observed, n = m.calibration([0, 1, 1, 1], [0.1, 0.3, 0.35, 1.0], 10)
    assert predicted.tolist() == pytest.approx([0.1, 0.325, 1.0])
    assert observed.tolist() == [0, 1, 1]
    assert n.tolist() == [1, 2, 1]
    assert m.ece([0, 1, 1, 1], [0.1, 0.3, 0.35, 1.0], 10) == pytest.approx((0.1 + 2 * 0.675 + 0) / 4)
    assert m.ece([0, 0, 1, 1], [0, 0, 1, 1], 10) == 0


def test_a_score_on_an_edge_belongs_to_the_bin_above() -> None:
    assert 0.29 * 100 < 29  # in binary
    assert m.calibration([0, 1, 1], [0.285, 0.29, 0.295], 100)[2].tolist() == [1, 2]


BOTH = [
    m.auc,
    m.eer,
    m.average_precision,
    lambda t, s: m.tpr_at_fpr(t, s, 0.5),
    lambda t, s: m.min_dcf(t, s, 0.05, 10, 1),
    lambda t, s: m.f1(t, s, 0.5),
    lambda t, s: m.precision(t, s, 0.5),
    lambda t, s: m.recall(t, s, 0.5),
]
ANY = [m.log_loss, m.brier, lambda t, s: m.ece(t, s, 10), lambda t, s: m.accuracy(t, s, 0.5)]


@pytest.mark.parametrize("figure", BOTH)
@pytest.mark.parametrize(("value", "reason"), [(0, "no fake one"), (1, "no real one")])
def test_one_class_is_no_figure(figure, value: int, reason: str) -> None:
    with pytest.raises(NoFigure, match=reason):
        figure(np.full(4, value), np.linspace(0.1, 0.9, 4))


@pytest.mark.parametrize("figure", BOTH + ANY)
def test_no_clips_is_no_figure(figure) -> None:
    with pytest.raises(NoFigure, match="no labelled clips"):
        figure([], [])


@pytest.mark.parametrize(
    ("target", "score"),
    [([0, 1], [0.1]), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, np.nan]), ([0, 1], [0.1, 1.1]), ([[0]], [[0.1]])],
)
def test_bad_arrays_are_refused(target: list, score: list) -> None:
    with pytest.raises(ValueError, match=r"target|score"):
        m.auc(target, score)
