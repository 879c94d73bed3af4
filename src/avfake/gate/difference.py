"""How much a figure changed from one score to another on the same clips, with a paired interval.

What makes a clip hard is common to both revisions and cancels in the difference, so its interval is much
narrower than the two figures' own intervals suggest. Both scores see the same resamples: that is the pairing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from avfake.evaluation import intervals, metrics
from avfake.evaluation.delong import paired_difference
from avfake.evaluation.metrics import FloatArray, IntArray, Interval, NoFigure, need_both_classes, need_clips
from avfake.gate import weighted
from avfake.gate.disturbed import DisturbedPair
from avfake.gate.pairs import Pair

Draws = Callable[[], Iterator[IntArray]]


@dataclass(frozen=True)
class Method:
    """How intervals are made: share within, number of resamples, bins of the calibration, seed."""

    confidence: float
    n_bootstrap: int
    calibration_bins: int
    seed: int


def auc(pair: Pair, method: Method, name: str) -> tuple[float, Interval]:
    """Head's AUC minus base's: bootstrap by source where there are two or more, DeLong otherwise.

    Raises:
        NoFigure: one class only, too few clips of one, or too few resamples that hold both.
    """
    need_both_classes(pair.target)
    groups, reason = intervals.source_groups(pair.target.size, pair.source)
    if groups is None:
        value, interval = paired_difference(pair.target, pair.base, pair.head, method.confidence)
        return value, Interval(interval.low, interval.high, f"{interval.how} ({reason})")
    draws, kind = _draws(pair, method, name)
    made = [intervals.weighted_auc(pair.target, score, draws()) for score in (pair.base, pair.head)]
    value = metrics.auc(pair.target, pair.head) - metrics.auc(pair.target, pair.base)
    return value, _interval(made[1] - made[0], kind, method)


def eer(pair: Pair, method: Method, name: str) -> tuple[float, Interval]:
    """Head's equal error rate minus base's. Raises NoFigure as `auc` does."""
    need_both_classes(pair.target)
    draws, kind = _draws(pair, method, name)
    made = [weighted.eer(pair.target, score, draws()) for score in (pair.base, pair.head)]
    value = metrics.eer(pair.target, pair.head) - metrics.eer(pair.target, pair.base)
    return value, _interval(made[1] - made[0], kind, method)


def log_loss(pair: Pair, method: Method, name: str) -> tuple[float, Interval]:
    """Head's log loss minus base's, in nats. Raises NoFigure where there is no clip."""
    need_clips(pair.target)
    draws, kind = _draws(pair, method, name)
    made = [weighted.log_loss(pair.target, score, draws()) for score in (pair.base, pair.head)]
    value = metrics.log_loss(pair.target, pair.head) - metrics.log_loss(pair.target, pair.base)
    return value, _interval(made[1] - made[0], kind, method)


def ece(pair: Pair, method: Method, name: str) -> tuple[float, Interval]:
    """Head's expected calibration error minus base's. Raises NoFigure where there is no clip."""
    need_clips(pair.target)
    bins = method.calibration_bins
    draws, kind = _draws(pair, method, name)
    made = [weighted.ece(pair.target, score, bins, draws()) for score in (pair.base, pair.head)]
    value = metrics.ece(pair.target, pair.head, bins) - metrics.ece(pair.target, pair.base, bins)
    return value, _interval(made[1] - made[0], kind, method)


def worst_auc(pair: DisturbedPair, method: Method, name: str) -> tuple[float, Interval]:
    """Head's lowest AUC of any condition minus base's lowest; the two conditions need not be the same.

    Raises:
        NoFigure: no condition holds both classes, or too few resamples do.
    """
    usable = [part for part in pair.conditions.values() if 0 < pair.target[part.clips].mean() < 1]
    if not usable:
        raise NoFigure("no condition has real and fake clips that both revisions scored")
    draws, kind = _draws(pair, method, name)
    lowest, drawn = [], []
    for scores in ([part.base for part in usable], [part.head for part in usable]):
        values, resampled = [], []
        for part, score in zip(usable, scores, strict=True):
            target = pair.target[part.clips]
            values.append(metrics.auc(target, score))
            weights = (weight[part.clips] for weight in draws())
            resampled.append(intervals.weighted_auc(target, score, weights))
        lowest.append(min(values))
        drawn.append(np.fmin.reduce(resampled))  # a condition that lost a class in a resample is left aside
    return lowest[1] - lowest[0], _interval(drawn[1] - drawn[0], kind, method)


def _draws(pair: Pair | DisturbedPair, method: Method, name: str) -> tuple[Draws, str]:
    """The same resamples at every call, and what is drawn."""
    groups, kind = intervals.resampling(pair.target, pair.source)
    one_class = pair.target.min() == pair.target.max()
    if groups is None and one_class:
        groups = np.zeros(pair.target.size, dtype=np.int64)

    def draw() -> Iterator[IntArray]:
        rng = intervals.generator(method.seed, name)
        if groups is None:
            return intervals.clip_weights(pair.target, method.n_bootstrap, rng)
        return intervals.source_weights(groups, method.n_bootstrap, rng)

    return draw, kind


def _interval(values: FloatArray, kind: str, method: Method) -> Interval:
    usable = values[~np.isnan(values)]
    if usable.size < intervals.LEAST_USABLE * method.n_bootstrap:
        raise NoFigure(
            f"paired bootstrap by {kind}: only {usable.size} of {method.n_bootstrap} resamples hold both "
            "classes"
        )
    low, high = np.quantile(usable, [(1 - method.confidence) / 2, (1 + method.confidence) / 2])
    how = f"{method.confidence:g} interval of the difference, paired bootstrap by {kind}"
    return Interval(float(low), float(high), f"{how}, {usable.size} resamples")
