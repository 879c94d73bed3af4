"""The mouth of another moment in a face: lips that do not follow the sound.

Aligned by the face's landmarks and blended in with the target's colours along the border, so that what is
dark because the mouth is open stays as dark as it was.
"""

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks
from avfake.forge.face.mask import Mask, laid, part_around
from avfake.forge.face.seam import laid_over

_SMOOTH = 0.35  # eye distances over which the colours of the border are carried inside


def replace(
    picture: np.ndarray, marks: Landmarks, other: np.ndarray, other_marks: Landmarks, mask: Mask
) -> np.ndarray:
    """The picture with the mouth of another one of the same person.

    Args:
        picture: uint8 [h, w, 3], RGB, the target.
        marks: its face.
        other: uint8 [h, w, 3], RGB: where the mouth is taken from.
        other_marks: the face in it.
        mask: of the mouth.

    Returns:
        uint8 [h, w, 3], a new array.
    """
    made = picture.copy()
    part = part_around(picture.shape[:2], marks, mask.reach)
    if part is None:
        return made
    inside = part.seen_from(marks)
    matrix = cv2.getAffineTransform(other_marks.points(), inside.points())
    height, width = part.shape
    source = cv2.warpAffine(
        other, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    ).astype(np.float32)
    over = laid(mask, inside, part.shape)
    part.of(made)[:] = laid_over(part.of(picture), source, over, 1.0, _SMOOTH * marks.eye_distance)
    return made
