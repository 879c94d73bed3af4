"""Figures of a detector from labels and scores: pure functions of arrays.

Everywhere `target` is int [n], 1 = fake (the positive class) and 0 = real; `score` is float [n], the
probability of fake in [0, 1]; a clip is called fake where `score >= threshold`. A figure that the data do
not determine raises `NoFigure` with the reason: it is never 0, never NaN.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)
from sklearn.metrics import log_loss as sklearn_log_loss

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

# Prediction files carry six decimals: a written 0 or 1 stands for anything up to half the last decimal,
# so that is the probability which a certain and wrong clip is charged for.
SCORE_RESOLUTION = 5e-7
# Guards comparisons of shares with counts (0.3 * 10 is not 3) against the last bits.
ROUNDING = 1e-9


class NoFigure(ValueError):  # noqa: N818 - a statement about the data, not a fault
    """The data do not determine this figure; `reason` says why, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Interval:
    """A confidence interval; `how` tells its kind, what was left out, and what makes it doubtful."""

    low: float
    high: float
    how: str


def checked(target: npt.ArrayLike, score: npt.ArrayLike) -> tuple[IntArray, FloatArray]:
    """`target` and `score` as int64 [n] and float64 [n].

    Raises:
        ValueError: shapes differ, a target is not 0 or 1, a score is not a number within [0, 1].
    """
    t, s = np.asarray(target), np.asarray(score, dtype=np.float64)
    if t.ndim != 1 or t.shape != s.shape:
        raise ValueError(f"target {t.shape} and score {s.shape} must be two lists of one length")
    if not np.isin(t, (0, 1)).all():
        raise ValueError("a target is neither 0 (real) nor 1 (fake)")
    if not ((s >= 0) & (s <= 1)).all():
        raise ValueError("a score is not a number within [0, 1]")
    return t.astype(np.int64), s


def need_clips(target: IntArray) -> None:
    """Raises NoFigure where there is no labelled clip."""
    if target.size == 0:
        raise NoFigure("no labelled clips")


def need_both_classes(target: IntArray) -> None:
    """Raises NoFigure unless there are real and fake clips."""
    need_clips(target)
    n_fake = int(target.sum())
    if n_fake == 0:
        raise NoFigure(f"one class only: {target.size} real clips and no fake one")
    if n_fake == target.size:
        raise NoFigure(f"one class only: {n_fake} fake clips and no real one")


def auc(target: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Area under the ROC curve; a tie between a real and a fake clip counts one half (scikit-learn)."""
    t, s = checked(target, score)
    need_both_classes(t)
    return float(roc_auc_score(t, s))


def average_precision(target: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Average precision: mean of precision over the steps of recall, not interpolated (scikit-learn)."""
    t, s = checked(target, score)
    need_both_classes(t)
    return float(average_precision_score(t, s))


def eer(target: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Equal error rate: false-positive rate where it equals the miss rate, on the ROC polyline.

    Between two thresholds the ROC runs straight (the detector that tosses a coin between the two), so
    tied scores and small sets give one value, whatever the order of the clips.
    """
    t, s = checked(target, score)
    need_both_classes(t)
    fpr, tpr, _ = roc_curve(t, s, drop_intermediate=False)
    # From -1 at (0, 0) to 1 at (1, 1), strictly rising: exactly one crossing.
    excess = fpr + tpr - 1
    right = int(np.argmax(excess >= 0))
    left = right - 1
    part = -excess[left] / (excess[right] - excess[left])
    return float(fpr[left] + part * (fpr[right] - fpr[left]))


def tpr_at_fpr(target: npt.ArrayLike, score: npt.ArrayLike, fpr: float) -> float:
    """Largest true-positive rate of any threshold whose false-positive rate is at most `fpr`.

    Not interpolated: a rate that a real threshold reaches. With fewer than 1/fpr real clips not even one
    false alarm is allowed and the value says nothing about `fpr`, so it is refused.
    """
    t, s = checked(target, score)
    need_both_classes(t)
    n_real = int((t == 0).sum())
    allowed = np.floor(fpr * n_real + ROUNDING)
    if allowed < 1:
        raise NoFigure(f"needs at least {int(np.ceil(1 / fpr - ROUNDING))} real clips, there are {n_real}")
    rates, hits, _ = roc_curve(t, s, drop_intermediate=False)
    return float(hits[np.rint(rates * n_real) <= allowed].max())


def min_dcf(
    target: npt.ArrayLike, score: npt.ArrayLike, p_fake: float, cost_miss: float, cost_false_alarm: float
) -> float:
    """Smallest detection cost of any threshold, over that of the best decision that hears nothing.

    cost = p_fake * cost_miss * P(fake not called fake) + (1 - p_fake) * cost_false_alarm * P(real called
    fake), divided by min(p_fake * cost_miss, (1 - p_fake) * cost_false_alarm): the cost of calling
    nothing or everything fake, so the value is at most 1 (NIST speaker recognition evaluations; ASVspoof 5,
    arXiv 2408.08739, where miss and false alarm have each other's names because bona fide is its positive
    class). Every threshold counts, those below and above all scores too.
    """
    t, s = checked(target, score)
    need_both_classes(t)
    fpr, tpr, _ = roc_curve(t, s, drop_intermediate=False)
    miss, false_alarm = p_fake * cost_miss, (1 - p_fake) * cost_false_alarm
    return float((miss * (1 - tpr) + false_alarm * fpr).min() / min(miss, false_alarm))


def accuracy(target: npt.ArrayLike, score: npt.ArrayLike, threshold: float) -> float:
    """Share of clips on the right side of the threshold."""
    t, s = checked(target, score)
    need_clips(t)
    return float(((s >= threshold) == (t == 1)).mean())


def precision(target: npt.ArrayLike, score: npt.ArrayLike, threshold: float) -> float:
    """Share of fakes among the clips called fake."""
    t, s = checked(target, score)
    need_both_classes(t)
    if not (s >= threshold).any():
        raise NoFigure("no clip is called fake at the threshold")
    return _precision_recall_f1(t, s, threshold)[0]


def recall(target: npt.ArrayLike, score: npt.ArrayLike, threshold: float) -> float:
    """Share of the fakes that are called fake."""
    t, s = checked(target, score)
    need_both_classes(t)
    return _precision_recall_f1(t, s, threshold)[1]


def f1(target: npt.ArrayLike, score: npt.ArrayLike, threshold: float) -> float:
    """Harmonic mean of precision and recall of the class fake; 0 where every fake is missed."""
    t, s = checked(target, score)
    need_both_classes(t)
    return _precision_recall_f1(t, s, threshold)[2]


def log_loss(target: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Mean negative log likelihood in nats; scores are kept `SCORE_RESOLUTION` off 0 and 1."""
    t, s = checked(target, score)
    need_clips(t)
    clipped = np.clip(s, SCORE_RESOLUTION, 1 - SCORE_RESOLUTION)
    return float(sklearn_log_loss(t, clipped, labels=[0, 1]))


def brier(target: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Mean squared difference of score and target (Brier 1950)."""
    t, s = checked(target, score)
    need_clips(t)
    return float(brier_score_loss(t, s, pos_label=1, labels=[0, 1]))


def calibration(
    target: npt.ArrayLike, score: npt.ArrayLike, bins: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Reliability over `bins` equal-width bins of score; empty bins are left out.

    Returns:
        mean score, share of fakes and number of clips, each [bins that hold a clip], scores rising.
    """
    t, s = checked(target, score)
    need_clips(t)
    # A score on an edge belongs to the bin above it; 1 to the last one.
    position = np.minimum(np.floor(s * bins + ROUNDING).astype(np.int64), bins - 1)
    n = np.bincount(position, minlength=bins)
    used = n > 0
    predicted = np.bincount(position, weights=s, minlength=bins)[used] / n[used]
    observed = np.bincount(position, weights=t, minlength=bins)[used] / n[used]
    return predicted, observed, n[used]


def ece(target: npt.ArrayLike, score: npt.ArrayLike, bins: int) -> float:
    """Expected calibration error: mean distance of score and share of fakes, weighted by clips.

    Equal-width bins of the probability of fake, after Naeini, Cooper and Hauskrecht, AAAI 2015.
    """
    predicted, observed, n = calibration(target, score, bins)
    return float((n * np.abs(predicted - observed)).sum() / n.sum())


def _precision_recall_f1(target: IntArray, score: FloatArray, threshold: float) -> tuple[float, float, float]:
    called = (score >= threshold).astype(np.int64)
    p, r, f, _ = precision_recall_fscore_support(target, called, average="binary", zero_division=0)
    return float(p), float(r), float(f)
