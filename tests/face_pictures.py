"""Pictures of faces for the tests: photographs in motion, as the forging tools read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import cv2
import numpy as np

from avfake.dataset.sample.picture import animated, photographs, still
from avfake.forge.face.landmarks import Landmarks
from avfake.forge.registry import TOOLS
from avfake.forge.take import Edited, Frame, Picture, Take

FPS = 10
STEP = 512  # units of the time base from a frame to the next


def picture_of(frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> Picture:
    """A picture of RGB frames uint8 [h, w, 3], by default at FPS frames per second."""
    times = [STEP * index for index in range(len(frames))] if pts is None else pts
    height, width = frames[0].shape[:2]

    def read() -> Iterator[Frame]:
        return (Frame(time, pixels.copy()) for time, pixels in zip(times, frames, strict=True))

    return Picture(width, height, Fraction(1, STEP * FPS), read)


@cache
def portrait(number: int, size: int) -> tuple[np.ndarray, Landmarks]:
    """A photograph, uint8 [size, size, 3], and where its face is."""
    return still(photographs()[number], size, 3)


@cache
def speaking(number: int, size: int = 128, n: int = 20) -> tuple[np.ndarray, ...]:
    """A face whose head sways and whose mouth moves all the time."""
    mouth = 0.5 + 0.5 * np.sin(1.3 * np.arange(n))
    return tuple(animated(*portrait(number, size), mouth, FPS, 4))


def shifted(pixels: np.ndarray, x: float, y: float) -> np.ndarray:
    """The picture moved right and down by so many pixels, its border drawn out."""
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    size = (pixels.shape[1], pixels.shape[0])
    return cv2.warpAffine(pixels, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def without_colours(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The frames in shades of grey."""
    return [np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2) for pixels in frames]


def applied(
    name: str, picture: Picture, seed: int = 1, partner: Picture | None = None, **params: Any
) -> Edited:
    """What a tool makes of a picture, with its example's parameters but for those that are given."""
    tool = TOOLS[name]
    typed = tool.params.model_validate({**tool.example, **params})
    second = None if partner is None else Take(picture=partner)
    return tool.apply(Take(picture=picture), typed, np.random.default_rng(seed), second)


def frames_of(edited: Edited) -> list[Frame]:
    """The frames of a result, all of them."""
    assert edited.picture is not None
    return list(edited.picture.frames())
