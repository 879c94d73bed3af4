"""The picture of a clip: a photograph of a face that moves, blinks and speaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from avfake.forge.face.landmarks import Landmarks

# Shares of the picture's width.
EYE_DISTANCE = (0.19, 0.24)
DRIFT = 0.015
MOUTH_OPENING = 0.22  # of the eye distance, at the loudest
BLINK_SECONDS = 0.3


@dataclass(frozen=True)
class Photograph:
    """A frontal face that a package ships.

    Args:
        name: of the picture.
        pixels: uint8 [h, w, 3], RGB.
        marks: its face.
        origin: package and what it shows.
        licence: of the photograph.
    """

    name: str
    pixels: np.ndarray
    marks: Landmarks
    origin: str
    licence: str


@cache
def photographs() -> tuple[Photograph, ...]:
    """The photographs, always in the same order."""
    import matplotlib.cbook
    import skimage.data

    path = str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    hopper = cv2.cvtColor(np.asarray(cv2.imread(path)), cv2.COLOR_BGR2RGB)
    return (
        Photograph(
            "astronaut",
            skimage.data.astronaut(),
            Landmarks((200, 101), (243, 103), (222, 146)),
            "scikit-image, `skimage.data.astronaut`: Eileen Collins, NASA",
            "public domain (NASA)",
        ),
        Photograph(
            "grace_hopper",
            hopper,
            Landmarks((223, 189), (304, 187), (266, 275)),
            "matplotlib, sample data `grace_hopper.jpg`: Grace Hopper, U.S. Navy",
            "public domain (U.S. Navy)",
        ),
    )


def still(photograph: Photograph, size: int, seed: int) -> tuple[np.ndarray, Landmarks]:
    """A portrait cut from the photograph: some zoom, turn, shift, mirror, light and tint of its own.

    Args:
        photograph: whose face.
        size: width and height in pixels.
        seed: of all that is drawn.

    Returns:
        uint8 [size, size, 3] and where the face is in it.
    """
    rng = np.random.default_rng(seed)
    marks = photograph.marks
    scale = rng.uniform(*EYE_DISTANCE) * size / marks.eye_distance
    matrix = cv2.getRotationMatrix2D(marks.centre, float(rng.uniform(-4, 4)), scale)
    place = size * np.array([rng.uniform(0.46, 0.54), rng.uniform(0.5, 0.56)])
    matrix[:, 2] += place - marks.centre
    if rng.random() < 0.5:
        matrix = np.array([[-1.0, 0.0], [0.0, 1.0]]) @ matrix + np.array([[0, 0, size - 1.0], [0, 0, 0]])
    shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    source = photograph.pixels
    if scale < 0.7:
        # warpAffine does not average over the pixels that it skips.
        source = cv2.GaussianBlur(source, (0, 0), 0.4 / scale)
    cut = cv2.warpAffine(source, matrix, (size, size), flags=shrinks, borderMode=cv2.BORDER_REFLECT_101)
    light = rng.uniform(0.88, 1.1) * rng.uniform(0.96, 1.04, 3)
    lit = 255.0 * (cut / 255.0) ** rng.uniform(0.9, 1.1) * light
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8), marks.moved(matrix)


def animated(
    picture: np.ndarray, marks: Landmarks, mouth: np.ndarray, frame_rate: int, seed: int
) -> Iterator[np.ndarray]:
    """The picture in motion: slow drift of the head, blinks, a mouth that opens with the sound.

    Args:
        picture: uint8 [h, w, 3].
        marks: its face.
        mouth: float [n_frames] in [0, 1], how far the mouth is open.
        frame_rate: frames per second.
        seed: of drift and blinks.

    Yields:
        uint8 [h, w, 3] per frame.
    """
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    unit = marks.eye_distance
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    lips = _bump(columns, rows, (marks.mouth[0], marks.mouth[1] + 0.25 * unit), 0.55 * unit, 0.42 * unit)
    lids = sum(
        _bump(columns, rows, (x, y - 0.04 * unit), 0.26 * unit, 0.16 * unit)
        for x, y in (marks.left_eye, marks.right_eye)
    )
    gap = _bump(columns, rows, (marks.mouth[0], marks.mouth[1] + 0.08 * unit), 0.3 * unit, 0.11 * unit)
    # x, y in pixels, turn in degrees, zoom as a share: each a slow wave with a phase of its own.
    sway = np.array([DRIFT * width, DRIFT * height, 1.5, 0.015]) * rng.uniform(0.5, 1.0, 4)
    speed, phase = rng.uniform(0.15, 0.4, 4), rng.uniform(0, 2 * np.pi, 4)
    times = np.arange(len(mouth)) / frame_rate
    closed = _blinks(times, rng)
    for time, opening, lid in zip(times, mouth, closed, strict=True):
        x, y, turn, zoom = sway * np.sin(2 * np.pi * speed * time + phase)
        head = cv2.getRotationMatrix2D(marks.centre, float(turn), 1.0 + float(zoom))
        head[:, 2] += (x, y)
        shift = np.float32(MOUTH_OPENING * unit * opening) * lips + np.float32(0.2 * unit * lid) * lids
        face = cv2.remap(picture, columns, rows - shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        dark = 1.0 - np.float32(0.5 * opening) * gap[..., None]
        spoken = (face * dark).astype(np.uint8)
        yield cv2.warpAffine(
            spoken, head, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )


def _bump(
    columns: np.ndarray, rows: np.ndarray, at: tuple[float, float], across: float, down: float
) -> np.ndarray:
    """float32 [h, w]: 1 at a point, falling like a Gaussian."""
    distance = ((columns - at[0]) / across) ** 2 + ((rows - at[1]) / down) ** 2
    return np.exp(-distance).astype(np.float32)


def _blinks(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far the eyes are closed, float64 [n_frames] in [0, 1]."""
    starts = np.cumsum(rng.uniform(1.2, 3.5, 1 + int(times[-1]) if len(times) else 1))
    closed = np.zeros(len(times))
    for start in starts:
        closed = np.maximum(closed, np.clip(1 - np.abs(times - start) / (BLINK_SECONDS / 2), 0, 1))
    return closed
