"""Acoustic fingerprint of speech: what is left of it after re-encoding, gain, noise, a shift or a cut.

J. Haitsma, T. Kalker: A Highly Robust Audio Fingerprinting System, ISMIR 2002: the sign of the difference, in
time and in frequency, of the energies of logarithmic bands between 300 and 2000 Hz. Three things differ, all
for speech of a few seconds through codecs of low bit rate: 17 bands instead of 33 (16 bits per frame; wider
bands err less often), a hop of 23 ms instead of 11.6, and a search key of two frames 0.19 s apart, which has
32 bits again. As in the paper, the bits that a codec is likely to turn are known from their margin.
"""

from dataclasses import dataclass

import numpy as np
import scipy
import soxr
from scipy.fft import rfft
from scipy.ndimage import maximum_filter1d

# Raise it when anything here changes what `sound_print` returns: the memo is keyed by it.
VERSION = 1
RATE = 5500  # Hz: all that lies above 2750 Hz is of no use here
WINDOW = 2048  # samples, 0.37 s as in the paper
HOP = 128  # samples, 23 ms
BANDS = 17
BAND_HZ = (300.0, 2000.0)
KEY_GAP = 8  # frames between the two halves of a key: half a window, so that they are nearly independent
N_WEAK = 3  # bits of a key that may have turned
_QUIET = 1e-3  # of the clip's loudest frame: 30 dB below it there is codec noise
_OUTSIDE = 1e-5  # of the energy of all frequencies: below that, bands hold the leakage of a rumble
_STEADY = 0.02  # change of the bands relative to their energy: a tone's bits are noise; speech is above 0.03
_HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_STRONG_EVERY = 3  # frames: one of them at most becomes a probe


@dataclass(frozen=True)
class SoundPrint:
    """The fingerprint of a clip of n frames, 23 ms each.

    Attributes:
        bits: uint16 [n], the signs of a frame.
        active: bool [n], False where the frame is silent or steady and its bits mean nothing.
        strong: int32 [m], the frames whose keys are likely to survive: local maxima of the margin.
        weak: uint8 [m, N_WEAK], the bits (0 to 31) of those keys that are the likeliest to turn.
    """

    bits: np.ndarray
    active: np.ndarray
    strong: np.ndarray
    weak: np.ndarray


def library_versions() -> str:
    """The libraries whose rounding the fingerprints depend on."""
    return f"numpy {np.__version__}, scipy {scipy.__version__}, soxr {soxr.__version__}"


def sound_print(sound: np.ndarray, rate: int) -> SoundPrint:
    """The fingerprint of a clip's sound; it does not depend on the gain.

    Args:
        sound: float32 [samples], mono.
        rate: Hz.

    Returns:
        A print of about 43 frames per second; of no frames for sound under 0.4 s, of no active ones for
        silence.
    """
    return print_of_bands(*_band_energy(sound, rate))


def print_of_bands(energy: np.ndarray, everything: np.ndarray) -> SoundPrint:
    """The fingerprint from the energies of the bands [n + 1, BANDS] and of all frequencies [n + 1]."""
    slope = energy[:, :-1] - energy[:, 1:]
    change = slope[1:] - slope[:-1]
    total = energy.sum(axis=1)
    total[total < _OUTSIDE * everything] = 0.0
    total = np.minimum(total[1:], total[:-1])
    margin = np.abs(change)
    size = margin.mean(axis=1, keepdims=True)
    active = (total > _QUIET * total.max(initial=0.0)) & (size[:, 0] * (BANDS - 1) > _STEADY * total)
    bits = ((change > 0) * (1 << np.arange(BANDS - 1))).sum(axis=1).astype(np.uint16)
    relative = np.divide(margin, size, out=np.zeros_like(margin), where=size > 0)
    return SoundPrint(bits, active, *_strong_frames(relative, active))


def _band_energy(sound: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Energies of the bands, float32 [frames, BANDS], and of all frequencies, float32 [frames]."""
    low = soxr.resample(sound.astype(np.float32), rate, RATE, quality="HQ")
    if len(low) < WINDOW:
        return np.zeros((1, BANDS), np.float32), np.zeros(1, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(low, WINDOW)[::HOP]
    spectrum = rfft(frames * _HANN, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    edges = np.rint(np.geomspace(*BAND_HZ, BANDS + 1) * WINDOW / RATE).astype(int)
    return np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1), power.sum(axis=1)


def _strong_frames(relative: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames for probes and their weakest bits, from the margins relative to the frame's mean."""
    if len(active) <= KEY_GAP:
        return np.zeros(0, np.int32), np.zeros((0, N_WEAK), np.uint8)
    both = np.concatenate([relative[:-KEY_GAP], relative[KEY_GAP:]], axis=1)
    usable = active[:-KEY_GAP] & active[KEY_GAP:]
    score = np.where(usable, np.sort(both, axis=1)[:, : N_WEAK + 1].sum(axis=1), -1.0)
    strong = np.flatnonzero(usable & (score == maximum_filter1d(score, _STRONG_EVERY)))
    weak = np.argsort(both[strong], axis=1, kind="stable")[:, :N_WEAK]
    return strong.astype(np.int32), weak.astype(np.uint8)


def agreement(a: SoundPrint, b: SoundPrint, offset: int) -> tuple[float, int]:
    """Share of equal bits in the frames that are active in both, and how many frames those are.

    Frame i of `b` is laid over frame i + offset of `a`. Unrelated sounds have a share of 0.5, at the best of
    all offsets 0.6; 0.0 where no frame is active in both.
    """
    first, last = max(0, offset), min(len(a.bits), len(b.bits) + offset)
    if last <= first:
        return 0.0, 0
    here, there = slice(first, last), slice(first - offset, last - offset)
    active = a.active[here] & b.active[there]
    n = int(active.sum())
    if n == 0:
        return 0.0, 0
    differ = np.bitwise_count(a.bits[here][active] ^ b.bits[there][active]).sum()
    return 1.0 - int(differ) / (n * (BANDS - 1)), n
