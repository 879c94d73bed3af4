"""Speech faster or slower at the same pitch: pieces of the waveform overlapped where they fit together.

W. Verhelst and M. Roelands, An overlap-add technique based on waveform similarity (WSOLA) for high quality
time-scale modification of speech, ICASSP 1993. Unlike a phase vocoder it smears no onset, and every sample
is one of the recording's.
"""

import numpy as np
import soxr

from avfake.disturb.sound import fixed_length

_HOP = 0.015  # seconds: half a piece
_SEARCH = 0.01  # seconds to either side: two of them hold a period of a voice down to 50 Hz


def faster(sound: np.ndarray, rate: int, factor: float) -> np.ndarray:
    """The sound `factor` times as fast.

    Args:
        sound: float32 [n].
        rate: Hz.
        factor: slower where it is below 1.

    Returns:
        float32 [round(n / factor)]; what was heard at t s, or up to 10 ms beside it, is heard at t / factor.
    """
    hop, search = round(_HOP * rate), round(_SEARCH * rate)
    n = round(len(sound) / factor)
    # Pieces are centred on every `hop` samples of what is made, from the first sample to beyond the last.
    centres = np.arange(0, n + hop, hop)
    margin = 2 * hop + search
    source = np.pad(np.asarray(sound, np.float64), (margin, margin + hop + round(hop * factor)))
    window = np.hanning(2 * hop + 1)[:-1]
    made = np.zeros(len(centres) * hop + hop)
    start = margin - hop
    for index, centre in enumerate(centres):
        if index:
            start = _best(source, start + hop, margin - hop + round(centre * factor), 2 * hop, search)
        made[index * hop : (index + 2) * hop] += window * source[start : start + 2 * hop]
    return made[hop : hop + n].astype(np.float32)


def shifted(sound: np.ndarray, rate: int, semitones: float) -> np.ndarray:
    """The sound so much higher, formants included, at its own speed: slowed down, and played faster.

    Args:
        sound: float32 [n].
        rate: Hz.
        semitones: lower where it is below 0.

    Returns:
        float32 [n].
    """
    ratio = 2 ** (semitones / 12)
    slow = faster(sound, rate, 1 / ratio)
    return fixed_length(soxr.resample(slow, ratio * rate, rate, quality="HQ"), len(sound))


def _best(source: np.ndarray, follows: int, wanted: int, width: int, search: int) -> int:
    """Where near `wanted` a piece begins that differs least, in squares, from the one at `follows`."""
    from scipy.signal import correlate  # slow to import

    near = source[wanted - search : wanted + search + width]
    if not near.any():
        return wanted
    energy = np.cumsum(np.concatenate([[0.0], near**2]))
    energy = energy[width:] - energy[:-width]
    product = correlate(near, source[follows : follows + width], mode="valid", method="fft")
    return wanted - search + int(np.argmin(energy - 2 * product))
