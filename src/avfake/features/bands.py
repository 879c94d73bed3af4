"""Power of a Fourier transform gathered in bands: what the front ends have in common."""

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Groups of neighbouring bands: which bands, which bins they use, float32 [bands, bins] of weights.
Groups = tuple[tuple[slice, slice, Floats], ...]

# Frames per block of the Fourier transform: the block's working set stays in the processor's cache.
_BLOCK = 64
# Filters are narrow: in groups of neighbours, most of the matrix need not be multiplied.
_GROUP = 16
_FLOOR = 1e-10  # of the power: below it there is only rounding


def grouped(matrix: NDArray[np.floating]) -> Groups:
    """A filter bank [bands, bins] without the parts that are zero."""
    groups = []
    for first in range(0, len(matrix), _GROUP):
        rows = matrix[first : first + _GROUP]
        used = np.flatnonzero(rows.any(axis=0))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        weights = np.ascontiguousarray(rows[:, bins], np.float32)
        groups.append((slice(first, first + len(rows)), bins, weights))
    return tuple(groups)


@lru_cache(maxsize=8)
def _hann(n_fft: int) -> Floats:
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)


def band_power(sound: Floats, n_fft: int, hop_length: int, groups: Groups) -> Floats:
    """Power in bands, float32 [bands, 1 + n // hop_length], the first band first.

    The power spectrum is `np.abs(librosa.stft(sound, n_fft=..., hop_length=...)) ** 2` (Hann window, frames
    centred, zeros around the sound) up to float32 rounding.

    Args:
        sound: float32 [n], at least one sample.
        n_fft, hop_length: samples.
        groups: the filter bank, see `grouped`.
    """
    padded = np.pad(sound, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    window = _hann(n_fft)
    power = np.empty((groups[-1][0].stop, len(frames)), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        energy = np.square(spectrum.real)
        energy += np.square(spectrum.imag)
        for bands, bins, weights in groups:
            power[bands, start : start + len(energy)] = weights @ energy[:, bins].T
    return power


def below_peak(power: Floats, dynamic_range: float) -> Floats:
    """Decibels relative to the loudest band of the clip, float32 [bands, frames] in [-dynamic_range, 0].

    Loudness does not matter, therefore. Silence is `-dynamic_range` everywhere. Overwrites `power`.
    """
    loudest = power.max()
    if loudest <= _FLOOR:
        return np.full(power.shape, -dynamic_range, np.float32)
    np.maximum(power, np.float32(_FLOOR), out=power)
    power /= loudest
    decibels: Floats = np.log10(power, out=power)
    decibels *= np.float32(10)
    return np.maximum(decibels, np.float32(-dynamic_range), out=decibels)
