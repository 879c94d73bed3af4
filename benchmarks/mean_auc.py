"""The AUC of several trainings of one recipe: its mean, the interval of the mean, and differences.

The interval is by bootstrap over clips, by source where there are sources; the same resamples for every
recipe and seed, so that a difference is paired. It says what other clips would change. What other seeds
change is seen from the figures of each seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.evaluation import intervals

CONFIDENCE, RESAMPLES = 0.95, 2000
# Below this share of resamples that hold both classes there is no interval.
LEAST_USABLE = intervals.LEAST_USABLE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeanAuc:
    """Mean AUC over trainings.

    Attributes:
        value: the mean.
        each: the AUC of each training.
        drawn: the mean in each resample [RESAMPLES]; NaN where it lacks a class.
    """

    value: float
    each: tuple[float, ...]
    drawn: Floats

    @property
    def interval(self) -> tuple[float, float] | None:
        """Percentiles of the resamples, or None where most of them lack a class."""
        usable = self.drawn[~np.isnan(self.drawn)]
        if usable.size < LEAST_USABLE * self.drawn.size:
            return None
        low, high = np.quantile(usable, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    def __sub__(self, other: "MeanAuc") -> "MeanAuc":
        """The difference of two recipes on the same clips."""
        each = tuple(a - b for a, b in zip(self.each, other.each, strict=True))
        return MeanAuc(self.value - other.value, each, self.drawn - other.drawn)

    def text(self, sign: str = "") -> str:
        """Mean and interval, as a table shows them."""
        found = self.interval
        mean = f"{self.value:{sign}.3f}"
        return mean if found is None else f"{mean} ({found[0]:{sign}.3f} to {found[1]:{sign}.3f})"

    def facts(self) -> dict[str, Any]:
        """Mean, interval and figures of each training, for JSON."""
        low, high = self.interval or (None, None)
        figures = {"mean": self.value, "low": low, "high": high}
        rounded = {key: None if value is None else round(value, 6) for key, value in figures.items()}
        return {**rounded, "each": [round(value, 6) for value in self.each]}


def mean_auc(
    target: NDArray[np.int64], source: Sequence[str | None], scores: Sequence[Floats], name: str | None
) -> MeanAuc | None:
    """Mean AUC over `scores`, one float [n] per training; None where a class is missing.

    Args:
        target: int64 [n], 1 for fake.
        source: of each clip [n]; single clips are drawn where one is not known.
        scores: probability of fake, by training.
        name: of the resamples: figures of one name and the same clips have the same ones. None: no resamples,
            and no interval.
    """
    if target.size == 0 or target.min() == target.max():
        return None
    once = np.ones((1, target.size), np.int32)
    each = [float(_aucs(target, score, once)[0]) for score in scores]
    drawn = np.full(RESAMPLES, np.nan)
    if name is not None:
        weights = _weights(target.astype(np.int8).tobytes(), tuple(source), name)
        drawn = np.mean([_aucs(target, score, weights) for score in scores], axis=0)
    return MeanAuc(float(np.mean(each)), tuple(each), drawn)


@lru_cache(maxsize=16)
def _weights(target: bytes, source: tuple[str | None, ...], name: str) -> NDArray[np.int32]:
    """How often each clip is drawn, int32 [RESAMPLES, n]; drawn once for all recipes and seeds."""
    targets = np.frombuffer(target, np.int8).astype(np.int64)
    rng = intervals.generator(0, name)
    groups, _ = intervals.resampling(targets, source)
    drawn = (
        intervals.source_weights(groups, RESAMPLES, rng)
        if groups is not None
        else intervals.clip_weights(targets, RESAMPLES, rng)
    )
    return np.array([row.astype(np.int32) for row in drawn])


def _aucs(target: NDArray[np.int64], score: Floats, weights: NDArray[np.int32]) -> Floats:
    """`intervals.weighted_auc` of all resamples at once."""
    real, fake = np.flatnonzero(target == 0), np.flatnonzero(target == 1)
    real = real[np.argsort(score[real])]
    below = np.searchsorted(score[real], score[fake], side="left")
    not_above = np.searchsorted(score[real], score[fake], side="right")
    total = np.zeros((len(weights), real.size + 1), np.int64)
    np.cumsum(weights[:, real], axis=1, out=total[:, 1:])
    of_fake = weights[:, fake]
    won_twice = (of_fake * (total[:, below] + total[:, not_above])).sum(axis=1)
    pairs = total[:, -1] * of_fake.sum(axis=1)
    return np.divide(won_twice, 2 * pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
