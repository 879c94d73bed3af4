"""Disturbances of a sound that need no encoder: float32 [n] in and out, never in place.

Where a function takes a `sample_rate`, it is the sound's own in Hz.
"""

import numpy as np
import soxr
from scipy.fft import next_fast_len

from avfake.media.audio import REFERENCE_RATE
from avfake.media.errors import ClipError

RATE = REFERENCE_RATE
_FRAMES_PER_SECOND = 50  # 20 ms: speech hardly changes within
_HALF_TAPS = 511 / RATE  # seconds, half of a filter's length: its edges are 200 Hz wide
_ATTENUATION = ("kaiser", 8.0)  # about 80 dB beyond the pass band
_QUIET_SHARE = 0.1  # of the frames, the quietest ones, are taken for the background
_LEVELS = 32768.0
_LEAST_HEARD = 20.0  # Hz
_TILT_FROM, _TILT_AROUND = 50.0, 1000.0  # Hz: below it a tilt goes no further, and where it leaves the level
_OCTAVE_DB = 20 * np.log10(2)  # an octave of an amplitude that is proportional to frequency


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


def as_loud_as(made: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """`made` with the root mean square of `sound`; `sound` itself where `made` is silent."""
    power, was = np.mean(made.astype(np.float64) ** 2), np.mean(sound.astype(np.float64) ** 2)
    return (made * np.sqrt(was / power)).astype(np.float32) if power else sound


def clipped(sound: np.ndarray, share: float) -> np.ndarray:
    """Cut off hard at the level above which `share` of the samples lie, as by an overdriven microphone."""
    limit = np.quantile(np.abs(sound), 1 - share)
    return np.clip(sound, -limit, limit)


def noisy(sound: np.ndarray, rng: np.random.Generator, snr_db: float) -> np.ndarray:
    """White noise over the whole band, `snr_db` below the sound's root mean square.

    Raises:
        ClipError: the sound is silent: there is no level to set the noise by.
    """
    return mixed(sound, rng.standard_normal(len(sound), np.float32), snr_db)


def mixed(sound: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """The sound and a noise as long, `snr_db` below the sound's root mean square.

    Raises:
        ClipError: the sound is silent: there is no level to set the noise by.
    """
    level = _rms(_heard(sound))
    return sound + noise * np.float32(level * 10 ** (-snr_db / 20) / _rms(noise))


def coloured_noise(n: int, rng: np.random.Generator, slope: float, sample_rate: int) -> np.ndarray:
    """Noise whose spectrum rises by `slope` dB per octave, above what is heard: 0 white, -3 pink, -6 brown.

    Raises:
        ClipError: `n` samples are too short for it.
    """
    m = next_fast_len(n, real=True)
    frequencies = np.fft.rfftfreq(m, 1 / sample_rate)
    heard = frequencies >= _LEAST_HEARD
    if not heard[1:-1].any():
        raise ClipError("too short for noise with a spectrum")
    gain = np.zeros(len(frequencies))
    gain[heard] = (frequencies[heard] / _LEAST_HEARD) ** (slope / _OCTAVE_DB)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(m)) * gain, m)[:n].astype(np.float32)


def speech_shaped_noise(sound: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Noise of the sound's length, level and long-term spectrum: as of many such voices at once."""
    return _noise_like(_frames(sound, sample_rate), rng, len(sound)).astype(np.float32)


def through_rate(sound: np.ndarray, rate: int, sample_rate: int = RATE) -> np.ndarray:
    """Resampled to `rate` Hz and back (soxr HQ): what lies above half of it is gone."""
    low = soxr.resample(sound, sample_rate, rate, quality="HQ")
    return fixed_length(soxr.resample(low, rate, sample_rate, quality="HQ"), len(sound))


def low_passed(sound: np.ndarray, cutoff: float, sample_rate: int = RATE) -> np.ndarray:
    """Without what lies above `cutoff` Hz: a filter of linear phase, its delay taken out."""
    return band_passed(sound, 0.0, cutoff, sample_rate)


def band_passed(sound: np.ndarray, low: float, high: float, sample_rate: int = RATE) -> np.ndarray:
    """Without what lies below `low` and above `high` Hz: a filter of linear phase, its delay taken out.

    With `low` 0 nothing is cut off below, with `high` at or above half the sample rate nothing above.
    """
    from scipy.signal import firwin  # slow to import, here and below

    cuts_above = high < sample_rate / 2
    if low <= 0 and not cuts_above:
        return sound.copy()
    edges = [low] * (low > 0) + [high] * cuts_above
    kind = "bandpass" if len(edges) == 2 else "lowpass" if cuts_above else "highpass"
    return _filtered(
        sound, firwin(_taps(sample_rate), edges, window=_ATTENUATION, pass_zero=kind, fs=sample_rate)
    )


def tilted(sound: np.ndarray, slope: float, sample_rate: int = RATE) -> np.ndarray:
    """Its spectrum tilted by `slope` dB per octave, as by another microphone; as loud as before."""
    from scipy.signal import firwin2

    half = sample_rate / 2
    frequencies = np.geomspace(_TILT_FROM, half, 64)
    gain = (frequencies / _TILT_AROUND) ** (slope / _OCTAVE_DB)
    frequencies[-1] = half  # not by a rounding error beside it
    grid, gains = np.concatenate([[0.0], frequencies]), np.concatenate([gain[:1], gain])
    taps = firwin2(_taps(sample_rate), grid, gains, window=_ATTENUATION, fs=sample_rate)
    return as_loud_as(_filtered(sound, taps), sound)


def trimmed(sound: np.ndarray, silence_db: float) -> np.ndarray:
    """Without the silence at both ends: see `without_silence`."""
    start, end = without_silence(sound, silence_db)
    return sound[start:end]


def without_silence(sound: np.ndarray, silence_db: float, sample_rate: int = RATE) -> tuple[int, int]:
    """Where the silence before ends and that after begins: frames of 20 ms, `silence_db` below the loudest.

    Raises:
        ClipError: the sound is silent throughout.
    """
    frames = _frames(_heard(sound), sample_rate)
    level = np.sqrt(np.mean(frames**2, axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (silence_db / 20))
    # The last frame takes along what is left over of the sound.
    end = len(sound) if loud[-1] == len(level) - 1 else (loud[-1] + 1) * frames.shape[1]
    return int(loud[0] * frames.shape[1]), int(end)


def with_pauses(sound: np.ndarray, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A pause of `seconds` before and after, filled with the clip's own background."""
    n = round(seconds * RATE)
    pauses = background(sound, rng, 2 * n)
    return np.concatenate([pauses[:n], sound, pauses[n:]])


def background(sound: np.ndarray, rng: np.random.Generator, n: int, sample_rate: int = RATE) -> np.ndarray:
    """Noise with the level and spectrum of the clip's quietest tenth of frames, float32 [n].

    What fills a pause: zeros would be a tell of their own. Where the quietest frames are digital zeros, so
    is the background.
    """
    frames = _frames(sound, sample_rate)
    power = np.mean(frames**2, axis=1)
    quiet = frames[np.argsort(power, kind="stable")[: max(1, round(_QUIET_SHARE * len(frames)))]]
    return _noise_like(quiet, rng, n).astype(np.float32)


def first(sound: np.ndarray, seconds: float) -> np.ndarray:
    """The first `seconds`; a shorter clip stays whole."""
    return sound[: round(seconds * RATE)]


def _heard(sound: np.ndarray) -> np.ndarray:
    """The sound itself. Raises ClipError if it is silent throughout."""
    if not np.any(sound):
        raise ClipError("the sound is silent throughout")
    return sound


def _frames(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    """Whole frames of 20 ms [m >= 1, samples]; a sound shorter than one frame is one."""
    width = min(sample_rate // _FRAMES_PER_SECOND, len(sound))
    count = len(sound) // width
    return sound[: count * width].reshape(count, width)


def _noise_like(frames: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise with the mean power spectrum and the level of frames [m, samples], float64 [n]."""
    spectrum = np.sqrt(
        np.mean(np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2, axis=0)
    )
    noise = np.fft.rfft(rng.standard_normal(n))
    shape = np.interp(np.linspace(0, 1, len(noise)), np.linspace(0, 1, len(spectrum)), spectrum)
    made = np.fft.irfft(noise * shape, n)
    return made * (_rms(frames) / (_rms(made) or 1.0))


def _taps(sample_rate: int) -> int:
    """Of a filter, odd: its delay is a whole number of samples."""
    return 2 * round(_HALF_TAPS * sample_rate) + 1


def _filtered(sound: np.ndarray, taps: np.ndarray) -> np.ndarray:
    from scipy.signal import fftconvolve

    return fixed_length(fftconvolve(sound, taps.astype(np.float32))[len(taps) // 2 :], len(sound))


def _rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
