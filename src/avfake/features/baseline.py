"""The picture of a whole clip's sound that the known baseline is trained on."""

import cv2
import numpy as np

from avfake.features.mel import mel_power

SAMPLE_RATE = 22050
SIZE = 256
_N_FFT = 2048
_HOP = 512
_N_MELS = 128
_FLOOR = 1e-10  # of the power, as librosa.power_to_db has it
_TOP_DB = 80.0


def image_of(sound: np.ndarray) -> np.ndarray:
    """Sound at 22 050 Hz, float32 [n], as uint8 [256, 256], low frequency in the first row.

    librosa's mel spectrogram (2048, 512, 128 bands up to 11 025 Hz), decibels relative to the maximum, cut
    at -80 dB, stretched to 0..255, resized linearly. Sound that is the same everywhere, such as silence,
    gives a picture of zeros.
    """
    power = mel_power(sound, SAMPLE_RATE, _N_FFT, _HOP, _N_MELS, 0.0, SAMPLE_RATE / 2)
    decibels = np.log10(np.maximum(power, np.float32(_FLOOR), out=power), out=power)
    decibels *= np.float32(10)
    decibels -= decibels.max()
    np.maximum(decibels, np.float32(-_TOP_DB), out=decibels)
    levels = cv2.normalize(decibels, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return cv2.resize(levels, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
