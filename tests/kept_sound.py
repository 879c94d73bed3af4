"""Label-keeping sound tools at work on arrays, and what is measured of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import correlate, welch

from avfake.forge.declared import DeclaredTool
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.tools import band, codecs, level, noise, pitch_time, rooms, silence, splice

TOOLS: dict[str, DeclaredTool] = {
    tool.name: tool
    for module in (codecs, noise, rooms, band, level, pitch_time, silence, splice)
    for tool in module.TOOLS
}
RATES = (8000, 16000, 44100, 48000)


def edit(name: str, sound: np.ndarray, rate: int, seed: int = 0, **params: Any) -> Edited:
    """The tool's answer; the sound that it is given cannot be written to."""
    tool = TOOLS[name]
    given = sound.copy()
    given.flags.writeable = False
    take = Take(sound=Sound(given, rate))
    return tool.apply(take, tool.params.model_validate(params), np.random.default_rng(seed), None)


def change(name: str, sound: np.ndarray, rate: int, seed: int = 0, **params: Any) -> np.ndarray:
    """The samples that the tool makes, which are sound, and nothing that happened in time."""
    made = edit(name, sound, rate, seed, **params)
    assert made.picture is None
    assert (made.begins, made.speed) == (0.0, 1.0)
    assert made.sound is not None
    assert made.sound.rate == rate
    assert made.sound.samples.dtype == np.float32
    assert made.sound.samples.shape == sound.shape
    assert np.isfinite(made.sound.samples).all()
    return made.sound.samples


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def lag(before: np.ndarray, after: np.ndarray) -> int:
    """Samples by which `after` comes later, by cross-correlation."""
    return int(np.argmax(correlate(after, before, method="fft"))) - (len(before) - 1)


def power_between(sound: np.ndarray, rate: int, low: float, high: float) -> float:
    frequencies, power = welch(sound.astype(np.float64), rate, nperseg=4096)
    return float(power[(frequencies >= low) & (frequencies < high)].sum())


def loudest_frequency(sound: np.ndarray, rate: int) -> float:
    """Hz, of the middle half of the sound."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * len(middle)))
    return float(np.argmax(spectrum) * rate / (8 * len(middle)))


def bursts(seconds: list[float], rate: int, length: float, frequency: float = 500.0) -> np.ndarray:
    """A faint hiss in which a tone of 0.1 s begins at each of the moments, float32 [n]."""
    sound = 0.0005 * np.random.default_rng(1).standard_normal(round(length * rate))
    n = rate // 10
    tone = 0.3 * np.sin(2 * np.pi * frequency * np.arange(n) / rate) * np.hanning(n)
    for moment in seconds:
        start = round(moment * rate)
        sound[start : start + n] += tone
    return sound.astype(np.float32)


def moments(sound: np.ndarray, rate: int) -> list[float]:
    """Where bursts have the middle of their energy, s; they lie 50 ms apart at least."""
    power = sound.astype(np.float64) ** 2
    loud = np.flatnonzero(power > 0.02 * power.max())
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > rate // 20) + 1)
    return [float(np.average(group, weights=power[group])) / rate for group in groups]
