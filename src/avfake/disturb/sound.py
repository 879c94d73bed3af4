"""Disturbances of a sound that need no encoder: float32 [n] at `RATE` Hz in and out, never in place."""

import numpy as np
import soxr
from scipy.signal import fftconvolve, firwin

from avfake.media.audio import REFERENCE_RATE
from avfake.media.errors import ClipError

RATE = REFERENCE_RATE
_FRAME = RATE // 50  # samples, 20 ms: speech hardly changes within
_LOW_PASS_TAPS = 1023
_ATTENUATION = ("kaiser", 8.0)  # about 80 dB beyond the pass band
_QUIET_SHARE = 0.1  # of the frames, the quietest ones, are taken for the background
_LEVELS = 32768.0


def as_levels(sound: np.ndarray) -> np.ndarray:
    """The sound as a 16-bit file holds it: rounded to its levels, clipped at full scale."""
    levels = np.rint(np.asarray(sound, np.float32) * np.float32(_LEVELS))
    return np.clip(levels, -_LEVELS, _LEVELS - 1) / np.float32(_LEVELS)


def fixed_length(sound: np.ndarray, n: int) -> np.ndarray:
    """Cut, or padded with zeros, to n samples."""
    return sound[:n] if len(sound) >= n else np.pad(sound, (0, n - len(sound)))


def louder(sound: np.ndarray, decibels: float) -> np.ndarray:
    """Gain, positive or negative; what leaves full scale is clipped when the sound becomes a file."""
    return sound * np.float32(10 ** (decibels / 20))


def clipped(sound: np.ndarray, share: float) -> np.ndarray:
    """Cut off hard at the level above which `share` of the samples lie, as by an overdriven microphone."""
    limit = np.quantile(np.abs(sound), 1 - share)
    return np.clip(sound, -limit, limit)


def noisy(sound: np.ndarray, rng: np.random.Generator, snr_db: float) -> np.ndarray:
    """White noise over the whole band, `snr_db` below the sound's root mean square.

    Raises:
        ClipError: the sound is silent: there is no level to set the noise by.
    """
    level = _rms(_heard(sound))
    noise = rng.standard_normal(len(sound), np.float32)
    return sound + noise * np.float32(level * 10 ** (-snr_db / 20) / _rms(noise))


def through_rate(sound: np.ndarray, rate: int) -> np.ndarray:
    """Resampled to `rate` Hz and back (soxr HQ): what lies above half of it is gone."""
    low = soxr.resample(sound, RATE, rate, quality="HQ")
    return fixed_length(soxr.resample(low, rate, RATE, quality="HQ"), len(sound))


def low_passed(sound: np.ndarray, cutoff: float) -> np.ndarray:
    """Without what lies above `cutoff` Hz: a filter of linear phase, its delay taken out."""
    taps = firwin(_LOW_PASS_TAPS, cutoff, window=_ATTENUATION, fs=RATE).astype(np.float32)
    return fixed_length(fftconvolve(sound, taps)[_LOW_PASS_TAPS // 2 :], len(sound))


def trimmed(sound: np.ndarray, silence_db: float) -> np.ndarray:
    """Without the silence at both ends: frames of 20 ms that lie `silence_db` or more below the loudest.

    Raises:
        ClipError: the sound is silent throughout.
    """
    level = np.sqrt(np.mean(_frames(_heard(sound)) ** 2, axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (silence_db / 20))
    # The last frame takes along what is left over of the sound.
    end = len(sound) if loud[-1] == len(level) - 1 else (loud[-1] + 1) * _FRAME
    return sound[loud[0] * _FRAME : end]


def with_pauses(sound: np.ndarray, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A pause of `seconds` before and after, filled with the clip's own background.

    Zeros would be a tell of their own. The background is noise with the level and spectrum of the clip's
    quietest tenth of frames; where those are digital zeros, so are the pauses.
    """
    frames = _frames(sound)
    power = np.mean(frames**2, axis=1)
    quiet = frames[np.argsort(power, kind="stable")[: max(1, round(_QUIET_SHARE * len(frames)))]]
    spectrum = np.sqrt(np.mean(np.abs(np.fft.rfft(quiet * np.hanning(quiet.shape[1]), axis=1)) ** 2, axis=0))
    n = round(seconds * RATE)
    noise = np.fft.rfft(rng.standard_normal(2 * n))
    shape = np.interp(np.linspace(0, 1, len(noise)), np.linspace(0, 1, len(spectrum)), spectrum)
    background = np.fft.irfft(noise * shape, 2 * n)
    background *= _rms(quiet) / (_rms(background) or 1.0)
    return np.concatenate([background[:n], sound, background[n:]]).astype(np.float32)


def first(sound: np.ndarray, seconds: float) -> np.ndarray:
    """The first `seconds`; a shorter clip stays whole."""
    return sound[: round(seconds * RATE)]


def _heard(sound: np.ndarray) -> np.ndarray:
    """The sound itself. Raises ClipError if it is silent throughout."""
    if not np.any(sound):
        raise ClipError("the sound is silent throughout")
    return sound


def _frames(sound: np.ndarray) -> np.ndarray:
    """Whole frames [m >= 1, samples]; a sound shorter than one frame is one."""
    width = min(_FRAME, len(sound))
    count = len(sound) // width
    return sound[: count * width].reshape(count, width)


def _rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
