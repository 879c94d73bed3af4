"""What the tools of the picture have in common: a picture changed frame by frame, and what they declare."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from avfake.forge.declared import DeclaredTool, Label, Need, ToolParams
from avfake.forge.take import Edited, Frame, Picture, Take
from avfake.media.errors import ClipError

OPENCV = ("opencv-python",)
OPENCV_LICENCE = "MIT AND Apache-2.0 (OpenCV)"

# What becomes of the pixels of one frame.
Retouch = Callable[[np.ndarray], np.ndarray]


def picture_of(take: Take) -> Picture:
    """The picture. Raises ClipError where there is none."""
    if take.picture is None:
        raise ClipError("it has no picture")
    return take.picture


def with_frames(picture: Picture, frames: Callable[[], Iterator[Frame]]) -> Picture:
    """The picture with other frames, in its size and time base."""
    return replace(picture, frames=frames)


def retouched(picture: Picture, begin: Callable[[], Retouch]) -> Picture:
    """The picture with each frame's pixels changed; `begin` is called when it is read from the beginning."""

    def frames() -> Iterator[Frame]:
        retouch = begin()
        for frame in picture.frames():
            yield Frame(frame.pts, retouch(frame.pixels))

    return with_frames(picture, frames)


def picture_tool(
    name: str,
    label: Label,
    description: str,
    origin: str,
    params: type[ToolParams],
    example: dict[str, Any],
    apply: Callable[[Take, Any, np.random.Generator, Take | None], Edited],
    needs: frozenset[Need] = frozenset({"picture"}),
    packages: tuple[str, ...] = OPENCV,
    licence: str = OPENCV_LICENCE,
) -> DeclaredTool:
    """A tool of version 1 that changes the picture."""
    return DeclaredTool(
        name=name,
        version=1,
        label=label,
        changes="picture",
        needs=needs,
        packages=packages,
        licence=licence,
        description=description,
        origin=origin,
        params=params,
        example=example,
        apply=apply,
    )
