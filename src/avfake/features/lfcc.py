"""Linear-frequency cepstral coefficients."""

import numpy as np
import scipy.fft

from avfake.features.bands import band_power, below_peak
from avfake.features.log_linear import linear_filters
from avfake.params import LfccParams

# Frames on either side that a slope is taken over.
_REACH = 2
# Coefficient k of speech shrinks about as k ** -0.6: raised by that (Ellis, rastamat, `lifter`) and doubled,
# every row has about the spread of the 0th, and grey levels are spent on all alike.
_LIFTER = 0.6
_HEIGHT = 2.0
# By the order of the slope, with which the values shrink as well.
_STEEPNESS = (1.0, 5.0, 12.0)


def lfcc(
    sound: np.ndarray, sample_rate: int, hop_length: int, dynamic_range: float, params: LfccParams
) -> np.ndarray:
    """Sound float32 [n] as cepstra on the scale of decibels, float32 [n_coefficients * (1 + deltas), frames].

    Rows are the coefficients, the 0th first, then their slopes in time, then the slopes of those. Cepstra and
    slopes are those of `cepstra`. For the picture, all are divided by the root of the number of bands, so
    that the 0th is the mean level in decibels, and stays where that is: in [-dynamic_range, 0]. Every other
    row is made as large as that one is for speech: coefficient k times 2 k ** 0.6, slopes times 5,
    slopes of slopes times 12; and its zero is put in the middle, at -dynamic_range / 2.
    """
    values = cepstra(sound, sample_rate, hop_length, dynamic_range, params)
    numbers = np.arange(params.n_coefficients)
    lifter = np.where(numbers == 0, 1.0, _HEIGHT * numbers**_LIFTER)
    heights = np.concatenate([steepness * lifter for steepness in _STEEPNESS[: 1 + params.deltas]])
    values *= (heights / np.sqrt(params.n_bands)).astype(np.float32)[:, None]
    values[1:] -= np.float32(dynamic_range / 2)
    return values


def cepstra(
    sound: np.ndarray, sample_rate: int, hop_length: int, dynamic_range: float, params: LfccParams
) -> np.ndarray:
    """Sound float32 [n] as coefficients and slopes, float32 [n_coefficients * (1 + deltas), frames].

    `torchaudio.transforms.LFCC`: triangular filters evenly spaced in Hz, decibels of their power, orthonormal
    DCT-II; decibels are relative to the clip's loudest band and cut at `-dynamic_range`. With slopes they are
    what spoofed speech is told by since Sahidullah et al., Interspeech 2015, and in ASVspoof's baselines.
    """
    filters = linear_filters(sample_rate, params.n_fft, params.n_bands, params.fmin, params.fmax)
    decibels = below_peak(band_power(sound, params.n_fft, hop_length, filters), dynamic_range)
    parts = [scipy.fft.dct(decibels, axis=0, norm="ortho")[: params.n_coefficients]]
    for _ in range(params.deltas):
        parts.append(slopes(parts[-1]))
    return np.concatenate(parts)


def slopes(values: np.ndarray) -> np.ndarray:
    """Change per frame of float32 [rows, frames], by linear regression over two frames on either side.

    At the ends the outermost frame is repeated (`torchaudio.functional.compute_deltas`, width 5).
    """
    padded = np.pad(values, ((0, 0), (_REACH, _REACH)), mode="edge")
    n = values.shape[1]
    change = np.zeros_like(values)
    for lag in range(1, _REACH + 1):
        later, earlier = padded[:, _REACH + lag :][:, :n], padded[:, _REACH - lag :][:, :n]
        change += np.float32(lag) * (later - earlier)
    return change / np.float32(2 * sum(lag * lag for lag in range(1, _REACH + 1)))
