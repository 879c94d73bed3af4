"""Forgeries of the picture's time: frames that stand still, frames that are missing."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.frame_runs import change, drawn_runs
from avfake.forge.pictures import picture_of, picture_tool, with_frames
from avfake.forge.take import Edited, Frame, Picture, Take
from avfake.media.errors import ClipError

# Levels by which frames must differ on average from those that take their place.
_STILL = 0.05


class RunsParams(ToolParams):
    """`share`: of the clip's frames; `run_seconds`: length of each run of them, in seconds."""

    share: Annotated[Range, within(0.01, 0.8)]
    run_seconds: Annotated[Range, within(0.02, 10)]


def repeat(take: Take, params: RunsParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """Every frame of a run shows the one before the run."""
    picture = picture_of(take)
    runs = _runs(picture, params, rng)

    def frames() -> Iterator[Frame]:
        for frame, shown in _shown(picture, runs):
            yield Frame(frame.pts, shown)

    return Edited(picture=with_frames(picture, frames))


def drop(take: Take, params: RunsParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """The frames of a run do not come: the one before it is shown until the next that does."""
    picture = picture_of(take)
    runs = _runs(picture, params, rng)

    def frames() -> Iterator[Frame]:
        for (frame, _), missing in zip(_shown(picture, runs), runs, strict=True):
            if not missing:
                yield frame

    return Edited(picture=with_frames(picture, frames))


def _runs(picture: Picture, params: RunsParams, rng: np.random.Generator) -> np.ndarray:
    """bool [n], see `drawn_runs`. Raises ClipError where nobody could see them, or for too few frames."""
    pts = [frame.pts for frame in picture.frames()]
    if len(pts) < 3 or pts[-1] <= pts[0]:
        raise ClipError(f"{len(pts)} frames are too few to leave out any")
    fps = (len(pts) - 1) / float((pts[-1] - pts[0]) * picture.time_base)
    share, (shortest, longest) = draw(params.share, rng), params.run_seconds
    runs = drawn_runs(len(pts), fps, share, (shortest, longest), rng)
    shown = _shown(picture, runs)
    changes = [change(was, frame.pixels) for (frame, was), lost in zip(shown, runs, strict=True) if lost]
    if np.mean(changes) < _STILL:
        raise ClipError("the picture stands still where frames would be missing")
    return runs


def _shown(picture: Picture, runs: np.ndarray) -> Iterator[tuple[Frame, np.ndarray]]:
    """Each frame and the pixels that are shown in its place."""
    shown = None
    for frame, lost in zip(picture.frames(), runs, strict=True):
        shown = frame.pixels if shown is None or not lost else shown
        yield frame, shown


TOOLS: tuple[DeclaredTool, ...] = (
    picture_tool(
        "frame_repeat",
        "fake",
        "runs of frames frozen while the sound goes on",
        "this repository",
        RunsParams,
        {"share": [0.2, 0.4], "run_seconds": [0.2, 0.6]},
        repeat,
        packages=(),
        licence="MIT",
    ),
    picture_tool(
        "frame_drop",
        "fake",
        "runs of frames left out, the frame before each shown for as long",
        "this repository",
        RunsParams,
        {"share": [0.2, 0.4], "run_seconds": [0.1, 0.3]},
        drop,
        packages=(),
        licence="MIT",
    ),
)
