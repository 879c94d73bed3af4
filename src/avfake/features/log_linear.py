"""Log-power spectrogram in bands evenly spaced in Hz."""

from functools import lru_cache

import numpy as np

from avfake.features.bands import Groups, band_power, below_peak, grouped
from avfake.params import LogLinearParams


def log_linear(
    sound: np.ndarray, sample_rate: int, hop_length: int, dynamic_range: float, params: LogLinearParams
) -> np.ndarray:
    """Sound float32 [n] as decibels below the loudest band, float32 [bands, frames] in [-dynamic_range, 0].

    High frequencies are seen as finely as low ones, where the mel scale blurs what vocoders leave there
    (arXiv 2203.16263 compares the two on forgeries never seen).
    """
    filters = linear_filters(sample_rate, params.n_fft, params.n_bands, params.fmin, params.fmax)
    return below_peak(band_power(sound, params.n_fft, hop_length, filters), dynamic_range)


@lru_cache(maxsize=8)
def linear_filters(sample_rate: int, n_fft: int, n_bands: int | None, fmin: float, fmax: float) -> Groups:
    """Triangular filters between `fmin` and `fmax` Hz, each from the middle of the one before to that of the
    one after, with peak one (`torchaudio.functional.linear_fbanks`); without `n_bands` the bins themselves.
    """
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    if n_bands is None:
        return grouped(np.eye(len(bins))[bins_between(sample_rate, n_fft, fmin, fmax)])
    points = np.linspace(fmin, fmax, n_bands + 2)
    slopes = (points[:, None] - bins) / (points[1] - points[0])
    return grouped(np.maximum(0, np.minimum(-slopes[:-2], slopes[2:])))


def bins_between(sample_rate: int, n_fft: int, fmin: float, fmax: float) -> slice:
    """Which bins of a Fourier transform lie between two frequencies in Hz, both included."""
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    used = np.flatnonzero((bins >= fmin) & (bins <= fmax))
    return slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 0)
