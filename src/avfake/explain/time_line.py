"""The seconds of a clip that frames and windows stand for, and how overlapping windows become one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfake.features import baseline
from avfake.features.trim import kept_frames
from avfake.features.windows import window_starts
from avfake.params import FeaturizeParams

Floats = NDArray[np.float64]


class Piece(NamedTuple):
    """A stretch of the clip, in seconds, and the score that it has."""

    begin: float
    end: float
    score: float


@dataclass(frozen=True)
class TimeLine:
    """Where in the clip everything is that the detector looked at.

    Attributes:
        edges: seconds from the clip's first sample at which each frame begins, and the last one ends,
            float64 [frames + 1].
        frames: which frame each column of each window holds, int64 [windows, W].
    """

    edges: Floats
    frames: NDArray[np.int64]

    @property
    def n_frames(self) -> int:
        """Frames of the clip, each of them in at least one window."""
        return len(self.edges) - 1

    def spans(self) -> list[tuple[float, float]]:
        """Begin and end of each window in seconds."""
        return [
            (float(self.edges[first]), float(self.edges[last + 1]))
            for first, last in zip(self.frames.min(axis=1), self.frames.max(axis=1), strict=True)
        ]


def spectrogram_line(
    n_samples: int, sample_rate: int, hop_length: int, window: tuple[int, int], kept: slice | None = None
) -> TimeLine:
    """The time line of spectrogram windows as `avfake.features.windows.cut_windows` cuts them.

    A frame's middle lies `hop_length` samples after the one before it, the first one's at the first sample.

    Args:
        n_samples: length of the sound.
        sample_rate: Hz. hop_length: samples.
        window: frames of a window, and between the starts of two.
        kept: the frames that trimming left; None: all.
    """
    middles = np.arange(1 + n_samples // hop_length)
    edges = np.clip(np.append(middles - 0.5, np.inf) * hop_length, 0, n_samples) / sample_rate
    if kept is not None:
        first, last, _ = kept.indices(len(middles))
        edges = edges[first : last + 1]
    n_frames, (window_frames, window_hop) = len(edges) - 1, window
    columns = np.arange(window_frames)
    if n_frames < window_frames:  # a short clip is repeated
        return TimeLine(edges, (columns % n_frames)[None])
    starts = np.array(window_starts(n_frames, window_frames, window_hop))
    return TimeLine(edges, starts[:, None] + columns)


def picture_line(seconds: float, width: int) -> TimeLine:
    """The time line of one picture of the whole clip: its columns, resized to `width`, stand for frames."""
    return TimeLine(np.linspace(0, seconds, width + 1), np.arange(width)[None])


def line_of(sound: NDArray[np.float32], sample_rate: int, params: FeaturizeParams) -> TimeLine:
    """The time line of a clip's sound float32 [n] at `sample_rate` Hz, as the front ends cut it."""
    if params.front_end == ["baseline_image"]:
        return picture_line(len(sound) / sample_rate, baseline.SIZE)
    kept = kept_frames(sound, params.hop_length, params.trim_db)
    window = params.window_frames, params.window_hop
    return spectrogram_line(len(sound), sample_rate, params.hop_length, window, kept)


def overlapped(parts: NDArray[np.floating], line: TimeLine) -> NDArray[np.float32]:
    """Windows [n, ..., W] laid over each other: the mean of all columns that hold a frame, [..., frames]."""
    columns = np.moveaxis(parts, -1, 1).reshape(line.frames.size, *parts.shape[1:-1])
    total = np.zeros((line.n_frames, *columns.shape[1:]))
    np.add.at(total, line.frames.ravel(), columns)
    counts = np.bincount(line.frames.ravel(), minlength=line.n_frames)
    mean = total / counts.reshape(-1, *(1,) * (total.ndim - 1))
    return np.moveaxis(mean, 0, -1).astype(np.float32)


def windows_of(scores: Sequence[float] | Floats, line: TimeLine) -> list[Piece]:
    """Each window with its score, in the order of the clip; they overlap."""
    return [Piece(*span, float(score)) for span, score in zip(line.spans(), scores, strict=True)]


def curve_of(scores: Sequence[float] | Floats, line: TimeLine) -> list[Piece]:
    """The score along the clip: steps that begin where a window begins or ends, each with the mean score of
    the windows that cover it."""
    firsts, ends = line.frames.min(axis=1), line.frames.max(axis=1) + 1
    bounds = sorted({*firsts.tolist(), *ends.tolist()})
    values = np.asarray(scores, np.float64)
    pieces = []
    for first, end in pairwise(bounds):
        covers = (firsts <= first) & (ends >= end)
        pieces.append(Piece(float(line.edges[first]), float(line.edges[end]), float(values[covers].mean())))
    return pieces
