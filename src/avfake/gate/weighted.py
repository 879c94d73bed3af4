"""Figures of many resamples of the same clips, each given by how often it holds each clip.

`weights` yields int [n] per resample (`avfake.evaluation.intervals`). A resample that does not determine the
figure gives NaN. Each agrees with the function of the same name in `avfake.evaluation.metrics` on the clips
repeated as often as they are drawn.
"""

from collections.abc import Iterator

import numpy as np

from avfake.evaluation.metrics import ROUNDING, SCORE_RESOLUTION, FloatArray, IntArray


def eer(target: IntArray, score: FloatArray, weights: Iterator[IntArray]) -> FloatArray:
    """Equal error rate of each resample. Sorted once: rates are cumulative sums of weights."""
    order = np.argsort(-score, kind="stable")
    fake = target[order] == 1
    # The last clip of each run of tied scores: thresholds lie between runs, never inside one.
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    values = []
    for weight in weights:
        drawn = weight[order]
        hits = np.concatenate([[0], np.cumsum(drawn * fake)[ends]])
        alarms = np.concatenate([[0], np.cumsum(drawn * ~fake)[ends]])
        if not hits[-1] or not alarms[-1]:
            values.append(np.nan)
            continue
        fpr, excess = alarms / alarms[-1], alarms / alarms[-1] + hits / hits[-1] - 1
        right = int(np.argmax(excess >= 0))
        part = -excess[right - 1] / (excess[right] - excess[right - 1])
        values.append(fpr[right - 1] + part * (fpr[right] - fpr[right - 1]))
    return np.asarray(values, dtype=np.float64)


def log_loss(target: IntArray, score: FloatArray, weights: Iterator[IntArray]) -> FloatArray:
    """Mean negative log likelihood of each resample, in nats."""
    clipped = np.clip(score, SCORE_RESOLUTION, 1 - SCORE_RESOLUTION)
    loss = -np.log(np.where(target == 1, clipped, 1 - clipped))
    # Not `weight @ loss`: BLAS would sum in an order that depends on its threads, and wait for them.
    return np.asarray([(weight * loss).sum() / weight.sum() for weight in weights], dtype=np.float64)


def ece(target: IntArray, score: FloatArray, bins: int, weights: Iterator[IntArray]) -> FloatArray:
    """Expected calibration error of each resample, over `bins` equal-width bins."""
    position = np.minimum(np.floor(score * bins + ROUNDING).astype(np.int64), bins - 1)
    excess = score - target
    return np.asarray(
        [
            np.abs(np.bincount(position, weights=weight * excess, minlength=bins)).sum() / weight.sum()
            for weight in weights
        ],
        dtype=np.float64,
    )
