"""Log-mel spectrogram in grey levels: the default front end."""

import numpy as np

from avfake.features.mel import mel_power
from avfake.features.windows import cut_windows
from avfake.params import LogMelParams

_FLOOR = 1e-10  # of the power: below it there is only rounding


def grey_levels(sound: np.ndarray, sample_rate: int, params: LogMelParams) -> np.ndarray:
    """Sound float32 [n] as uint8 [n_mels, frames], low frequency in the first row.

    Decibels relative to the clip's loudest band, so that loudness does not matter; `dynamic_range` below it
    is 0, the loudest is 255. Silence gives zeros.
    """
    power = mel_power(
        sound, sample_rate, params.n_fft, params.hop_length, params.n_mels, params.fmin, params.fmax
    )
    loudest = power.max()
    if loudest <= _FLOOR:
        return np.zeros(power.shape, np.uint8)
    np.maximum(power, np.float32(_FLOOR), out=power)
    decibels = np.float32(10) * np.log10(power / loudest)
    levels = (decibels / np.float32(params.dynamic_range) + 1) * np.float32(255)
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


def log_mel_windows(sound: np.ndarray, sample_rate: int, params: LogMelParams) -> np.ndarray:
    """Sound float32 [n] as windows uint8 [n_windows, n_mels, window_frames] that cover the whole clip."""
    return cut_windows(grey_levels(sound, sample_rate, params), params.window_frames, params.window_hop)
