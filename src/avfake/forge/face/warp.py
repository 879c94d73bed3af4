"""A face bent into another shape: eyes, mouth and jaw moved by local warps of the same photograph.

The local scaling of A. Gustafsson, Interactive image warping (1993), as retouching tools use it; the kind of
forgery that S.-Y. Wang et al., Detecting photoshopped faces by scripting Photoshop, ICCV 2019, study.
"""

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks
from avfake.forge.tool import Tool

TOOL = Tool(
    name="face_warp",
    package="avfake",
    licence="MIT",
    description="eyes, mouth and jaw of the face reshaped by local warps",
)


def forge(picture: np.ndarray, marks: Landmarks, seed: int) -> np.ndarray:
    """The same face with other features.

    Args:
        picture: uint8 [h, w, 3], RGB.
        marks: its face.
        seed: of the strength and direction of each change.

    Returns:
        uint8 [h, w, 3].
    """
    rng = np.random.default_rng(seed)
    eyes = rng.choice([-1.0, 1.0]) * rng.uniform(0.14, 0.24)
    mouth = rng.choice([-1.0, 1.0]) * rng.uniform(0.16, 0.28)
    jaw = rng.choice([-1.0, 1.0]) * rng.uniform(0.14, 0.22)
    return reshape(picture, marks, eyes, mouth, jaw)


def reshape(picture: np.ndarray, marks: Landmarks, eyes: float, mouth: float, jaw: float) -> np.ndarray:
    """As `forge`, with the shares given by which eyes, mouth and jaw become larger (> 0) or smaller."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    unit = marks.eye_distance
    map_x, map_y = columns.copy(), rows.copy()
    chin = (marks.mouth[0], marks.mouth[1] + 0.35 * unit)
    changes = (
        (marks.left_eye, 0.38 * unit, eyes, eyes),
        (marks.right_eye, 0.38 * unit, eyes, eyes),
        (marks.mouth, 0.55 * unit, mouth, 0.5 * mouth),
        (chin, 0.9 * unit, jaw, 0.0),
    )
    for (x, y), radius, across, down in changes:
        bump = np.exp(-(((columns - x) / radius) ** 2 + ((rows - y) / radius) ** 2))
        map_x -= across * bump * (columns - x)
        map_y -= down * bump * (rows - y)
    return cv2.remap(picture, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
