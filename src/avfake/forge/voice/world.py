"""WORLD: speech taken apart into pitch, envelope and aperiodicity, and put together again.

M. Morise, F. Yokomori, K. Ozawa: WORLD: a vocoder-based high-quality speech synthesis system for
real-time applications, IEICE Transactions E99-D (2016), through the package pyworld.
"""

import importlib.machinery
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avfake.errors import RunError
from avfake.forge.tool import Tool

TOOL = Tool(
    name="world",
    package="pyworld",
    licence="MIT (pyworld), BSD-3-Clause (WORLD)",
    description="the utterance analysed and re-synthesised by the vocoder WORLD",
)
FRAME_SECONDS = 0.005
LOWEST_RATE = 16000


def resynthesise(x: np.ndarray, rate: int) -> np.ndarray:
    """Speech through the WORLD vocoder, deterministic.

    Args:
        x: float32 [n], mono.
        rate: Hz.

    Returns:
        float32 [n] at the same rate, in step with `x`.

    Raises:
        RunError: pyworld is not installed.
    """
    return synthesise(analyse(x, rate), rate, len(x))


@dataclass(frozen=True)
class Voice:
    """Speech as WORLD sees it, a row per FRAME_SECONDS.

    Attributes:
        pitch: float64 [m], Hz; 0 where it is not voiced.
        envelope: float64 [m, bins], power, from 0 Hz to half the rate.
        aperiodicity: float64 [m, bins], the share of noise in it, 0 to 1.
    """

    pitch: np.ndarray
    envelope: np.ndarray
    aperiodicity: np.ndarray


def analyse(x: np.ndarray, rate: int) -> Voice:
    """Takes speech, float32 [n], apart. Raises RunError if pyworld is not installed.

    Below LOWEST_RATE the aperiodicity means nothing: WORLD measures it in bands up to 7.9 kHz.
    """
    world = _extension()
    samples = np.ascontiguousarray(x, dtype=np.float64)
    pitch, times = world.dio(samples, rate)
    pitch = world.stonemask(samples, pitch, times, rate)
    envelope = world.cheaptrick(samples, pitch, times, rate)
    aperiodicity = world.d4c(samples, pitch, times, rate)
    return Voice(pitch, envelope, aperiodicity)


def synthesise(voice: Voice, rate: int, n: int) -> np.ndarray:
    """Puts speech together again, float32 [n]. Raises RunError if pyworld is not installed."""
    rows = (voice.pitch, voice.envelope, voice.aperiodicity)
    made = _extension().synthesize(*(np.ascontiguousarray(row) for row in rows), rate)[:n]
    return np.pad(made, (0, n - len(made))).astype(np.float32)


@cache
def _extension() -> Any:
    """The compiled module of pyworld, loaded past the package's `__init__`.

    That file imports `pkg_resources`, which setuptools no longer has, for nothing but a version string.
    """
    package = importlib.util.find_spec("pyworld")
    if package is None or package.submodule_search_locations is None:
        raise RunError("the package pyworld is not installed", "pip install 'avfake[sample]'")
    folder = Path(package.submodule_search_locations[0])
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    path = next((folder / f"pyworld{end}" for end in suffixes if (folder / f"pyworld{end}").exists()), None)
    if path is None:
        raise RunError(f"{folder}: no compiled pyworld in it", "install the package pyworld again")
    spec = importlib.util.spec_from_file_location("pyworld.pyworld", path)
    if spec is None or spec.loader is None:
        raise RunError(f"{path}: cannot be loaded", "install the package pyworld again")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
