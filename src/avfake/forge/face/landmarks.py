"""Where a face is in a picture."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Landmarks:
    """Three points of a frontal face, (x, y) in pixels: the eye on the left of the picture, the one on the
    right, and the middle of the mouth."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    mouth: tuple[float, float]

    def points(self) -> np.ndarray:
        """float32 [3, 2]: left eye, right eye, mouth."""
        return np.array([self.left_eye, self.right_eye, self.mouth], dtype=np.float32)

    def moved(self, matrix: np.ndarray) -> "Landmarks":
        """After the affine map `matrix` [2, 3]; the eyes change places if it mirrors."""
        points = self.points() @ matrix[:, :2].T + matrix[:, 2]
        left, right, mouth = ((float(x), float(y)) for x, y in points)
        return Landmarks(left, right, mouth) if left[0] < right[0] else Landmarks(right, left, mouth)

    @property
    def eye_distance(self) -> float:
        """Pixels between the eyes: the unit of length of a face."""
        return float(np.hypot(*np.subtract(self.right_eye, self.left_eye)))

    @property
    def centre(self) -> tuple[float, float]:
        """The middle between the middle of the eyes and the mouth."""
        x, y = (self.points()[:2].mean(axis=0) + self.points()[2]) / 2
        return float(x), float(y)


def oval(shape: tuple[int, int], marks: Landmarks, scale: float, feather: float) -> np.ndarray:
    """A soft mask over the inner face.

    Args:
        shape: height and width of the mask.
        marks: the face.
        scale: half axes in units of (1.0, 1.15) eye distances.
        feather: width of the soft border as a share of the half axes.

    Returns:
        float32 [height, width], 1 inside and 0 outside.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = marks.centre
    unit = marks.eye_distance * scale
    distance = np.hypot((columns - x) / unit, (rows - y) / (1.15 * unit))
    ramp = np.clip((1.0 - distance) / feather + 0.5, 0.0, 1.0)
    return (ramp * ramp * (3.0 - 2.0 * ramp)).astype(np.float32)
