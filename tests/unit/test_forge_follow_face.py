"""The face of a clip is found, followed between the frames that are looked at, and missed where it is not."""

import cv2
import numpy as np
import pytest

from avfake.forge.face.find import Box, box_around
from avfake.forge.face.follow import follow
from avfake.forge.face.landmarks import Landmarks
from avfake.media.errors import ClipError
from face_pictures import picture_of, portrait, shifted, speaking, without_colours

SIZE = 96
EMPTY = np.full((SIZE, SIZE, 3), 90, np.uint8)


def strays(points, marks):
    """Greatest distance of landmarks float32 [..., 3, 2] from where they are, in eye distances."""
    return float(np.abs(points - marks.points()).max() / marks.eye_distance)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("size", [96, 256])
def test_eyes_and_mouth_are_where_they_are(number, size):
    pixels, marks = portrait(number, size)
    assert strays(follow(picture_of([pixels])).points, marks) < 0.25


def test_the_landmarks_move_with_the_head_and_not_by_themselves():
    pixels, _ = portrait(0, SIZE)
    way = [(0.8 * index, 4 * np.sin(index / 3)) for index in range(15)]
    points = follow(picture_of([shifted(pixels, *place) for place in way])).points
    relative = points - np.array(way)[:, None]
    assert np.abs(np.diff(relative, axis=0)).max() < 0.35, "pixels, while the head moves by 11"
    assert np.ptp(relative, axis=0).max() < 1.0


def test_a_speaking_face_is_followed_through_all_frames():
    track = follow(picture_of(speaking(1, SIZE, 15)))
    assert not np.isnan(track.points).any()
    assert np.allclose(track.seconds, np.arange(15) / 10)
    assert isinstance(track.marks(14), Landmarks)
    assert track.marks(15) is None


def test_a_picture_without_colours_is_as_good():
    _, marks = portrait(0, SIZE)
    assert strays(follow(picture_of(without_colours(speaking(0, SIZE, 15)[:3]))).points, marks) < 0.3


def test_each_scene_has_its_own_face():
    (first, marks), (second, other) = portrait(0, SIZE), portrait(1, SIZE)
    points = follow(picture_of([first] * 7 + [shifted(second, 16, 9)] * 8)).points
    assert strays(points[:7], marks) < 0.2
    assert strays(points[7:] - np.float32([16, 9]), other) < 0.25


def test_a_head_that_leans_is_followed():
    pixels, marks = portrait(0, SIZE)
    turns = [cv2.getRotationMatrix2D(marks.centre, 2.0 * index, 1.0) for index in range(8)]
    points = follow(picture_of([cv2.warpAffine(pixels, turn, (SIZE, SIZE)) for turn in turns])).points
    assert strays(points[-1], marks.moved(turns[-1])) < 0.2
    across = points[:, 1] - points[:, 0]
    assert np.ptp(np.degrees(np.arctan2(across[:, 1], across[:, 0]))) == pytest.approx(14, abs=1.5)


def test_frames_before_the_face_was_first_found_are_followed_back():
    # Half of the face is covered in the first frame, which is looked at; the next look is five frames later.
    covered = speaking(0, SIZE, 15)[0].copy()
    covered[:, SIZE // 2 :] = 90
    frames = [covered, *speaking(0, SIZE, 15)[1:9]]
    missing = np.isnan(follow(picture_of(frames)).points[:, 0, 0])
    assert not missing[1:].any()


def test_frames_that_show_no_face_have_none():
    track = follow(picture_of([*speaking(0, SIZE, 15)[:10], *[EMPTY] * 4]))
    assert [track.marks(index) is None for index in range(14)] == [False] * 10 + [True] * 4


@pytest.mark.parametrize(
    "frames",
    [[EMPTY] * 11, [np.zeros((12, 12, 3), np.uint8)] * 11, [np.zeros((1, 1, 3), np.uint8)] * 11],
    ids=["empty", "tiny", "one pixel"],
)
def test_no_face_is_an_error_that_says_how_many_frames_were_looked_at(frames):
    with pytest.raises(ClipError) as caught:
        follow(picture_of(frames))
    assert caught.value.reason == "no face found in 3 of 3 frames looked at"


def test_a_face_in_few_of_the_frames_is_not_enough():
    with pytest.raises(ClipError, match=r"no face found in \d of \d frames looked at"):
        follow(picture_of([*speaking(0, SIZE, 15)[:4], *[EMPTY] * 12]))


def test_a_picture_without_frames_is_an_error():
    picture = picture_of([EMPTY])
    with pytest.raises(ClipError, match="no frame"):
        follow(type(picture)(SIZE, SIZE, picture.time_base, lambda: iter(())))


def test_following_is_deterministic():
    first, second = (follow(picture_of(speaking(1, SIZE, 15)[:8])).points for _ in range(2))
    assert np.array_equal(first, second)


def test_a_box_and_its_landmarks_belong_together():
    box = Box(10.0, 20.0, 50.0)
    around = box_around(box.marks())
    assert (around.x, around.y, around.side) == pytest.approx((10, 20, 50), abs=1e-3)
    assert box.overlap(box) == 1
    assert box.overlap(Box(35.0, 20.0, 50.0)) == pytest.approx(1 / 3)
    assert box.overlap(Box(61.0, 20.0, 50.0)) == 0
