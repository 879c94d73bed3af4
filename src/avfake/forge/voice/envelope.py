"""Spectral envelopes of voices: moved along the frequencies, and given the statistics of another voice's.

Log envelopes mapped bin by bin are the case of one class and diagonal covariances of Y. Stylianou, O. Cappe,
E. Moulines: Continuous probabilistic transform for voice conversion, IEEE TSAP 6 (1998). The frequency warp
is that of L. Lee, R. Rose: A frequency warping approach to speaker normalization, IEEE TSAP 6 (1998).
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

KNEE = 0.85
FLOOR = 1e-16
# A bin hardly varies where there is only background: what it lacks is not made up for by more than this.
DEVIATION_RATIO = (0.5, 2.0)
MEAN_LOG_POWER = 20 / 10 * np.log(10)  # 20 dB
EDGE_HZ = 500.0
EDGE_FRAMES = 2.0


@dataclass(frozen=True)
class Statistics:
    """Mean and deviation of a voice's log power envelope, float64 [bins] each."""

    mean: np.ndarray
    deviation: np.ndarray


def warped(envelope: np.ndarray, ratio: float, rate: int, top: float) -> np.ndarray:
    """Envelopes with their formants moved by a ratio, and the upper end of the band where it was.

    Args:
        envelope: float64 [m, bins], power, from 0 Hz to half of `rate`.
        ratio: above 1: upwards, as of a shorter vocal tract.
        rate: Hz.
        top: Hz, the end of the recording's band. From KNEE of it on the move fades out, so that the band gets
            neither narrower nor wider.

    Returns:
        float64 [m, bins].
    """
    bins = envelope.shape[1]
    frequencies = np.linspace(0.0, rate / 2, bins)
    knee = KNEE * top * min(1.0, ratio)
    points = ([0.0, knee, top, max(top, rate / 2)], [0.0, knee / ratio, top, max(top, rate / 2)])
    where = np.interp(frequencies, *points) / (rate / 2) * (bins - 1)
    lower = np.minimum(where.astype(np.int64), bins - 2)
    share = where - lower
    logs = np.log(np.maximum(envelope, FLOOR))
    return np.exp((1 - share) * logs[:, lower] + share * logs[:, lower + 1])


def statistics(envelope: np.ndarray, chosen: np.ndarray) -> Statistics:
    """Of the rows `chosen` (bool [m], at least one) of envelopes float64 [m, bins]."""
    logs = np.log(np.maximum(envelope[chosen], FLOOR))
    return Statistics(logs.mean(axis=0), logs.std(axis=0))


def mapped(
    envelope: np.ndarray,
    chosen: np.ndarray,
    own: Statistics,
    other: Statistics,
    strength: float,
    rate: int,
    top: float,
) -> np.ndarray:
    """Envelopes with the mean and the deviation of another voice, bin by bin.

    Args:
        envelope: float64 [m, bins], power, from 0 Hz to half of `rate`.
        chosen: bool [m], the rows that are mapped; their neighbours go over into them.
        own: statistics of this voice.
        other: statistics of the other voice, in the same bins.
        strength: 0: as it is; 1: the other's statistics.
        rate: Hz.
        top: Hz, up to where both recordings have sound; what lies above stays as it is.

    Returns:
        float64 [m, bins], on the whole as loud.
    """
    frequencies = np.linspace(0.0, rate / 2, envelope.shape[1])
    within = strength * np.clip((top - frequencies) / EDGE_HZ, 0.0, 1.0)
    inside = frequencies < top
    # The loudness of the recordings is no property of the voices.
    shift = other.mean - own.mean - np.mean((other.mean - own.mean)[inside])
    shift = np.clip(shift, -MEAN_LOG_POWER, MEAN_LOG_POWER) * within
    ratio = np.clip(other.deviation / np.maximum(own.deviation, 1e-6), *DEVIATION_RATIO)
    ratio = 1 + (ratio - 1) * within
    logs = np.log(np.maximum(envelope, FLOOR))
    changed = own.mean + shift + (logs - own.mean) * ratio
    weight = gaussian_filter1d(chosen.astype(np.float64), EDGE_FRAMES, mode="nearest")[:, None]
    return np.exp(logs + weight * (changed - logs))
