"""Bootstrap intervals of every figure that the AUC's own modules do not serve, all from one set of draws.

A resample is how often each clip is drawn. The clips are sorted by score once; every figure of a resample
is then a sum over weights, so that a hundred thousand clips cost milliseconds per resample. Each figure here
equals the function of its name in `avfake.evaluation.metrics` on the clips repeated as often as drawn.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avfake.evaluation.intervals import LEAST_USABLE, clip_weights, resampling, source_weights
from avfake.evaluation.metrics import (
    ROUNDING,
    SCORE_RESOLUTION,
    FloatArray,
    IntArray,
    Interval,
    NoFigure,
)

# A figure that is a best or a distance over the very clips it is measured on errs to one side, and a resample
# errs as much again: percentiles would move the interval the wrong way. The basic bootstrap (Davison and
# Hinkley 1997, section 5.2) mirrors them at the figure and so takes the error off.
MIRRORED = ("ece", "min_dcf")


@dataclass(frozen=True)
class Settings:
    """What the figures depend on besides clips.

    Attributes:
        fpr_targets: name of the figure -> false-positive rate.
        threshold: at or above which a clip is called fake; None: no figure at a threshold.
        bins: of the calibration error.
        p_fake: of the detection cost, with `cost_miss` and `cost_false_alarm`.
    """

    fpr_targets: Mapping[str, float]
    threshold: float | None
    bins: int
    p_fake: float
    cost_miss: float
    cost_false_alarm: float


class WeightedFigures:
    """The figures of one set of clips under any weights."""

    def __init__(self, target: IntArray, score: FloatArray, settings: Settings) -> None:
        """Takes target int [n] and score float [n]; sorts them once."""
        self.settings = settings
        self._order = np.argsort(-score, kind="stable")
        s, t = score[self._order], target[self._order]
        self._target, self._gap = t.astype(np.float64), s - t
        last = np.append(s[1:] != s[:-1], True)
        # The number of clips at or above each threshold; the first one calls nothing fake.
        self._ends = np.append(0, np.flatnonzero(last) + 1)
        clipped = np.clip(s, SCORE_RESOLUTION, 1 - SCORE_RESOLUTION)
        self._log_loss = -np.where(t == 1, np.log(clipped), np.log1p(-clipped))
        self._brier = np.square(s - t)
        position = np.minimum(np.floor(s * settings.bins + ROUNDING), settings.bins - 1)
        self._bin_starts = np.flatnonzero(np.append(True, position[1:] != position[:-1]))
        called = s >= settings.threshold if settings.threshold is not None else np.zeros(0)
        self._called = int(called.sum())

    def figures(self, weights: IntArray) -> dict[str, float]:
        """Every figure of the resample that holds clip i `weights[i]` times; NaN where it has none."""
        # As doubles, which hold such counts exactly. Sums, not products of matrices: those would be cut up
        # by thread, and their last bits with them.
        w = weights[self._order].astype(np.float64)
        total = np.append(0.0, np.cumsum(w))
        fakes = np.append(0.0, np.cumsum(w * self._target))
        n, n_fake = float(total[-1]), float(fakes[-1])
        made = {"log_loss": (w * self._log_loss).sum() / n, "brier": (w * self._brier).sum() / n}
        gap = np.add.reduceat(w * self._gap, self._bin_starts)
        made["ece"] = np.abs(gap).sum() / n
        hits = fakes[self._ends]
        made |= self._ranking(hits, total[self._ends] - hits, n_fake, n - n_fake)
        if self.settings.threshold is not None:
            k = self._called
            made |= _decisions(float(fakes[k]), float(total[k]), n_fake, n)
        return {name: float(value) for name, value in made.items()}

    def _ranking(
        self, hits: FloatArray, alarms: FloatArray, n_fake: float, n_real: float
    ) -> dict[str, float]:
        """Figures of the ROC, given by the fakes and the reals at or above each threshold [thresholds]."""
        if not n_fake or not n_real:
            return dict.fromkeys(("eer", "ap", "min_dcf", *self.settings.fpr_targets), np.nan)

        def excess(k: int) -> float:
            return alarms[k] / n_real + hits[k] / n_fake - 1

        # Both rates only rise along the thresholds.
        right = bisect_left(range(hits.size), 0.0, key=excess)
        part = -excess(right - 1) / (excess(right) - excess(right - 1))
        made = {"eer": (alarms[right - 1] + part * (alarms[right] - alarms[right - 1])) / n_real}
        called = np.maximum(hits[1:] + alarms[1:], 1)
        made["ap"] = (np.diff(hits) * hits[1:] / called).sum() / n_fake
        miss = self.settings.p_fake * self.settings.cost_miss
        alarm = (1 - self.settings.p_fake) * self.settings.cost_false_alarm
        cost = miss - (hits * (miss / n_fake) - alarms * (alarm / n_real)).max()
        made["min_dcf"] = cost / min(miss, alarm)
        for name, target in self.settings.fpr_targets.items():
            allowed = np.floor(target * n_real + ROUNDING)
            last = int(np.searchsorted(alarms, allowed, side="right")) - 1
            made[name] = hits[last] / n_fake if allowed >= 1 else np.nan
        return made


def figure_intervals(
    target: IntArray,
    score: FloatArray,
    source: Sequence[str | None] | None,
    settings: Settings,
    *,
    confidence: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> dict[str, Interval | NoFigure]:
    """Bootstrap interval of each figure, or why it has none.

    Sources are drawn where every clip has one and there are two or more, else single clips within each
    class. Percentiles, but for the figures in `MIRRORED`.

    Args:
        target: int64 [n], 1 = fake; at least one clip.
        score: float64 [n], probability of fake.
        source: group of each clip [n], or None.
        settings: what the figures depend on.
        confidence: share of the resamples within an interval.
        n_bootstrap: resamples.
        rng: the only randomness.
    """
    groups, kind = resampling(target, source)
    draws = (
        source_weights(groups, n_bootstrap, rng)
        if groups is not None
        else clip_weights(target, n_bootstrap, rng)
    )
    weighted = WeightedFigures(target, score, settings)
    whole = weighted.figures(np.ones(target.size, dtype=np.int64))
    rows = [weighted.figures(weights) for weights in draws]
    made: dict[str, Interval | NoFigure] = {}
    for name, value in whole.items():
        try:
            values = np.array([row[name] for row in rows])
            made[name] = _interval(values, value, name in MIRRORED, confidence, kind)
        except NoFigure as none:
            made[name] = none
    return made


def _decisions(hits: float, called: float, n_fake: float, n: float) -> dict[str, float]:
    both = 0 < n_fake < n
    wrong = (called - hits) + (n_fake - hits)
    return {
        "accuracy": 1 - wrong / n,
        "recall": hits / n_fake if both else np.nan,
        "precision": hits / called if both and called else np.nan,
        "f1": 2 * hits / (called + n_fake) if both else np.nan,
    }


def _interval(values: FloatArray, whole: float, mirrored: bool, confidence: float, kind: str) -> Interval:
    usable = values[~np.isnan(values)]
    if usable.size < LEAST_USABLE * values.size:
        raise NoFigure(
            f"bootstrap by {kind}: only {usable.size} of {values.size} resamples determine the figure"
        )
    low, high = np.quantile(usable, [(1 - confidence) / 2, (1 + confidence) / 2])
    how = f"{confidence:g} interval, bootstrap by {kind}, {usable.size} resamples"
    if mirrored:
        low, high = np.clip([2 * whole - high, 2 * whole - low], 0, 1)
        how += ", mirrored at the figure (basic bootstrap)"
    if usable.size < values.size:
        how += f" ({values.size - usable.size} more do not determine the figure and are left out)"
    if low == high:
        how += "; every resample gives the same value: the sample is too small or too easy to show the spread"
    return Interval(float(low), float(high), how)
