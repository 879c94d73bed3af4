"""Log-mel spectrogram: the default front end."""

import numpy as np

from avfake.features.bands import below_peak
from avfake.features.mel import mel_power
from avfake.params import LogMelParams


def log_mel(
    sound: np.ndarray, sample_rate: int, hop_length: int, dynamic_range: float, params: LogMelParams
) -> np.ndarray:
    """Sound float32 [n] as decibels below the loudest band, float32 [n_mels, frames] in [-dynamic_range, 0].

    `librosa.power_to_db(librosa.feature.melspectrogram(...), ref=np.max, top_db=dynamic_range)` up to float32
    rounding: bands narrow at low frequencies and wide at high ones, as the ear has them.
    """
    power = mel_power(sound, sample_rate, params.n_fft, hop_length, params.n_mels, params.fmin, params.fmax)
    return below_peak(power, dynamic_range)
