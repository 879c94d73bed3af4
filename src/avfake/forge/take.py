"""A clip as the tools see it: sound as samples, picture as frames; and what they give back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

# Constant rate factor of H.264 for pictures that are written anew: nearly without loss.
GOOD_CRF = 18


@dataclass(frozen=True)
class Sound:
    """What is heard.

    Attributes:
        samples: float32 [n], mono (the mean of the channels). A tool returns a new array, never changes this.
        rate: Hz, the clip's own.
    """

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate


class Frame(NamedTuple):
    """One picture. `pts`: shown at, in units of `Picture.time_base`. `pixels`: uint8 [h, w, 3], RGB."""

    pts: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Picture:
    """What is seen.

    Attributes:
        width, height: pixels.
        time_base: seconds per unit of `Frame.pts`.
        frames: reads the frames from the beginning, one at a time, each time that it is called; a tool that
            returns a picture wraps it in a generator of its own, so that no clip lies in memory as a whole.
            The last frame is shown until the clip ends.
    """

    width: int
    height: int
    time_base: Fraction
    frames: Callable[[], Iterator[Frame]]


@dataclass(frozen=True)
class Take:
    """What a tool gets of a clip: only what it `needs`, None for the rest."""

    sound: Sound | None = None
    picture: Picture | None = None


@dataclass(frozen=True)
class Edited:
    """What a tool made of a take. What is None stays as it was: its packets are copied, not encoded again.

    Attributes:
        sound: at the rate that it had.
        picture: in the size and time base that it had.
        begins: seconds that the sound begins earlier (> 0: something was put before it) or later (< 0:
            something was cut off) than it did; the picture moves along with it.
        speed: so much faster sound and picture play (1: as before).
        crf: of a `picture` that is given.
    """

    sound: Sound | None = None
    picture: Picture | None = None
    begins: float = 0.0
    speed: float = 1.0
    crf: int = GOOD_CRF
