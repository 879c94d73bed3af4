"""What can be measured of sound without listening to it: silence at its ends, level, bandwidth."""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from avfake.evaluation.metrics import FloatArray

FRAME_SECONDS = 0.01
# Stands for the logarithm of 0, as in avfake.media.audio.
FLOOR_DB = -120.0
ENERGY_SHARE = 0.99
# Where the mean spectrum falls this far below its strongest band, a codec or a resampler has cut it off.
CUTOFF_DB = -60.0
_N_FFT = 1024
# A band filter without an edge would ring; this wide, it rings for a few milliseconds.
_EDGE_HZ = 200.0


@dataclass(frozen=True)
class SoundFacts:
    """What the sound of a clip measures; NaN where silence has no such measure.

    Attributes:
        leading_silence_seconds, trailing_silence_seconds: see `silent_ends`; both are the whole of digital
            silence.
        rms_db, peak_db: re full scale, at least `FLOOR_DB`.
        bandwidth_hz: 99 % of the energy lies below it.
        cutoff_hz: above it the mean spectrum stays 60 dB below its strongest band.
    """

    leading_silence_seconds: float
    trailing_silence_seconds: float
    rms_db: float
    peak_db: float
    bandwidth_hz: float
    cutoff_hz: float


def sound_facts(sound: np.ndarray, rate: int, silence_db: float) -> SoundFacts:
    """Measures sound float32 [n >= 1] at `rate` Hz; `silence_db` as in `silent_ends`."""
    first, last = silent_ends(sound, rate, silence_db)
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    bandwidth, cutoff = spectral_edges(sound, rate)
    return SoundFacts(
        leading_silence_seconds=first / rate,
        trailing_silence_seconds=last / rate,
        rms_db=_db(rms),
        peak_db=_db(float(np.abs(sound).max())),
        bandwidth_hz=bandwidth,
        cutoff_hz=cutoff,
    )


def silent_ends(sound: np.ndarray, rate: int, silence_db: float) -> tuple[int, int]:
    """Samples of silence before the first and after the last frame with sound, of float32 [n >= 1].

    A frame of 10 ms is silent if each of its samples lies at least -`silence_db` dB below the clip's peak.
    Sound that is 0 throughout is silent from either end: (n, n).
    """
    size = max(1, round(FRAME_SECONDS * rate))
    magnitude = np.abs(sound)
    peak = float(magnitude.max())
    if peak == 0:
        return sound.size, sound.size
    starts = np.arange(0, sound.size, size)
    loud = np.flatnonzero(np.maximum.reduceat(magnitude, starts) > peak * 10 ** (silence_db / 20))
    return int(loud[0]) * size, sound.size - min(sound.size, (int(loud[-1]) + 1) * size)


def spectral_edges(sound: np.ndarray, rate: int) -> tuple[float, float]:
    """Bandwidth and cut-off in Hz (see `SoundFacts`) of sound [n >= 1]; NaN twice if it never changes."""
    power = _mean_power(sound)
    total = power.sum()
    if not total > 0:
        return float("nan"), float("nan")
    hertz = np.arange(power.size) * rate / _N_FFT
    bandwidth = hertz[np.searchsorted(np.cumsum(power) / total, ENERGY_SHARE)]
    cutoff = hertz[np.flatnonzero(power >= power.max() * 10 ** (CUTOFF_DB / 10))[-1]]
    return float(bandwidth), float(cutoff)


def trimmed(sound: np.ndarray, rate: int, silence_db: float) -> np.ndarray:
    """Sound without the silence at its ends; digital silence stays as it is."""
    first, last = silent_ends(sound, rate, silence_db)
    return sound if first == sound.size else sound[first : sound.size - last]


def band_limited(sound: np.ndarray, rate: int, hertz: float) -> np.ndarray:
    """Sound float32 [n] without what lies above `hertz`, by a filter without delay; its edge lies below."""
    padded = scipy.fft.next_fast_len(sound.size + rate // 10, real=True)
    spectrum = scipy.fft.rfft(sound.astype(np.float64), padded)
    below = (hertz - np.arange(spectrum.size) * rate / padded) / _EDGE_HZ
    spectrum *= 0.5 * (1 - np.cos(np.pi * np.clip(below, 0, 1)))
    limited: np.ndarray = scipy.fft.irfft(spectrum, padded)[: sound.size].astype(np.float32)
    return limited


def of_length(sound: np.ndarray, n: int) -> np.ndarray:
    """The first `n` samples of sound [>= 1]; shorter sound is repeated, as the front ends do it."""
    return np.resize(sound, n)


def at_level(sound: np.ndarray, rms_db: float) -> np.ndarray:
    """Sound float32 [n] at an RMS in dB re full scale, cut off at full scale; digital silence stays."""
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    if rms == 0:
        return sound
    louder: np.ndarray = np.clip(sound * np.float32(10 ** (rms_db / 20) / rms), -1, 1)
    return louder


def _mean_power(sound: np.ndarray) -> FloatArray:
    """Mean power spectrum float64 [_N_FFT / 2 + 1] of Hann windows without overlap, without the offset.

    What is left over at the end is left out: padded, its sudden end would look like treble.
    """
    n_frames = max(1, sound.size // _N_FFT)
    frames = np.zeros(n_frames * _N_FFT, np.float32)
    whole = sound[: frames.size]
    frames[: whole.size] = whole - whole.mean(dtype=np.float64)
    window = np.hanning(_N_FFT).astype(np.float32)
    spectrum = scipy.fft.rfft(frames.reshape(n_frames, _N_FFT) * window, axis=1)
    power: FloatArray = np.square(np.abs(spectrum), dtype=np.float64).mean(axis=0)
    return power


def _db(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * float(np.log10(amplitude))) if amplitude > 0 else FLOOR_DB
