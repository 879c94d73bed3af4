"""Sound of a clip: read, trimmed, cut, brought to one bandwidth, loudness and floor of noise."""

from itertools import pairwise
from pathlib import Path

import numpy as np

FRAME_SECONDS = 0.02
SILENCE_DB = -35.0
FADE_SECONDS = 0.01
NOISE_DBFS = -62.0
# Below the voice: direct current and rumble, which some recordings have and no synthetic voice has.
LOWEST_HZ = (50.0, 80.0)
# Of sound at REFERENCE_LUFS; they move with `loudness`.
REFERENCE_LUFS = -23.0
SOFT_PEAK = 0.28
PEAK = 0.2
LIMITER_ROUNDS = 5
BAND_HZ = 200
BAND_FLOOR_DB = -55.0
LOWEST_CUTOFF = 3000.0
HIGHEST_CUTOFF_SHARE = 0.46
CHANNEL_BANDS = 20
CHANNEL_DB = 15.0


def read_line(path: Path, rate: int) -> np.ndarray:
    """A recording as float32 [n], mono, resampled to `rate` (soxr HQ), without rumble and silent ends."""
    import soundfile

    x, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return trimmed(_banded(resampled(x.mean(axis=1), own_rate, rate), rate, rate / 2), rate)


def resampled(x: np.ndarray, rate: float, to: float) -> np.ndarray:
    """float32 [n * to / rate] by soxr HQ."""
    import soxr

    return np.asarray(soxr.resample(x.astype(np.float32), rate, to, quality="HQ"), dtype=np.float32)


def trimmed(x: np.ndarray, rate: int) -> np.ndarray:
    """From the first to the last frame that is within SILENCE_DB of the loudest."""
    frame = int(FRAME_SECONDS * rate)
    count = len(x) // frame
    if count == 0:
        return x
    level = np.sqrt(np.mean(x[: count * frame].reshape(count, frame) ** 2, axis=1))
    loud = np.nonzero(level > level.max() * 10 ** (SILENCE_DB / 20))[0]
    return x[loud[0] * frame : (loud[-1] + 1) * frame] if len(loud) else x


def cutoff_of(x: np.ndarray, rate: int) -> float:
    """The highest frequency in Hz at which a recording has sound, for `finished` to give to its twin too."""
    power = np.abs(np.fft.rfft(x)) ** 2
    width = max(1, round(BAND_HZ * len(x) / rate))
    bands = power[: len(power) // width * width].reshape(-1, width).mean(axis=1)
    audible = np.nonzero(bands > bands.max() * 10 ** (BAND_FLOOR_DB / 10))[0]
    top = float((audible[-1] + 1) * width * rate / len(x))
    return min(max(top, LOWEST_CUTOFF), HIGHEST_CUTOFF_SHARE * rate)


def in_channel_of(x: np.ndarray, reference: np.ndarray, rate: int) -> np.ndarray:
    """Speech with the long-term spectrum of a recording, in coarse bands: as if by the same microphone.

    Args:
        x: float32 [n].
        reference: float32 [m] at the same rate.
        rate: Hz.

    Returns:
        float32 [n].
    """
    edges = np.concatenate([[0.0], np.geomspace(120.0, rate / 2, CHANNEL_BANDS)])
    centres = (edges[1:] + edges[:-1]) / 2
    gain = np.clip(_band_db(reference, rate, edges) - _band_db(x, rate, edges), -CHANNEL_DB, CHANNEL_DB)
    spectrum = np.fft.rfft(x)
    frequencies = np.fft.rfftfreq(len(x), 1 / rate)
    spectrum *= 10 ** (np.interp(frequencies, centres, gain) / 20)
    return np.fft.irfft(spectrum, len(x)).astype(np.float32)


def _band_db(x: np.ndarray, rate: int, edges: np.ndarray) -> np.ndarray:
    """Level per band in dB, relative to the whole."""
    power = np.abs(np.fft.rfft(x)) ** 2
    which = np.digitize(np.fft.rfftfreq(len(x), 1 / rate), edges[1:-1])
    levels = np.bincount(which, weights=power, minlength=len(edges) - 1)
    return 10 * np.log10(levels / power.sum() + 1e-9)


def with_floor_of(x: np.ndarray, reference: np.ndarray, rate: int, seed: int) -> np.ndarray:
    """Speech over noise with the level and spectrum of a recording's quietest frames.

    Args:
        x: float32 [n], as loud as `reference`.
        reference: float32 [m] at the same rate.
        rate: Hz.
        seed: of the noise.

    Returns:
        float32 [n].
    """
    width = int(2 * FRAME_SECONDS * rate)
    frames = reference[: len(reference) // width * width].reshape(-1, width)
    quiet = frames[np.argsort(np.mean(frames**2, axis=1))[: max(1, len(frames) // 20)]]
    power = np.mean(np.abs(np.fft.rfft(quiet * np.hanning(width), axis=1)) ** 2, axis=0)
    noise = np.fft.rfft(np.random.default_rng(seed).normal(size=len(x)))
    shape = np.interp(np.linspace(0, 1, len(noise)), np.linspace(0, 1, len(power)), np.sqrt(power))
    made = np.fft.irfft(noise * shape, len(x))
    made *= np.sqrt(np.mean(quiet**2) / max(float(np.mean(made**2)), 1e-20))
    return (x + made).astype(np.float32)


def finished(x: np.ndarray, rate: int, cutoff: float, loudness: float, seed: int) -> np.ndarray:
    """What every clip's sound goes through last, real or fake: bandwidth, loudness, peaks, noise, fades.

    Args:
        x: float32 [n], mono.
        rate: Hz.
        cutoff: Hz; sound above it is removed.
        loudness: LUFS (ITU-R BS.1770-4).
        seed: of the noise, which covers digital silence.

    Returns:
        float32 [n] within [-1, 1].
    """
    scale = 10 ** ((loudness - REFERENCE_LUFS) / 20)
    soft, hard = SOFT_PEAK * scale, PEAK * scale
    y = _as_loud(_banded(x, rate, cutoff), rate, loudness)
    # Vocoders shift phases and so raise peaks: a limit that nearly every clip reaches evens them out.
    y = _banded(soft * np.tanh(y / soft), rate, cutoff)
    for _ in range(LIMITER_ROUNDS):
        # Each clipping makes it a little softer: made up for, until loudness and peak both fit.
        y = np.clip(_as_loud(y, rate, loudness), -hard, hard)
        # Speech is not symmetric, so clipping leaves direct current and harmonics: a tell of its own.
        y = _banded(y, rate, cutoff)
    y = y + np.random.default_rng(seed).normal(0.0, 10 ** (NOISE_DBFS / 20), len(y))
    fade = min(len(y) // 2, int(FADE_SECONDS * rate))
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / max(1, fade))
    y[:fade] *= ramp
    y[len(y) - fade :] *= ramp[::-1]
    return np.clip(y, -1.0, 1.0).astype(np.float32)


def _banded(x: np.ndarray, rate: int, cutoff: float) -> np.ndarray:
    """Only what lies between LOWEST_HZ and `cutoff`, without shift in time."""
    spectrum = np.fft.rfft(x)
    frequencies = np.fft.rfftfreq(len(x), 1 / rate)
    low, high = LOWEST_HZ
    spectrum *= np.clip((frequencies - low) / (high - low), 0.0, 1.0)
    spectrum *= np.clip((cutoff + BAND_HZ - frequencies) / BAND_HZ, 0.0, 1.0)
    return np.fft.irfft(spectrum, len(x)).astype(np.float32)


def _as_loud(x: np.ndarray, rate: int, loudness: float) -> np.ndarray:
    """`x` at `loudness`; as it is where there is nothing to measure."""
    import pyloudnorm

    measured = pyloudnorm.Meter(rate).integrated_loudness(x)
    if not np.isfinite(measured):
        return x
    return x * 10 ** ((loudness - measured) / 20)


def envelope(x: np.ndarray, n_frames: int) -> np.ndarray:
    """Loudness per picture frame, float64 [n_frames] in [0, 1]: what moves the mouth."""
    edges = np.linspace(0, len(x), n_frames + 1).astype(int)
    level = np.array([np.sqrt(np.mean(x[a:b] ** 2)) for a, b in pairwise(edges)])
    smooth = np.convolve(np.pad(level, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return np.clip(smooth / max(float(np.percentile(smooth, 95)), 1e-6), 0.0, 1.0)
