"""A face blended over another: the classical swap with a soft border.

Donor aligned by three points, coloured like the target (mean and deviation per Lab channel; E. Reinhard et
al., Color transfer between images, 2001) and blended under a soft mask, as L. Li et al., Face X-ray for more
general face forgery detection, CVPR 2020, model the common step of face swaps.
"""

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks, oval
from avfake.forge.face.seam import laid_over
from avfake.forge.tool import Tool

TOOL = Tool(
    name="face_blend",
    package="avfake",
    licence="MIT",
    description="the inner face of another photograph aligned, colour-matched and blended in",
)

_COLOURLESS = 0.1  # deviation of a channel of Lab
_SMOOTH = 0.5  # eye distances over which the colours of the border are carried inside


def forge(
    picture: np.ndarray, marks: Landmarks, donor: np.ndarray, donor_marks: Landmarks, seed: int
) -> np.ndarray:
    """The donor's inner face on the target's head.

    Args:
        picture: uint8 [h, w, 3], RGB, the target.
        marks: its face.
        donor: uint8 [h2, w2, 3], RGB.
        donor_marks: the donor's face.
        seed: of the mask's size and border and the strength of the blend.

    Returns:
        uint8 [h, w, 3].
    """
    rng = np.random.default_rng(seed)
    mask = oval(picture.shape[:2], marks, scale=rng.uniform(0.95, 1.1), feather=rng.uniform(0.2, 0.4))
    coloured = _aligned(picture, marks, donor, donor_marks, mask)
    weight = mask[..., None] * np.float32(rng.uniform(0.85, 1.0))
    blended = weight * coloured + (1.0 - weight) * picture.astype(np.float32)
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8)


def swap(
    picture: np.ndarray,
    marks: Landmarks,
    donor: np.ndarray,
    donor_marks: Landmarks,
    mask: np.ndarray,
    strength: float,
) -> np.ndarray:
    """As `forge`, without a seam where the two faces are lit from different sides.

    Args:
        picture, marks, donor, donor_marks: as of `forge`.
        mask: float32 [h, w] in [0, 1]; more than half in some place.
        strength: the donor's share where the mask is 1.
    """
    coloured = _aligned(picture, marks, donor, donor_marks, mask)
    return laid_over(picture, coloured, mask, strength, _SMOOTH * marks.eye_distance)


def _aligned(
    picture: np.ndarray, marks: Landmarks, donor: np.ndarray, donor_marks: Landmarks, mask: np.ndarray
) -> np.ndarray:
    """The donor in the place and the colours of the face; float32 [h, w, 3], 0 to 255."""
    height, width = picture.shape[:2]
    matrix = cv2.getAffineTransform(donor_marks.points(), marks.points())
    aligned = cv2.warpAffine(
        donor, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
    )
    return _coloured_like(aligned, picture, mask > 0.5)


def _coloured_like(source: np.ndarray, target: np.ndarray, where: np.ndarray) -> np.ndarray:
    """`source` with the mean and deviation that `target` has inside `where`; float32, 0 to 255."""
    lab = cv2.cvtColor(source.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    wanted = cv2.cvtColor(target.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[where]
    mean, deviation = lab[where].mean(axis=0), lab[where].std(axis=0)
    gain = np.clip(wanted.std(axis=0) / np.maximum(deviation, 1e-3), 0.5, 2.0)
    # No colour at all in a picture without colours.
    gain[wanted.std(axis=0) < _COLOURLESS] = 0.0
    matched = ((lab - mean) * gain + wanted.mean(axis=0)).astype(np.float32)
    return np.clip(cv2.cvtColor(matched, cv2.COLOR_LAB2RGB), 0.0, 1.0) * 255.0
