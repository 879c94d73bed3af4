"""Power spectra in mel bands: what the front ends have in common."""

from functools import lru_cache

import numpy as np
import scipy.fft

# Frames per block of the Fourier transform: the block's working set stays in the processor's cache.
_BLOCK = 64
# Mel filters are narrow: in groups of neighbours, most of the matrix need not be multiplied.
_GROUP = 16


@lru_cache(maxsize=8)
def _filters(
    sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float
) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """Slaney's mel filters (librosa's default) as groups (bands, bins, float32 [bands, bins])."""
    from librosa.filters import mel  # seconds of import, which a run from the memo need not spend

    matrix = mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    groups = []
    for first in range(0, n_mels, _GROUP):
        rows = matrix[first : first + _GROUP]
        used = np.flatnonzero(rows.any(axis=0))
        bins = slice(used[0], used[-1] + 1) if len(used) else slice(0, 1)
        groups.append((slice(first, first + len(rows)), bins, np.ascontiguousarray(rows[:, bins])))
    return tuple(groups)


@lru_cache(maxsize=8)
def _hann(n_fft: int) -> np.ndarray:
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)


def mel_power(
    sound: np.ndarray,
    sample_rate: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    fmin: float,
    fmax: float,
) -> np.ndarray:
    """Power in mel bands, float32 [n_mels, 1 + n // hop_length], low bands first.

    The same as `librosa.feature.melspectrogram` (Hann window, frames centred, zeros around the sound) up to
    float32 rounding, without the seconds that librosa's first call spends on compiling.

    Args:
        sound: float32 [n], at least one sample.
        sample_rate: Hz. fmin, fmax: Hz, edges of the lowest and highest band.
        n_fft, hop_length: samples.
    """
    padded = np.pad(sound, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    filters = _filters(sample_rate, n_fft, n_mels, fmin, fmax)
    window = _hann(n_fft)
    power = np.empty((n_mels, len(frames)), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        energy = np.square(spectrum.real)
        energy += np.square(spectrum.imag)
        for bands, bins, weights in filters:
            power[bands, start : start + len(energy)] = weights @ energy[:, bins].T
    return power
