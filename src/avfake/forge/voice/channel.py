"""What a forged sound takes over from the recording: band, loudness, peak and background.

A forgery is to be told by how it was forged. A sound that is wider, louder or quieter between the words than
the recording would be told by that alone.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from avfake.forge.take import Sound
from avfake.forge.voice.span import FRAME_SECONDS
from avfake.media.errors import ClipError

SHORTEST_SECONDS = 0.25
SILENT = 1e-4  # root mean square, of full scale 1
BAND_HZ = 100.0
BAND_DB = -60.0
# Below the lowest pitch of a voice: only rumble lies there.
LOWEST_HZ = 70.0
LOWEST_BAND_HZ = 10.0
TAPER_SECONDS = 0.05
CHANNEL_BANDS = 20
CHANNEL_DB = 30.0
QUIET_SHARE = 0.05
LIMITER_SECONDS = 0.004
LIMITER_ROUNDS = 5
# Where nobody ever pauses, the quietest frames are speech: the background is at least so far below the sound.
BACKGROUND_DB = -30.0


def heard(sound: Sound) -> np.ndarray:
    """The samples, float32 [n]. Raises ClipError for a sound that is silent or too short to be analysed."""
    if sound.seconds < SHORTEST_SECONDS:
        raise ClipError(f"the sound is shorter than {SHORTEST_SECONDS} s")
    if rms(sound.samples) < SILENT:
        raise ClipError("the sound is silent throughout")
    return np.asarray(sound.samples, dtype=np.float32)


def rms(x: np.ndarray) -> float:
    """Root mean square, of full scale 1."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if len(x) else 0.0


def matched(made: np.ndarray, x: np.ndarray, rate: int) -> np.ndarray:
    """A forged sound with the band, the loudness and the peak of the recording that it was made of.

    Args:
        made: float [n].
        x: float32 [n], the recording.
        rate: Hz.

    Returns:
        float32 [n] within [-1, 1].

    Raises:
        ClipError: `made` is silent.
    """
    # Turning peaks down widens the band a little, taking that away raises them a little: the rest is a gain.
    loud = within_band_of(as_loud(within_band_of(made, x, rate), x, rate), x, rate)
    peak = min(1.0, float(np.abs(x).max()))
    return (loud * min(1.0, peak / float(np.abs(loud).max()))).astype(np.float32)


def as_loud(made: np.ndarray, x: np.ndarray, rate: int) -> np.ndarray:
    """`made` at the root mean square of `x`, and with no higher peaks: float32 [n] within [-1, 1].

    A vocoder shifts phases and so raises peaks, which would tell it from a recording that went through a
    limiter. Where peak and root mean square do not go together the peak counts.

    Raises:
        ClipError: `made` is silent.
    """
    level, peak = rms(x), min(1.0, float(np.abs(x).max()))
    made = np.asarray(made, dtype=np.float64)
    if not rms(made) > 0:
        raise ClipError("what was made of the sound is silent")
    for _ in range(LIMITER_ROUNDS):
        made = _limited(made * (level / rms(made)), peak, rate)
    return np.clip(made, -peak, peak).astype(np.float32)


def _limited(x: np.ndarray, peak: float, rate: int) -> np.ndarray:
    """A sound turned down, smoothly, around everything that is above `peak`."""
    width = 2 * round(LIMITER_SECONDS * rate / 2) + 1
    gain = np.minimum(1.0, peak / np.maximum(np.abs(x), 1e-30))
    return x * uniform_filter1d(minimum_filter1d(gain, width), width)


def band_top(x: np.ndarray, rate: int) -> float:
    """The highest frequency, Hz, at which a recording has sound: BAND_DB below its loudest band or more."""
    power = _band_power(x, rate, BAND_HZ)
    return float((np.flatnonzero(power > power.max() * 10 ** (BAND_DB / 10))[-1] + 1) * BAND_HZ)


def within_band_of(made: np.ndarray, x: np.ndarray, rate: int) -> np.ndarray:
    """`made` without what extends beyond the band of the recording.

    Beyond it, and below any voice, a band of `made` is no louder than that of the recording in the long term.
    It is not cut off there: the recording's own noise goes on.

    Args:
        made: float [n].
        x: float [n], the recording.
        rate: Hz.

    Returns:
        float64 [n].
    """
    n = len(made)
    spectrum = rfft(np.asarray(made, dtype=np.float64), next_fast_len(n, real=True))
    frequencies = np.arange(len(spectrum)) * rate / next_fast_len(n, real=True)
    top = band_top(x, rate)
    for width, outside in (
        (BAND_HZ, frequencies > top),
        (LOWEST_BAND_HZ, frequencies < LOWEST_HZ),
    ):
        allowed, there = _band_power(x, rate, width), _band_power(made, rate, width)
        gain = np.sqrt(np.minimum(1.0, allowed / np.maximum(there, 1e-30)))
        centres = (np.arange(len(gain)) + 0.5) * width
        spectrum[outside] *= np.interp(frequencies[outside], centres, gain)
    return np.asarray(irfft(spectrum, next_fast_len(n, real=True))[:n], dtype=np.float64)


def in_channel_of(x: np.ndarray, reference: np.ndarray, rate: int) -> np.ndarray:
    """Speech with the long-term spectrum of a recording, in coarse bands: as if by the same microphone.

    Args:
        x: float [n].
        reference: float [m] at the same rate.
        rate: Hz.

    Returns:
        float64 [n].
    """
    edges = np.concatenate([[0.0], np.geomspace(120.0, rate / 2, CHANNEL_BANDS)])
    centres = (edges[1:] + edges[:-1]) / 2
    gain = np.clip(_coarse_db(reference, rate, edges) - _coarse_db(x, rate, edges), -CHANNEL_DB, CHANNEL_DB)
    size = next_fast_len(len(x), real=True)
    spectrum = rfft(np.asarray(x, dtype=np.float64), size)
    spectrum *= 10 ** (np.interp(rfftfreq(size, 1 / rate), centres, gain) / 20)
    return np.asarray(irfft(spectrum, size)[: len(x)], dtype=np.float64)


def background_of(x: np.ndarray, rate: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with the level and spectrum of a recording's quietest frames.

    Args:
        x: float [m], the recording.
        rate: Hz.
        n: samples wanted.
        rng: of the noise.

    Returns:
        float64 [n]; zeros where the recording's pauses are.
    """
    width = min(len(x), int(2 * FRAME_SECONDS * rate))
    frames = x[: len(x) // width * width].reshape(-1, width).astype(np.float64)
    order = np.argsort(np.mean(frames**2, axis=1), kind="stable")
    quiet = frames[order[: max(1, round(QUIET_SHARE * len(frames)))]]
    shape = np.sqrt(np.mean(np.abs(rfft(quiet * np.hanning(width), axis=1)) ** 2, axis=0))
    size = next_fast_len(n, real=True)
    noise = rfft(rng.standard_normal(size))
    noise *= np.interp(np.linspace(0, 1, len(noise)), np.linspace(0, 1, len(shape)), shape)
    made = irfft(noise, size)[:n]
    level = min(rms(quiet), rms(x) * 10 ** (BACKGROUND_DB / 20))
    return np.asarray(made * (level / max(rms(made), 1e-30)), dtype=np.float64)


def joined(outer: np.ndarray, inner: np.ndarray, begin: int, fade: int) -> np.ndarray:
    """`outer` with `inner` in its place from the sample `begin` on.

    Args:
        outer: float32 [n].
        inner: float [m], m <= n - begin.
        begin: first sample of it.
        fade: samples over which one goes over into the other, at either end of `inner` that is none of the
            clip's.

    Returns:
        float32 [n], equal to `outer` outside.
    """
    end = begin + len(inner)
    fade = min(fade, len(inner) // 2)
    weight = np.ones(len(inner))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(1, fade))
    if begin > 0:
        weight[:fade] = ramp
    if end < len(outer):
        weight[len(inner) - fade :] = ramp[::-1]
    made = outer.copy()
    made[begin:end] = weight * inner + (1 - weight) * outer[begin:end]
    return made


def _band_power(x: np.ndarray, rate: int, width: float) -> np.ndarray:
    """Mean power of each band of `width` Hz, in the long term; the first begins at 0 Hz."""
    from scipy.signal.windows import tukey  # slow to import

    size = next_fast_len(len(x), real=True)
    # A sound that begins or ends abruptly would seem to have sound at all frequencies.
    tapered = np.asarray(x, dtype=np.float64) * tukey(len(x), min(1.0, 2 * TAPER_SECONDS * rate / len(x)))
    power = np.abs(rfft(tapered, size)) ** 2
    which = (np.arange(len(power)) * rate / size / width).astype(np.int64)
    return np.bincount(which, weights=power) / np.maximum(np.bincount(which), 1)


def _coarse_db(x: np.ndarray, rate: int, edges: np.ndarray) -> np.ndarray:
    """Level per band in dB, relative to the whole."""
    power = np.abs(rfft(np.asarray(x, dtype=np.float64))) ** 2
    which = np.digitize(rfftfreq(len(x), 1 / rate), edges[1:-1])
    levels = np.bincount(which, weights=power, minlength=len(edges) - 1)
    return np.asarray(10 * np.log10(levels / power.sum() + 1e-9), dtype=np.float64)
