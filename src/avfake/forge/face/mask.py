"""Soft masks over a face, drawn once for a clip and laid over the face of every frame.

They are drawn in the face's own coordinates: the origin between the eyes' middle and the mouth, the eye
distance as the unit, x along the eyes from the left of the picture to its right, y down.
"""

from typing import NamedTuple

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks, oval

REACH = 2.4  # a mask is so many eye distances wide and high on each side of the origin
_PER_UNIT = 60  # its pixels per eye distance
SIDE = round(2 * REACH * _PER_UNIT)
# The right half of an adult's face from brow to chin, in eye distances.
_OUTLINE = ((0.0, -1.02), (0.3, -1.05), (0.7, -0.98), (0.95, -0.75), (1.05, -0.35), (1.0, 0.1), (0.88, 0.5))
_CHIN = ((0.65, 0.85), (0.35, 1.1), (0.0, 1.18))
_OVAL = (0.98, 1.1)  # half axes
_WAVE_LENGTH = 0.35  # standard deviation of the smoothing of a random deformation
_MOUTH_CENTRE = (0.0, 0.64)
_MOUTH_AXES = (0.66, 0.5)  # between nose and chin, with the way that the lower lip has


class Mask(NamedTuple):
    """A mask in the face's coordinates.

    Attributes:
        shares: float32 [SIDE, SIDE] in [0, 1].
        reach: eye distances from the origin beyond which it is 0.
    """

    shares: np.ndarray
    reach: float


class Part(NamedTuple):
    """A rectangle of a picture: rows `top` to `bottom`, columns `left` to `right`, the last ones left out."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """A view of that part of a picture."""
        return pixels[self.top : self.bottom, self.left : self.right]

    def seen_from(self, marks: Landmarks) -> Landmarks:
        """Landmarks of the picture as landmarks of the part."""
        return marks.moved(np.array([[1.0, 0.0, -self.left], [0.0, 1.0, -self.top]]))


def part_around(shape: tuple[int, int], marks: Landmarks, reach: float) -> Part | None:
    """What of a picture of this height and width lies within `reach` eye distances of the face's centre.

    None where that is less than 2 pixels wide or high.
    """
    x, y = marks.centre
    far = reach * marks.eye_distance
    part = Part(
        max(0, int(y - far)),
        min(shape[0], int(y + far) + 2),
        max(0, int(x - far)),
        min(shape[1], int(x + far) + 2),
    )
    return part if min(part.shape) >= 2 else None


def face_mask(rng: np.random.Generator, reach: float, waves: float, border: float) -> Mask:
    """The face from brow to chin, or an oval within it, deformed at random.

    Args:
        rng: what it is drawn from.
        reach: size, 1: the whole face.
        waves: greatest deformation, in eye distances.
        border: standard deviation of the blur of its border, in eye distances.
    """
    if rng.random() < 0.5:
        right = np.array(_OUTLINE + _CHIN)
        outline = np.concatenate([right, right[::-1] * (-1, 1)])
    else:
        angles = np.linspace(0.0, 2 * np.pi, 64, endpoint=False)
        outline = np.stack([_OVAL[0] * np.cos(angles), _OVAL[1] * np.sin(angles)], axis=1)
    corners = np.rint((reach * outline + REACH) * _PER_UNIT).astype(np.int32)
    mask = cv2.fillPoly(np.zeros((SIDE, SIDE), np.float32), [corners], (1.0,))
    noise = rng.uniform(-1.0, 1.0, (2, SIDE, SIDE)).astype(np.float32)
    bends = [cv2.GaussianBlur(plane, (0, 0), _WAVE_LENGTH * _PER_UNIT) for plane in noise]
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    moved = [plane * np.float32(waves * _PER_UNIT / np.abs(plane).max()) for plane in bends]
    mask = cv2.remap(mask, columns + moved[0], rows + moved[1], cv2.INTER_LINEAR)
    return _softened(mask, border)


def oval_mask(reach: float, border: float) -> Mask:
    """`landmarks.oval` with `scale` and `feather`, turned with the face where it is laid over one."""
    middle, half = REACH * _PER_UNIT, _PER_UNIT / 2
    marks = Landmarks((middle - half, middle - half), (middle + half, middle - half), (middle, middle + half))
    return _measured(oval((SIDE, SIDE), marks, reach, border))


def mouth_mask(reach: float, border: float) -> Mask:
    """The mouth with what moves around it; arguments as of `face_mask`."""
    x, y = (round((value + REACH) * _PER_UNIT) for value in _MOUTH_CENTRE)
    axes = tuple(round(reach * value * _PER_UNIT) for value in _MOUTH_AXES)
    mask = cv2.ellipse(np.zeros((SIDE, SIDE), np.float32), (x, y), axes, 0, 0, 360, (1.0,), -1)
    return _softened(mask, border)


def laid(mask: Mask, marks: Landmarks, shape: tuple[int, int]) -> np.ndarray:
    """A mask over the face of a picture, float32 [h, w] of the given shape, 0 away from the face."""
    left, right = marks.points()[:2].astype(np.float64)
    along = (right - left) / _PER_UNIT
    matrix = np.array([[along[0], -along[1], 0.0], [along[1], along[0], 0.0]])
    matrix[:, 2] = np.array(marks.centre) - matrix[:, :2] @ np.full(2, REACH * _PER_UNIT)
    over = cv2.warpAffine(mask.shares, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(over, dtype=np.float32)


def _softened(mask: np.ndarray, border: float) -> Mask:
    # Two box filters make a ramp that ends, where a Gaussian's would go on below what one level of grey is.
    width = 2 * round(border * _PER_UNIT * np.sqrt(1.5)) + 1
    soft = cv2.blur(cv2.blur(mask, (width, width)), (width, width))
    return _measured(np.clip(soft, 0.0, 1.0))


def _measured(shares: np.ndarray) -> Mask:
    rows, columns = np.nonzero(shares)
    middle = (SIDE - 1) / 2
    # A pixel more: where it is laid over a face, it is interpolated.
    radius = np.hypot(rows - middle, columns - middle).max(initial=0.0) + 1.5
    return Mask(np.asarray(shares, dtype=np.float32), float(radius) / _PER_UNIT)
