"""DeLong's interval of an AUC, and of the difference of two AUCs on the same clips.

An AUC is the mean, over clips of one class, of the share of the other class that lies on the right side of
the clip (its placement). DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988: the variance of the AUC
follows from the variances of the placements of both classes. Sun and Xu, IEEE Signal Processing Letters 21,
2014: placements are differences of midranks, so sorting replaces comparing every real with every fake.

The clips count as independent of one another: where clips share a source, draw sources instead
(`avfake.evaluation.intervals.best_interval`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from avfake.evaluation.metrics import FloatArray, IntArray, Interval, NoFigure, checked, need_both_classes

# A variance is taken over at least two clips.
LEAST_CLIPS = 2


class _Placements(NamedTuple):
    """Twice the clips of the other class on the right side of each clip; a tie counts one.

    Whole numbers, so that equal placements have a variance of 0 and not of 1e-33.
    """

    fake: IntArray  # [n_fake], of n_real
    real: IntArray  # [n_real], of n_fake


def auc_variance(target: npt.ArrayLike, score: npt.ArrayLike) -> tuple[float, float]:
    """The AUC and DeLong's estimate of its variance, in O(n log n).

    Args:
        target: int [n], 1 = fake.
        score: float [n], probability of fake.

    Raises:
        NoFigure: fewer than two clips of a class.
    """
    t, s = checked(target, score)
    _need_two_of_each(t)
    placements = _placements(t, s)
    return _auc(placements), _variance(placements)


def delong_interval(target: npt.ArrayLike, score: npt.ArrayLike, confidence: float) -> Interval:
    """Confidence interval of the AUC from DeLong's variance, symmetric on the logit scale.

    On the scale of the AUC itself a symmetric interval leaves [0, 1] and covers too rarely near 1; the
    logit does neither (Pepe 2003, chapter 5; Qin and Hotilovac, Stat. Methods Med. Res. 17, 2008).
    Perfect separation and identical scores have variance 0, which no transformation mends. There the
    clips are put into pairs of a real and a fake, none used twice: the pairs are independent and all
    came out alike, so the exact limit of Clopper and Pearson 1934 holds for the share that does.

    Args:
        target: int [n], 1 = fake.
        score: float [n], probability of fake.
        confidence: of the two-sided interval.

    Raises:
        NoFigure: fewer than two clips of a class.
    """
    value, variance = auc_variance(target, score)
    if variance > 0:
        width = norm.ppf((1 + confidence) / 2) * np.sqrt(variance) / (value * (1 - value))
        low, high = expit(logit(value) - width), expit(logit(value) + width)
        return Interval(float(low), float(high), f"{confidence:g} interval, DeLong on the logit scale")
    pairs = _pairs(target)
    alike = _least_share(pairs, confidence)
    # Every pair has the outcome `value`; the share that may not is anything from 0 to 1.
    low, high = alike * value, alike * value + 1 - alike
    what = "all scores are identical" if value == 0.5 else "the classes are separated without an error"
    return Interval(low, high, f"{confidence:g} interval; {what}: {_exact(pairs)}")


def paired_difference(
    target: npt.ArrayLike, score_a: npt.ArrayLike, score_b: npt.ArrayLike, confidence: float
) -> tuple[float, Interval]:
    """AUC of `score_b` minus AUC of `score_a` on the same clips, and DeLong's interval of the difference.

    What the two have in common (clips that are hard for both) cancels, so the interval is narrower than
    two single ones suggest. It is symmetric, and cut off at -1 and 1.

    Args:
        target: int [n], 1 = fake.
        score_a: float [n], probability of fake, before.
        score_b: float [n], probability of fake, after.
        confidence: of the two-sided interval.

    Raises:
        NoFigure: fewer than two clips of a class.
    """
    t, a = checked(target, score_a)
    _, b = checked(target, score_b)
    _need_two_of_each(t)
    before, after = _placements(t, a), _placements(t, b)
    change = _Placements(after.fake - before.fake, after.real - before.real)
    difference, variance = _auc(change), _variance(change)
    kind = f"{confidence:g} interval of the difference"
    if variance > 0:
        width = float(norm.ppf((1 + confidence) / 2) * np.sqrt(variance))
        low, high = max(-1.0, difference - width), min(1.0, difference + width)
        return difference, Interval(low, high, f"{kind}, DeLong, paired by clip")
    if difference == 0:
        return difference, Interval(0.0, 0.0, f"{kind}: both scores put the clips in the same order")
    pairs = _pairs(t)
    alike = _least_share(pairs, confidence)
    low, high = alike * difference - (1 - alike), alike * difference + (1 - alike)
    return difference, Interval(low, high, f"{kind}; every clip changed by as much: {_exact(pairs)}")


def _placements(target: IntArray, score: FloatArray) -> _Placements:
    ranks = rankdata(score)
    fake, real = target == 1, target == 0
    below = ranks[fake] - rankdata(score[fake])
    above = fake.sum() - (ranks[real] - rankdata(score[real]))
    return _Placements(np.rint(2 * below).astype(np.int64), np.rint(2 * above).astype(np.int64))


def _auc(placements: _Placements) -> float:
    return int(placements.fake.sum()) / (2 * placements.fake.size * placements.real.size)


def _variance(placements: _Placements) -> float:
    n_fake, n_real = placements.fake.size, placements.real.size
    of_fake = placements.fake.var(ddof=1) / (2 * n_real) ** 2
    of_real = placements.real.var(ddof=1) / (2 * n_fake) ** 2
    return float(of_fake / n_fake + of_real / n_real)


def _need_two_of_each(target: IntArray) -> None:
    need_both_classes(target)
    for name, n in (("fake", int(target.sum())), ("real", int((target == 0).sum()))):
        if n < LEAST_CLIPS:
            raise NoFigure(f"DeLong's variance needs two clips of each class, there is one {name} clip")


def _pairs(target: npt.ArrayLike) -> int:
    t = np.asarray(target)
    return int(min((t == 1).sum(), (t == 0).sum()))


def _least_share(pairs: int, confidence: float) -> float:
    """Lower limit of Clopper and Pearson for a share of which `pairs` of `pairs` were seen."""
    return float(((1 - confidence) / 2) ** (1 / pairs))


def _exact(pairs: int) -> str:
    return f"exact limit from {pairs} independent pairs that came out alike (Clopper-Pearson)"
