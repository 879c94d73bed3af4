"""Pitch of a voice by autocorrelation.

P. Boersma: Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound, IFA Proceedings 17 (1993), without its search for the best path: a median takes its place.
"""

import numpy as np
import soxr
from scipy.fft import irfft, rfft
from scipy.ndimage import median_filter

RATE = 8000
LOWEST, HIGHEST = 60.0, 500.0  # Hz
WINDOW_SECONDS = 3 / LOWEST
FFT_SIZE = 1024
STRENGTH = 0.5
LEVEL_DB = -40.0
# A lag that is twice as long needs to fit better by this much: else every pitch has its octave below.
OCTAVE_COST = 0.04
MEDIAN_FRAMES = 5
_BLOCK = 1024


def track(x: np.ndarray, rate: int, times: np.ndarray) -> np.ndarray:
    """The pitch at each of `times`.

    Args:
        x: float32 [n], mono.
        rate: Hz.
        times: [m], seconds.

    Returns:
        float64 [m], Hz; 0 where the sound is not voiced.
    """
    low = soxr.resample(np.asarray(x, dtype=np.float64), rate, RATE, quality="HQ") if rate != RATE else x
    width = round(WINDOW_SECONDS * RATE)
    padded = np.pad(np.asarray(low, dtype=np.float64), width)
    starts = np.round(times * RATE).astype(np.int64) + width - width // 2
    starts = np.clip(starts, 0, len(padded) - width)
    window = np.hanning(width + 2)[1:-1]
    shape = _autocorrelation(window[None])[0]
    first, last = int(RATE / HIGHEST), int(RATE / LOWEST)
    lags = np.arange(first - 1, last + 2)
    found, level = [np.zeros(0)], [np.zeros(0)]
    for at in range(0, len(starts), _BLOCK):
        frames = padded[starts[at : at + _BLOCK, None] + np.arange(width)]
        frames = (frames - frames.mean(axis=1, keepdims=True)) * window
        correlation = _autocorrelation(frames)
        level.append(np.sqrt(correlation[:, 0] / np.sum(window**2)))
        normal = correlation[:, lags] / np.maximum(correlation[:, :1], 1e-20) / (shape[lags] / shape[0])
        found.append(_best(normal, lags))
    pitch, loud = np.concatenate(found), np.concatenate(level)
    pitch[loud <= loud.max(initial=0.0) * 10 ** (LEVEL_DB / 20)] = 0.0
    smooth = median_filter(pitch, MEDIAN_FRAMES, mode="nearest")
    return np.where((pitch > 0) & (smooth > 0), smooth, 0.0)


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """Of each row, [m, FFT_SIZE]."""
    return np.asarray(irfft(np.abs(rfft(frames, FFT_SIZE, axis=1)) ** 2, FFT_SIZE, axis=1))


def _best(normal: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """The frequency of the highest peak of each row [m, lags], refined by a parabola; 0 for a weak one."""
    inner = normal[:, 1:-1]
    peak = (inner >= normal[:, :-2]) & (inner >= normal[:, 2:])
    score = np.where(peak, inner - OCTAVE_COST * np.log2(lags[1:-1]), -np.inf)
    best = np.argmax(score, axis=1)
    rows = np.arange(len(normal))
    before, at, after = normal[rows, best], normal[rows, best + 1], normal[rows, best + 2]
    bend = 2 * at - before - after
    shift = np.where(bend > 1e-12, (after - before) / 2 / np.maximum(bend, 1e-12), 0.0)
    voiced = np.isfinite(score[rows, best]) & (at > STRENGTH)
    return np.where(voiced, RATE / (lags[best + 1] + shift), 0.0)
