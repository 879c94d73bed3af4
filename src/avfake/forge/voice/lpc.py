"""Linear-predictive vocoding: an all-pole filter per frame, driven by pulses at the pitch or by noise.

B. S. Atal, S. L. Hanauer: Speech analysis and synthesis by linear prediction of the speech wave, JASA 50
(1971); the coarse steps of pitch and energy as low-rate coders send them (D. Rowe's codec2: energy in steps
over 50 dB, pitch in steps from 50 Hz on).
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from avfake.forge.voice.pitch import track

Excitation = Literal["pulses", "noise"]

# The order is given for this rate; at others there are as many poles per Hz.
ORDER_RATE = 8000
# The spectrum is kept from having deeper holes than this, and poles from being sharper than these, or the
# filter of a sound that ends at half its rate rings.
NOISE_FLOOR = 1e-5
LAG_WINDOW_HZ = 40.0
WIDENED_HZ = 20.0
TAIL_SECONDS = 0.1
ENERGY_DB = 50.0
PITCH_HZ = (50.0, 500.0)
_BLOCK = 128


@dataclass(frozen=True)
class Code:
    """What the vocoder keeps of a sound.

    Attributes:
        filters: float64 [m, order + 1], the prediction error filter of each frame; the first is 1.
        energy: float64 [m], root mean square of its prediction error.
        pitch: float64 [m], Hz; 0 where it is not voiced.
        hop: samples from frame to frame; a frame is two of them long.
    """

    filters: np.ndarray
    energy: np.ndarray
    pitch: np.ndarray
    hop: int


def resynthesise(
    x: np.ndarray,
    rate: int,
    order: int,
    frame_seconds: float,
    excitation: Excitation,
    bits: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Speech through the vocoder.

    Args:
        x: float32 [n], mono.
        rate: Hz.
        order: of the predictor at ORDER_RATE.
        frame_seconds: length of a frame.
        excitation: `pulses` in voiced frames and noise in all others, or `noise` in all.
        bits: of the pitch and of the energy of a frame; 0: as they are.
        rng: of the noise.

    Returns:
        float64 [n] at the same rate, in step with `x`.
    """
    code = analyse(x, rate, max(2, round(order * rate / ORDER_RATE)), frame_seconds)
    if bits:
        code = quantised(code, bits)
    if excitation == "noise":
        code = replace(code, pitch=np.zeros_like(code.pitch))
    return synthesise(code, rate, len(x), rng)


def analyse(x: np.ndarray, rate: int, order: int, frame_seconds: float) -> Code:
    """Filter, energy and pitch of each frame; the first frame is centred on the first sample."""
    hop = max(order + 1, round(frame_seconds * rate / 2))
    count = -(-len(x) // hop) + 1
    padded = np.pad(np.asarray(x, dtype=np.float64), (hop, count * hop + hop - len(x)))
    window = _window(hop)
    size = next_fast_len(4 * hop, real=True)
    lags = np.arange(order + 1)
    taper = np.exp(-0.5 * (2 * np.pi * LAG_WINDOW_HZ / rate * lags) ** 2)
    filters, errors = [], []
    for at in range(0, count, _BLOCK):
        frames = _frames(padded, at, min(count, at + _BLOCK), hop) * window
        power = np.abs(rfft(frames, size, axis=1)) ** 2
        correlation = irfft(power, size, axis=1)[:, : order + 1] * taper
        correlation[:, 0] *= 1 + NOISE_FLOOR
        found, error = levinson(correlation)
        filters.append(found * np.exp(-np.pi * WIDENED_HZ / rate * lags))
        errors.append(np.sqrt(np.maximum(error, 0.0) / np.sum(window**2)))
    pitch = track(np.asarray(x, dtype=np.float32), rate, np.arange(count) * hop / rate)
    return Code(np.concatenate(filters), np.concatenate(errors), pitch, hop)


def levinson(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The prediction error filters that belong to autocorrelations, by Levinson and Durbin.

    Args:
        correlation: float64 [m, order + 1].

    Returns:
        float64 [m, order + 1], the first column 1, and the power of the errors, float64 [m]. The filter of a
        row of zeros is 1, 0, 0 ...
    """
    filters = np.zeros_like(correlation)
    filters[:, 0] = 1.0
    error = correlation[:, 0].copy()
    for k in range(1, correlation.shape[1]):
        missed = np.sum(filters[:, :k] * correlation[:, k:0:-1], axis=1)
        reflection = -missed / np.maximum(error, 1e-30)
        filters[:, 1 : k + 1] += reflection[:, None] * filters[:, k - 1 :: -1][:, :k]
        error = error * (1 - reflection**2)
    return filters, error


def quantised(code: Code, bits: int) -> Code:
    """Energy and pitch in 2**bits steps: of ENERGY_DB below the loudest frame, and of octaves in PITCH_HZ."""
    steps = 2**bits - 1
    loudest = max(float(code.energy.max()), 1e-20)
    below = 20 * np.log10(np.maximum(code.energy / loudest, 1e-20))
    below = np.round(np.maximum(below, -ENERGY_DB) / ENERGY_DB * steps) / steps * ENERGY_DB
    octaves = np.log2(PITCH_HZ[1] / PITCH_HZ[0])
    height = np.log2(np.clip(code.pitch, *PITCH_HZ) / PITCH_HZ[0]) / octaves
    pitch = PITCH_HZ[0] * 2 ** (np.round(height * steps) / steps * octaves)
    return replace(code, energy=loudest * 10 ** (below / 20), pitch=np.where(code.pitch > 0, pitch, 0.0))


def synthesise(code: Code, rate: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """The sound of a code, float64 [n]: the driving signal filtered frame by frame and added up."""
    hop, count = code.hop, len(code.energy)
    driving = np.pad(excite(code, rate, rng), (hop, 2 * hop))
    window = _window(hop)
    size = next_fast_len(2 * hop + round(TAIL_SECONDS * rate), real=True)
    made = np.zeros((count + 1) * hop + size)
    for at in range(0, count, _BLOCK):
        end = min(count, at + _BLOCK)
        frames = _frames(driving, at, end, hop) * window * code.energy[at:end, None]
        answer = rfft(code.filters[at:end], size, axis=1)
        pieces = irfft(rfft(frames, size, axis=1) / answer, size, axis=1)
        for index, piece in enumerate(pieces, at):
            made[index * hop : index * hop + size] += piece
    return made[hop : hop + n]


def excite(code: Code, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The driving signal, float64 [m * hop], of root mean square 1: pulses where voiced, noise elsewhere."""
    nearest = (np.arange(len(code.energy) * code.hop) + code.hop // 2) // code.hop
    pitch = code.pitch[np.minimum(nearest, len(code.pitch) - 1)]
    turns = np.floor(np.cumsum(pitch / rate))
    pulse = np.diff(turns, prepend=0.0) > 0
    voiced = pitch > 0
    height = np.sqrt(rate / np.where(voiced, pitch, 1.0))
    noise = rng.standard_normal(len(pitch))
    return np.where(voiced, np.where(pulse, height, 0.0), noise)


def _window(hop: int) -> np.ndarray:
    """Periodic Hann of two hops: shifted by a hop it adds up to 1."""
    return 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)


def _frames(padded: np.ndarray, first: int, end: int, hop: int) -> np.ndarray:
    """Frames `first` to `end` [m, 2 * hop] of a sound that is padded by a hop in front."""
    return padded[np.arange(first, end)[:, None] * hop + np.arange(2 * hop)]
