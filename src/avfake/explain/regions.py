"""The heat of a clip as numbers: a coarse grid of bands and seconds, and the places where it is strongest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Heat = NDArray[np.float32]

# The grid is finer than the cells of the usual feature maps, and short enough to be read.
_BANDS = 16
_SECONDS = 0.25
# A region is what reaches this share of the strongest heat in its direction ...
_EDGE = 0.5
# ... and a direction has regions if its strongest heat reaches this share of the strongest anywhere.
_FAINT = 0.2
# Tips that hold less of a direction's heat than this are not worth a line.
_LEAST_SHARE = 0.05
_PER_DIRECTION = 3


@dataclass(frozen=True)
class Grid:
    """Mean heat of blocks: `values` [bands, cells]; `rows` and `frames` are the bounds, one more each."""

    rows: NDArray[np.int64]
    frames: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """A connected place of strong heat; bounds are half open, as slices.

    Attributes:
        towards: `fake` or `real`. rows, frames: its bounding box.
        peak: the strongest heat in it, signed. share: of all the heat in its direction that lies in it.
    """

    towards: str
    rows: tuple[int, int]
    frames: tuple[int, int]
    peak: float
    share: float


def grid_of(heat: Heat, seconds: float) -> Grid:
    """Heat [H, frames] of `seconds` of sound: at most 16 bands of rows, cells of 0.25 s or less."""
    n_rows, n_frames = heat.shape
    rows = _bounds(n_rows, min(_BANDS, n_rows))
    frames = _bounds(n_frames, min(max(1, int(np.ceil(seconds / _SECONDS))), n_frames))
    sums = np.add.reduceat(np.add.reduceat(heat.astype(np.float64), rows[:-1], axis=0), frames[:-1], axis=1)
    return Grid(rows, frames, sums / np.outer(np.diff(rows), np.diff(frames)))


def regions_of(heat: Heat) -> list[Region]:
    """The strongest places of heat [H, frames], three of each direction at most: fake first, by share."""
    strongest = float(np.abs(heat).max())
    found = []
    for towards, signed in (("fake", heat), ("real", -heat)):
        top = float(signed.max())
        if strongest == 0 or top < _FAINT * strongest:
            continue
        total = float(signed[signed > 0].sum(dtype=np.float64))
        labels, _ = ndimage.label(signed >= _EDGE * top)
        own = []
        for number, (rows, frames) in enumerate(ndimage.find_objects(labels), 1):
            inside = signed[rows, frames][labels[rows, frames] == number]
            own.append(
                Region(
                    towards,
                    (rows.start, rows.stop),
                    (frames.start, frames.stop),
                    float(inside.max()) * (1 if towards == "fake" else -1),
                    float(inside.sum(dtype=np.float64)) / total,
                )
            )
        own = [region for region in own if region.share >= _LEAST_SHARE]
        found += sorted(own, key=lambda region: (-region.share, region.frames, region.rows))[:_PER_DIRECTION]
    return found


def _bounds(n: int, parts: int) -> NDArray[np.int64]:
    return np.rint(np.linspace(0, n, parts + 1)).astype(np.int64)
