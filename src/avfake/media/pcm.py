"""Sound as the pipeline keeps it: 16-bit samples, as loud as they will go."""

import math

import numpy as np

# The quietest sound there is, half a level of 16 bits, then uses half of the range.
_MAX_SHIFT = 15


def to_pcm(sound: np.ndarray) -> tuple[np.ndarray, int]:
    """Sound float32 [n] as the pipeline keeps it: int16 [n], and the power of two it was multiplied by.

    The loudest sample ends up in the upper half of the 16 bits: resampled sound lies between the levels that
    it had, and a quiet clip rounded to those levels again would gain audible noise.
    """
    peak = float(np.abs(sound).max(initial=0.0))
    shift = min(max(-math.frexp(peak)[1], 0), _MAX_SHIFT) if peak else 0
    levels = np.rint(sound * np.float32(32768 * 2**shift))
    return np.clip(levels, -32768, 32767, out=levels).astype("<i2"), shift


def from_pcm(pcm: np.ndarray, shift: int) -> np.ndarray:
    """What `to_pcm` kept, as sound float32 [n]."""
    return pcm.astype(np.float32) * np.float32(1 / (32768 * 2**shift))
