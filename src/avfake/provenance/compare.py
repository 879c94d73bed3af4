"""How far two clips lie apart, decoded: for clips that another machine type made, byte for byte others."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from avfake.media.audio import REFERENCE_RATE, read_audio
from avfake.media.container import best_stream, decoding, keep_only, opened
from avfake.media.errors import ClipError

FULL_SCALE, WHITE = 1.0, 255


@dataclass(frozen=True)
class Apart:
    """How far two tracks of one kind lie apart.

    Attributes:
        largest: difference of two samples, full scale 1, or of two pixels' channels, levels of 255.
        mean: root of the mean square of the samples' differences, as a share of the louder sound's own; or
            the mean difference of the pixels of the frame that differs most, in levels.
    """

    largest: float
    mean: float


def sound_apart(first: Path, second: Path) -> Apart | None:
    """Of the sounds at `REFERENCE_RATE`, mono; where one is longer, the rest against silence.

    A sound that only one clip has, or that cannot be decoded, counts as full scale. None: neither has any.
    """
    a, b = _sound(first), _sound(second)
    if a is None or b is None:
        return None if a is b else Apart(FULL_SCALE, 1.0)
    n = max(len(a), len(b))
    x, y = (np.pad(sound, (0, n - len(sound))).astype(np.float64) for sound in (a, b))
    energy = max(np.square(x).sum(), np.square(y).sum())
    if not energy:
        return Apart(0.0, 0.0)
    return Apart(float(np.abs(x - y).max()), float(np.sqrt(np.square(x - y).sum() / energy)))


def picture_apart(first: Path, second: Path) -> Apart | None:
    """Of the pictures, frame by frame. A frame that only one clip has counts as white against black.

    None: neither has any.
    """
    found = None
    for a, b in zip_longest(_pictures(first), _pictures(second)):
        if a is None or b is None or a.shape != b.shape:
            return Apart(WHITE, WHITE)
        difference = np.abs(a.astype(np.int16) - b)
        now = Apart(float(difference.max()), float(difference.mean()))
        found = Apart(max(found.largest, now.largest), max(found.mean, now.mean)) if found else now
    return found


def _sound(path: Path) -> np.ndarray | None:
    try:
        return read_audio(path, REFERENCE_RATE)
    except ClipError:
        return None


def _picture_apart(first: Path, second: Path) -> int | None:
    largest = None
    for a, b in zip_longest(_pictures(first), _pictures(second)):
        if a is None or b is None or a.shape != b.shape:
            return WHITE
        largest = max(largest or 0, int(np.abs(a.astype(np.int16) - b).max()))
    return largest


def _pictures(path: Path) -> Iterator[np.ndarray]:
    """The frames, uint8 RGB [h, w, 3], as far as they can be decoded."""
    try:
        with opened(path) as container:
            stream = best_stream(container, "video")
            keep_only(container, stream)
            stream.codec_context.thread_count = 1
            stream.codec_context.skip_frame = "DEFAULT"
            with decoding("picture"):
                for frame in container.decode(stream):
                    yield frame.to_ndarray(format="rgb24")
    except ClipError:
        return
