"""A face blended over itself: the traces of a face swap without a second face.

K. Shiohara, T. Yamasaki: Detecting deepfakes with self-blended images, CVPR 2022. The source is the picture
with other colours and another sharpness, slightly resized and shifted, laid over the picture under a deformed
mask of the face. There source or picture are changed at random; here always the source, so that what is
outside of the mask stays as it was.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks
from avfake.forge.face.mask import Mask, laid, part_around

_GREY = 2  # levels between the channels of a picture without colours


@dataclass(frozen=True)
class Look:
    """What is done to the source, the same for all frames of a clip.

    Attributes:
        shift: levels added to red, green and blue.
        hue: degrees by which colours are turned.
        saturation, brightness, contrast: by which they are multiplied.
        detail: below 1: the share of the resolution that is left; above: 1 + strength of the sharpening.
        zoom: size of the face over what it was.
        move: eye distances by which it is shifted right and down.
    """

    shift: tuple[float, float, float]
    hue: float
    saturation: float
    brightness: float
    contrast: float
    detail: float
    zoom: float
    move: tuple[float, float]


def blend(picture: np.ndarray, marks: Landmarks, look: Look, mask: Mask, strength: float) -> np.ndarray:
    """The picture with its face laid over itself.

    Args:
        picture: uint8 [h, w, 3], RGB.
        marks: its face.
        look: of the source.
        mask: of the face.
        strength: share of the source where the mask is 1, 0 to 1.

    Returns:
        uint8 [h, w, 3], a new array.
    """
    made = picture.copy()
    part = part_around(picture.shape[:2], marks, _reach(mask, look))
    if part is None:
        return made
    target = part.of(picture)
    inside = part.seen_from(marks)
    source = _moved(_with_detail(recoloured(target, look), look.detail), inside, look)
    weight = laid(mask, inside, part.shape)[..., None] * np.float32(strength)
    blended = weight * source + (1.0 - weight) * target.astype(np.float32)
    part.of(made)[:] = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
    return made


def _reach(mask: Mask, look: Look) -> float:
    """Eye distances from the face's centre within which the source lies."""
    return mask.reach / min(1.0, look.zoom) + max(abs(move) for move in look.move) + 0.1


def recoloured(pixels: np.ndarray, look: Look) -> np.ndarray:
    """The picture uint8 [h, w, 3] in other colours, float32, 0 to 255; one without colours stays without."""
    colours = pixels.astype(np.float32)
    if not _grey(pixels):
        colours = np.clip(colours + np.array(look.shift, np.float32), 0.0, 255.0)
        hsv = cv2.cvtColor(colours / np.float32(255.0), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + np.float32(look.hue)) % np.float32(360.0)
        hsv[..., 1] = np.clip(hsv[..., 1] * np.float32(look.saturation), 0.0, 1.0)
        colours = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * np.float32(255.0)
    # Around the middle of the scale: the picture's mean would change from frame to frame.
    middle = np.float32(127.5)
    lit = (colours * np.float32(look.brightness) - middle) * np.float32(look.contrast) + middle
    return np.asarray(np.clip(lit, 0.0, 255.0), dtype=np.float32)


def _grey(pixels: np.ndarray) -> bool:
    red, green, blue = cv2.split(pixels)
    pairs = ((red, green), (green, blue), (blue, red))
    return max(cv2.norm(one, other, cv2.NORM_INF) for one, other in pairs) <= _GREY


def _with_detail(colours: np.ndarray, detail: float) -> np.ndarray:
    if detail < 1.0:
        height, width = colours.shape[:2]
        size = (max(1, round(detail * width)), max(1, round(detail * height)))
        small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    if detail > 1.0:
        sharper = colours + np.float32(detail - 1.0) * (colours - cv2.GaussianBlur(colours, (0, 0), 1.0))
        return np.clip(sharper, 0.0, 255.0)
    return colours


def _moved(colours: np.ndarray, marks: Landmarks, look: Look) -> np.ndarray:
    x, y = marks.centre
    across, down = (marks.eye_distance * value for value in look.move)
    matrix = np.array(
        [[look.zoom, 0.0, (1 - look.zoom) * x + across], [0.0, look.zoom, (1 - look.zoom) * y + down]]
    )
    height, width = colours.shape[:2]
    moved = cv2.warpAffine(
        colours, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, dtype=np.float32)
