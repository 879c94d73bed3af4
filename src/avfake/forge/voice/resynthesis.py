"""The same words in the same voice, taken apart and put together again, at any rate of 8 to 48 kHz.

What comes out has the length, the band and the loudness of the recording.
"""

from collections.abc import Callable, Mapping

import numpy as np
import soxr

from avfake.forge.voice import griffin_lim, hifigan, lpc, world
from avfake.forge.voice.channel import matched

LPC_ORDER = 12
LPC_FRAME_SECONDS = 0.03


def at_least(x: np.ndarray, rate: int, lowest: int) -> tuple[np.ndarray, int]:
    """A sound float32 [n] and its rate, resampled to `lowest` Hz where it has fewer."""
    if rate >= lowest:
        return x, rate
    return np.asarray(soxr.resample(x, rate, lowest, quality="HQ"), dtype=np.float32), lowest


def back(made: np.ndarray, at: int, rate: int, n: int) -> np.ndarray:
    """A sound at the rate `at` brought to `rate` and to n samples, float32."""
    y = made if at == rate else soxr.resample(made, at, rate, quality="HQ")
    y = np.asarray(y[:n], dtype=np.float32)
    return np.pad(y, (0, n - len(y)))


def _world(x: np.ndarray, rate: int, _rng: np.random.Generator) -> np.ndarray:
    high, at = at_least(x, rate, world.LOWEST_RATE)
    return back(world.resynthesise(high, at), at, rate, len(x))


def _griffin_lim(x: np.ndarray, rate: int, _rng: np.random.Generator) -> np.ndarray:
    return griffin_lim.resynthesise(x, rate)


def _hifigan(x: np.ndarray, rate: int, _rng: np.random.Generator) -> np.ndarray:
    return hifigan.resynthesise(x, rate)


def _lpc(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return lpc.resynthesise(x, rate, LPC_ORDER, LPC_FRAME_SECONDS, "pulses", 0, rng)


METHODS: Mapping[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "world": _world,
    "griffin_lim": _griffin_lim,
    "lpc": _lpc,
    "hifigan": _hifigan,
}


def copied(method: str, x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A resynthesis of speech.

    Args:
        method: a key of METHODS.
        x: float32 [n], mono.
        rate: Hz.
        rng: of the noise, where the method has some.

    Returns:
        float32 [n] within [-1, 1], in step with `x`.

    Raises:
        ClipError: nothing is heard of what was made.
        RunError: a package that the method needs is not installed.
    """
    return matched(METHODS[method](x, rate, rng), x, rate)
