"""Where the face of one picture is: OpenCV's Haar cascades, and the proportions of a face."""

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks

# A picture is searched at a size at which its smaller side has so many pixels: a face that is worth
# forging is large enough there, and the cost grows with the square.
SEARCHED_SIDE = 192
_SMALLEST_FACE = 24  # pixels of the searched picture: the window of the cascade
# Where a box of the frontal cascade has the eyes and the mouth, as shares of its side. Measured on 80 cuts of
# two photographs: the eyes lie at 0.27 to 0.33 and 0.67 to 0.72 across, 0.37 to 0.39 down, the mouth at 0.75
# to 0.83 down.
_BOX_MARKS = np.array([[0.30, 0.38], [0.70, 0.38], [0.50, 0.79]])
# From the middle of the eyes to the middle of the mouth, in eye distances.
_EYES_TO_MOUTH = 1.05
# The box is scaled so that it has this side when the eyes are looked for: their cascade's window is 20.
_EYE_SIDE = 160
_EYE_SIZE = (0.13, 0.36)  # of the box
_EYE_STRAYS = 0.13  # of the box, from where the proportions have the eye
_local = threading.local()  # a cascade must not be used by two threads at once


@dataclass(frozen=True)
class Box:
    """A square in which the cascade sees a face: its upper left corner and its side, in pixels."""

    x: float
    y: float
    side: float

    def marks(self) -> Landmarks:
        """The landmarks that the proportions of a face give."""
        left, right, mouth = ((float(a), float(b)) for a, b in _BOX_MARKS * self.side + (self.x, self.y))
        return Landmarks(left, right, mouth)

    def overlap(self, other: "Box") -> float:
        """Area that both cover over the area that either covers."""
        across = min(self.x + self.side, other.x + other.side) - max(self.x, other.x)
        down = min(self.y + self.side, other.y + other.side) - max(self.y, other.y)
        both = max(across, 0.0) * max(down, 0.0)
        return both / (self.side**2 + other.side**2 - both)


def box_around(marks: Landmarks) -> Box:
    """The box whose proportions have the face's centre and eye distance."""
    side = marks.eye_distance / float(_BOX_MARKS[1, 0] - _BOX_MARKS[0, 0])
    x, y = marks.centre
    middle = (_BOX_MARKS[:2].mean(axis=0) + _BOX_MARKS[2]) / 2
    return Box(x - side * float(middle[0]), y - side * float(middle[1]), side)


def searched(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture uint8 [h, w, 3], RGB, as it is searched.

    Returns:
        uint8 [h2, w2], grey, and by how much h and w are larger than h2 and w2 (at least 1).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    shrink = max(1.0, min(height, width) / SEARCHED_SIDE)
    if shrink == 1.0:
        return grey, 1.0
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA), shrink


def face_boxes(grey: np.ndarray) -> list[Box]:
    """The faces in a grey picture uint8 [h, w], the largest first."""
    if min(grey.shape) < _SMALLEST_FACE:
        return []
    found = _cascade("haarcascade_frontalface_default.xml").detectMultiScale(
        grey, scaleFactor=1.1, minNeighbors=5, minSize=(_SMALLEST_FACE, _SMALLEST_FACE)
    )
    boxes = sorted((tuple(int(value) for value in box[:3]) for box in found), key=lambda box: (-box[2], box))
    return [Box(x, y, side) for x, y, side in boxes]


def eyes_in(pixels: np.ndarray, box: Box) -> Landmarks | None:
    """The landmarks from both eyes, found within a face; None where they are not both seen.

    Args:
        pixels: uint8 [h, w, 3], RGB.
        box: the face, in pixels of this picture.
    """
    height, width = pixels.shape[:2]
    first_x, first_y = max(0, round(box.x)), max(0, round(box.y))
    last_x, last_y = min(width, round(box.x + box.side)), min(height, round(box.y + 0.6 * box.side))
    if last_x - first_x < _SMALLEST_FACE or last_y - first_y < _SMALLEST_FACE // 2:
        return None
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[first_y:last_y, first_x:last_x]), cv2.COLOR_RGB2GRAY)
    scale = _EYE_SIDE / box.side
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=method)
    smallest, largest = (round(share * _EYE_SIDE) for share in _EYE_SIZE)
    found = _cascade("haarcascade_eye_tree_eyeglasses.xml").detectMultiScale(
        grey, scaleFactor=1.05, minNeighbors=3, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    if len(found) == 0:
        return None
    middles = np.array([(x + side / 2, y + side / 2) for x, y, side, _ in found]) / scale + (first_x, first_y)
    eyes = []
    for expected in _BOX_MARKS[:2] * box.side + (box.x, box.y):
        strays = np.hypot(*(middles - expected).T)
        nearest = int(np.argmin(strays))
        if strays[nearest] > _EYE_STRAYS * box.side:
            return None
        eyes.append(middles[nearest])
    across = eyes[1] - eyes[0]
    mouth = (eyes[0] + eyes[1]) / 2 + _EYES_TO_MOUTH * np.array([-across[1], across[0]])
    left, right, lips = ((float(x), float(y)) for x, y in (*eyes, mouth))
    return Landmarks(left, right, lips)


def _cascade(name: str) -> cv2.CascadeClassifier:
    if not hasattr(_local, "cascades"):
        _local.cascades = {}
    if name not in _local.cascades:
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        _local.cascades[name] = cv2.CascadeClassifier(str(folder / name))
    cascade: cv2.CascadeClassifier = _local.cascades[name]
    return cascade
