"""Faces of a clip: one pass from front to back, a few frames kept, the largest face of each cut out."""

import threading
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from avfake.media.container import best_stream, decoding, keep_only, opened
from avfake.media.errors import ClipError

# Detection costs with the square of the picture's size, and a face worth keeping is large enough at half
# of it. Pictures that are small already are searched as they are.
_HALVE_FROM = 192
_SMALLEST_FACE = 24  # pixels of the searched picture: the window of the cascade
_MARGIN = 0.2  # of the box, on each side: the cascade's boxes end at brow and chin
_COMPLETE = 0.9  # of the declared duration must be there, as with the sound
_local = threading.local()  # a cascade must not be used by two threads at once


class Faces(NamedTuple):
    """The faces of a clip, in the order of their frames.

    Attributes:
        crops: uint8 RGB [m, size, size, 3].
        times: when each is seen, in seconds after the beginning of the sound - its samples are counted from
            there - or of the picture where there is no sound.
    """

    crops: np.ndarray
    times: tuple[float, ...]


class TimedFrame(NamedTuple):
    """A frame uint8 RGB [height, width, 3], and its time as in `Faces`."""

    pixels: np.ndarray
    seconds: float


def find_faces(path: str | Path, n: int, size: int) -> Faces:
    """The largest face of up to `n` frames evenly spaced in time: m <= n crops.

    A frame without a face that OpenCV's frontal Haar cascade finds gives no crop, so m may be 0.

    Raises:
        ClipError: the clip cannot be opened, has no picture, or its picture breaks off.
    """
    crops, times = [np.zeros((0, size, size, 3), np.uint8)], []
    for frame in timed_frames(path, n):
        box = _face_box(frame.pixels)
        if box is not None:
            crops.append(_cut(frame.pixels, box, size)[None])
            times.append(frame.seconds)
    return Faces(np.concatenate(crops), tuple(times))


def face_of(pixels: np.ndarray, size: int) -> Faces:
    """The largest face of a still image uint8 RGB [height, width, 3]: one crop at 0 s, or none.

    Images are often cut close to the face, which the cascade then misses for want of surroundings: where none
    is found, the image is searched again with its border drawn out. No pixel of that comes into the crop.
    """
    box = _face_box(pixels)
    if box is None:
        edge = max(pixels.shape[:2]) // 4
        wider = cv2.copyMakeBorder(pixels, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        box = _face_box(wider)
        if box is None:
            return Faces(np.zeros((0, size, size, 3), np.uint8), ())
        box = (box[0] - edge, box[1] - edge, box[2])
    return Faces(_cut(pixels, box, size)[None], (0.0,))


def sample_frames(path: str | Path, n: int) -> list[np.ndarray]:
    """The pixels of `timed_frames`."""
    return [frame.pixels for frame in timed_frames(path, n)]


def timed_frames(path: str | Path, n: int) -> list[TimedFrame]:
    """Up to `n` frames evenly spaced in time, uint8 RGB [height, width, 3], by one sequential pass.

    Seeking costs more: with the usual one or two key frames in a clip each seek decodes half of it. Frames
    that no other frame refers to are skipped, hence a frame may be one or two later than asked for. Fewer
    than `n` when the clip has fewer.

    Raises:
        ClipError: as `find_faces`.
    """
    with opened(path) as container:
        stream = best_stream(container, "video")
        keep_only(container, stream)
        context = stream.codec_context
        context.thread_count = 1
        context.skip_frame = "NONREF"
        seconds = _seconds(container, stream)
        wanted = [(index + 0.5) / n * seconds for index in range(n)]
        start = stream.start_time or 0
        late = float(start * stream.time_base) - _sound_start(container, stream)
        kept: list[TimedFrame] = []
        time, last = 0.0, None
        with decoding("picture"):
            for frame in container.decode(stream):
                if frame.pts is not None:
                    time = float((frame.pts - start) * stream.time_base)
                last = frame
                if wanted and time >= wanted[0]:
                    kept.append(TimedFrame(frame.to_ndarray(format="rgb24"), time + late))
                    wanted = [moment for moment in wanted if moment > time]
                    last = None
                if not wanted:
                    break
            if last is not None and wanted:
                kept.append(TimedFrame(last.to_ndarray(format="rgb24"), time + late))
        if not kept:
            raise ClipError("the video stream holds no picture")
        frame_seconds = float(1 / stream.average_rate) if stream.average_rate else 0.0
        # The last frames may be among the skipped ones.
        if wanted and time + 3 * frame_seconds < _COMPLETE * seconds:
            raise ClipError(f"truncated: {time:.2f} s of {seconds:.2f} s of picture can be read")
        return kept


def _seconds(container: Any, stream: Any) -> float:
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return 0.0 if container.duration is None else container.duration / 1e6


def _sound_start(container: Any, picture: Any) -> float:
    """Where on the container's clock the sound begins, in seconds; the picture, where there is no sound."""
    try:
        stream = best_stream(container, "audio")
    except ClipError:
        stream = picture
    return 0.0 if stream.start_time is None else float(stream.start_time * stream.time_base)


def _cascade() -> cv2.CascadeClassifier:
    if not hasattr(_local, "cascade"):
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        _local.cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
    cascade: cv2.CascadeClassifier = _local.cascade
    return cascade


def _face_box(frame: np.ndarray) -> tuple[int, int, int] | None:
    """(left, top, side) of the largest face of a frame uint8 [height, width, 3] in pixels, or None."""
    height, width = frame.shape[:2]
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = 1
    if min(height, width) >= _HALVE_FROM:
        scale = 2
        grey = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    boxes = _cascade().detectMultiScale(
        grey, scaleFactor=1.1, minNeighbors=5, minSize=(_SMALLEST_FACE, _SMALLEST_FACE)
    )
    if len(boxes) == 0:
        return None
    x, y, side, _ = max((tuple(int(value) for value in box) for box in boxes), key=lambda box: (box[2], box))
    return scale * x, scale * y, scale * side


def _cut(frame: np.ndarray, box: tuple[int, int, int], size: int) -> np.ndarray:
    """The face in its box with a margin, uint8 [size, size, 3]."""
    height, width = frame.shape[:2]
    x, y, side = box
    half = round(side * (0.5 + _MARGIN))
    half = min(half, height // 2, width // 2)
    # A box that reaches over the edge is moved in, so that the crop stays a square of the picture itself.
    centre_x = min(max((2 * x + side) // 2, half), width - half)
    centre_y = min(max((2 * y + side) // 2, half), height - half)
    crop = frame[centre_y - half : centre_y + half, centre_x - half : centre_x + half]
    method = cv2.INTER_AREA if crop.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(crop, (size, size), interpolation=method)
