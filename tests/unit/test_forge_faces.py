"""Photographs and what is made of them: a detector finds the face before and after every forgery."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from avfake.dataset.sample.picture import animated, photographs, still
from avfake.forge.face import blend as face_blend
from avfake.forge.face import warp as face_warp
from avfake.forge.face.landmarks import Landmarks, oval

SIZE = 224
SEEDS = range(6)
PHOTOS = photographs()


@pytest.fixture(scope="module")
def detector():
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))


def found(detector, picture, marks):
    """Whether the detector sees a face where the face is."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    x, y = marks.centre
    boxes = detector.detectMultiScale(grey, 1.1, 3)
    return any(a < x < a + w and b < y < b + h for a, b, w, h in boxes)


def forgeries(number, seed):
    """The portrait and its two forgeries."""
    portrait, marks = still(PHOTOS[number], SIZE, seed)
    donor, donor_marks = still(PHOTOS[1 - number], SIZE, seed + 100)
    blended = face_blend.forge(portrait, marks, donor, donor_marks, seed)
    return portrait, marks, blended, face_warp.forge(portrait, marks, seed)


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_every_portrait_and_forgery_shows_a_face(number, detector):
    for seed in SEEDS:
        portrait, marks, *forged = forgeries(number, seed)
        for picture in (portrait, *forged):
            assert picture.shape == (SIZE, SIZE, 3)
            assert picture.dtype == np.uint8
            assert found(detector, picture, marks), f"{PHOTOS[number].name}, seed {seed}"


def test_a_forgery_changes_the_face_and_nothing_else():
    portrait, marks, *forged = forgeries(0, 3)
    far = oval((SIZE, SIZE), marks, scale=2.6, feather=0.1) == 0
    near = oval((SIZE, SIZE), marks, scale=0.9, feather=0.1) > 0.9
    for picture in forged:
        difference = np.abs(picture.astype(int) - portrait)
        assert difference[far].max() <= 2
        assert difference[near].mean() > 2


def test_the_same_seed_gives_the_same_picture():
    for first, second in zip(forgeries(1, 4), forgeries(1, 4), strict=True):
        assert np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second
    assert not np.array_equal(forgeries(1, 4)[0], forgeries(1, 5)[0])


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_an_animated_face_moves_and_stays_a_face(number, detector):
    portrait, marks = still(PHOTOS[number], SIZE, 1)
    mouth = np.abs(np.sin(np.arange(40) / 4))
    frames = list(animated(portrait, marks, mouth, 20, 1))
    assert len(frames) == 40
    assert sum(found(detector, frame, marks) for frame in frames) >= 36
    assert all(np.any(a != b) for a, b in pairwise(frames))


def test_the_mouth_follows_the_sound():
    portrait, marks = still(PHOTOS[0], SIZE, 2)
    closed, opened = (next(animated(portrait, marks, np.array([x]), 20, 7)) for x in (0.0, 1.0))
    x, y = (round(value) for value in marks.mouth)
    change = np.abs(closed.astype(int) - opened).mean(axis=2)
    assert change[y - 10 : y + 20, x - 15 : x + 15].mean() > 10 * change[:40].mean() + 1


def test_landmarks_change_sides_in_a_mirror():
    marks = Landmarks((10, 20), (30, 22), (20, 40))
    mirrored = marks.moved(np.array([[-1.0, 0.0, 50.0], [0.0, 1.0, 0.0]]))
    assert mirrored == Landmarks((20, 22), (40, 20), (30, 40))
    assert mirrored.eye_distance == pytest.approx(marks.eye_distance)
