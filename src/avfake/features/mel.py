"""Power in mel bands."""

from functools import lru_cache

import numpy as np

from avfake.features.bands import Groups, band_power, grouped
from avfake.features.slaney import mel_filters


@lru_cache(maxsize=8)
def _filters(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Groups:
    return grouped(mel_filters(sample_rate, n_fft, n_mels, fmin, fmax))


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

    The same as `librosa.feature.melspectrogram` up to float32 rounding, without the seconds that librosa's
    first call spends on compiling.

    Args:
        sound: float32 [n], at least one sample.
        sample_rate: Hz. fmin, fmax: Hz, edges of the lowest and highest band.
        n_fft, hop_length: samples.
    """
    return band_power(sound, n_fft, hop_length, _filters(sample_rate, n_fft, n_mels, fmin, fmax))
