"""The neural voice hibari, and speech that takes the time it is given."""

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import soxr

from avfake.errors import RunError
from avfake.forge.voice.span import heard_span

HIBARI_RATE = 24000
# Up to this share the length is set by resampling alone, which moves the pitch as little.
CLOSE = 0.07
SPEEDS = (0.7, 1.4)


@cache
def hibari() -> Any:
    """The voice, loaded once per process. Raises RunError if the package hibari-tts is not installed."""
    if importlib.util.find_spec("hibari") is None:
        raise RunError("the package hibari-tts is not installed", "pip install 'avfake[sample]'")
    from hibari import Hibari

    return Hibari(threads=1)


def fitted(
    render: Callable[[float], tuple[np.ndarray, float]], n: int, rate: int, guess: float = 1.0
) -> np.ndarray:
    """Speech of exactly `n` samples: said at the speed that this takes, the rest by resampling.

    Args:
        render: speed -> sound and its rate.
        n: samples wanted.
        rate: Hz.
        guess: the speed to try first.

    Returns:
        float32 [n], speech from the first to the last sample.
    """
    first = float(np.clip(guess, *SPEEDS))
    x, own = render(first)
    x = _without_ends(x, int(own))
    speed = float(np.clip(first * len(x) / own * rate / n, *SPEEDS))
    if abs(speed / first - 1) > CLOSE:
        x, own = render(speed)
        x = _without_ends(x, int(own))
    y = soxr.resample(x.astype(np.float32), len(x), n, quality="HQ")[:n]
    return np.pad(np.asarray(y, dtype=np.float32), (0, n - len(y)))


def _without_ends(x: np.ndarray, rate: int) -> np.ndarray:
    begin, end = heard_span(x, rate)
    return x[begin:end]
