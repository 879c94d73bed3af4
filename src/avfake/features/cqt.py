"""Constant-Q transform."""

from functools import lru_cache

import numpy as np

from avfake.features.bands import below_peak
from avfake.params import CqtParams

# Half of the rate is enough for bins below this share of half of the sample rate: what the filter lets
# through beyond the new half folds back above 0.7 of it.
_ENOUGH = 0.35
# Stops at 80 dB, from 0.75 to 1.25 of half of the new rate.
_HALVING = ("kaiser", 8.0)
# Frames at once: the long frames of low bins stay in the processor's cache.
_BLOCK = 64


def cqt(
    sound: np.ndarray, sample_rate: int, hop_length: int, dynamic_range: float, params: CqtParams
) -> np.ndarray:
    """Sound float32 [n] as decibels below the loudest bin, float32 [n_bins, frames] in [-dynamic_range, 0].

    Fine in frequency where it is low, fine in time where it is high (Brown, JASA 89, 1991,
    doi:10.1121/1.400476). See `cqt_power`.
    """
    return below_peak(cqt_power(sound, sample_rate, hop_length, params), dynamic_range)


def cqt_power(sound: np.ndarray, sample_rate: int, hop_length: int, params: CqtParams) -> np.ndarray:
    """Power of each bin, float32 [n_bins, 1 + n // hop_length], low bins first.

    The same filters as `librosa.cqt` (Hann window, energy one, so that white noise is flat), octave by octave
    at a rate halved as often as the octave allows (Schoerkhuber and Klapuri, SMC 2010). Frames are centred,
    with zeros around the sound.

    Args:
        sound: float32 [n], at least one sample, with nothing above half of the sample rate.
        sample_rate: Hz. hop_length: samples.
    """
    from scipy.signal import resample_poly  # a second of import, which other front ends need not spend

    middles = middles_of(params)
    power = np.empty((params.n_bins, 1 + len(sound) // hop_length), np.float32)
    rate, hop, halvings = float(sample_rate), hop_length, 0
    for end in range(params.n_bins, 0, -params.bins_per_octave):
        octave = slice(max(0, end - params.bins_per_octave), end)
        while hop % 2 == 0 and middles[end - 1] <= _ENOUGH * rate / 2:
            sound = resample_poly(sound, 1, 2, window=_HALVING)
            rate, hop, halvings = rate / 2, hop // 2, halvings + 1
        filters = _filters(rate, params, octave.start, octave.stop)
        found = _responses(sound, hop, filters, power.shape[1])
        power[octave] = found * np.float32(2**halvings)
    return power


def middles_of(params: CqtParams) -> np.ndarray:
    """Hz in the middle of each bin, float64 [n_bins]."""
    return params.fmin * 2 ** (np.arange(params.n_bins) / params.bins_per_octave)


def highest(params: CqtParams) -> float:
    """Hz at which the main lobe of the highest bin ends: a Hann window's is two of its resolutions wide."""
    return float(middles_of(params)[-1] * (1 + 2 * _resolution(params)))


def _resolution(params: CqtParams) -> float:
    """Width of a bin as a share of its middle: 1 / Q, as librosa has it."""
    step = 2 ** (2 / params.bins_per_octave)
    return (step - 1) / (step + 1)


@lru_cache(maxsize=32)
def _filters(rate: float, params: CqtParams, first: int, end: int) -> np.ndarray:
    """Windowed waves float32 [length, 2 * bins]: the cosines of all bins, then the sines."""
    middles = middles_of(params)[first:end]
    lengths = rate / (_resolution(params) * middles)
    reach = int(lengths.max() / 2)
    times = np.arange(-reach, reach + 1)[:, None]
    windows = np.where(np.abs(times) < lengths / 2, 0.5 + 0.5 * np.cos(2 * np.pi * times / lengths), 0)
    windows /= np.sqrt(np.square(windows).sum(axis=0))
    phases = 2 * np.pi * middles / rate * times
    return np.concatenate([windows * np.cos(phases), windows * np.sin(phases)], axis=1).astype(np.float32)


def _responses(sound: np.ndarray, hop: int, filters: np.ndarray, n_frames: int) -> np.ndarray:
    """Power float32 [bins, n_frames] of frames centred at multiples of `hop`."""
    length, bins = len(filters), filters.shape[1] // 2
    missing = (n_frames - 1) * hop + length - (len(sound) + length // 2)
    padded = np.pad(sound, (length // 2, max(0, missing)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    power = np.empty((bins, n_frames), np.float32)
    for start in range(0, n_frames, _BLOCK):
        stop = min(start + _BLOCK, n_frames)
        waves = np.square(frames[start:stop] @ filters)
        power[:, start:stop] = (waves[:, :bins] + waves[:, bins:]).T
    return power
