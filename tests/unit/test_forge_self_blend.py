"""Forged faces: what changes and what does not, that they move with the head, and what is refused."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from avfake.forge.face.follow import follow
from avfake.forge.face.landmarks import oval
from avfake.forge.face.mask import face_mask, laid, mouth_mask, oval_mask, part_around
from avfake.forge.face.seam import laid_over
from avfake.forge.face.self_blend import Look, blend
from avfake.media.errors import ClipError
from face_pictures import STEP, applied, frames_of, picture_of, portrait, shifted, speaking, without_colours

SIZE = 96
TOOLS = ("self_blend", "face_blend", "face_warp", "mouth")
NOTHING = Look((0, 0, 0), 0, 1, 1, 1, 1, 1, (0, 0))


def forged(name, frames, seed=1, partner=None, **params):
    donor = picture_of(speaking(1, SIZE, 6) if partner is None else partner)
    return applied(name, picture_of(frames), seed, donor, **params)


@cache
def followed():
    return follow(picture_of(speaking(0, SIZE, 12)))


@pytest.mark.parametrize("name", TOOLS)
def test_the_face_changes_and_nothing_else(name):
    frames = speaking(0, SIZE, 12)
    before = [pixels.copy() for pixels in frames]
    edited = forged(name, frames)
    made = frames_of(edited)
    assert [frame.pts for frame in made] == [STEP * index for index in range(len(frames))]
    assert (edited.picture.width, edited.picture.height) == (SIZE, SIZE)
    inside, track = [], followed()
    for index, (frame, pixels) in enumerate(zip(made, frames, strict=True)):
        marks = track.marks(index)
        difference = np.abs(frame.pixels.astype(int) - pixels).max(axis=2)
        reach = 3.4 if name == "face_warp" else 1.9
        assert difference[oval((SIZE, SIZE), marks, reach, 0.01) == 0].max(initial=0) == 0
        inside.append(difference[oval((SIZE, SIZE), marks, 0.9, 0.1) > 0.9].mean())
    assert np.mean(inside) > 1.5
    assert all(np.array_equal(a, b) for a, b in zip(frames, before, strict=True))
    again = frames_of(edited)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(made, again, strict=True)), "read twice"


@pytest.mark.parametrize("name", ["self_blend", "face_warp"])
def test_a_forgery_moves_with_the_head(name):
    still, moves = portrait(0, SIZE)[0], [(2 * index, index) for index in range(5)]
    made = [frame.pixels for frame in frames_of(forged(name, [shifted(still, *move) for move in moves]))]
    for pixels, (x, y) in zip(made, moves, strict=True):
        back = shifted(pixels, -x, -y)[8:-16, 8:-16].astype(int)
        assert np.abs(back - made[0][8:-16, 8:-16]).mean() < 0.5, "levels: no flicker, no drift"


@pytest.mark.parametrize("name", ["self_blend", "face_blend"])
def test_a_picture_without_colours_stays_without(name):
    made = frames_of(forged(name, without_colours(speaking(0, SIZE, 12)[:2])))
    assert max(int(np.ptp(frame.pixels, axis=2).max()) for frame in made) <= 2


@pytest.mark.parametrize("name", TOOLS)
def test_no_face_is_refused(name):
    with pytest.raises(ClipError, match="no face found in 3 of 3 frames looked at"):
        forged(name, [np.full((SIZE, SIZE, 3), 90, np.uint8)] * 12)


@pytest.mark.parametrize("name", ["face_warp", "mouth"])
def test_frames_without_the_face_stay_as_they_are(name):
    empty = np.full((SIZE, SIZE, 3), 90, np.uint8)
    made = frames_of(forged(name, [*speaking(0, SIZE, 12), empty]))
    assert np.array_equal(made[-1].pixels, empty)


def test_the_donor_must_have_a_face():
    with pytest.raises(ClipError, match="the second clip: no face found in 1 of 1 frames"):
        forged("face_blend", speaking(0, SIZE, 12)[:3], partner=[np.full((64, 64, 3), 90, np.uint8)])


def test_a_donor_of_another_size_and_length_is_as_good_and_moves():
    donor = speaking(1, size=150, n=6)
    still = [portrait(0, SIZE)[0]] * 12
    made = [frame.pixels.astype(int) for frame in frames_of(forged("face_blend", still, partner=donor))]
    changes = [np.abs(after - before).max() for before, after in pairwise(made)]
    assert len(made) == 12
    assert sum(change > 3 for change in changes) == 5, "six frames of the donor, evenly over the clip"


def test_the_lips_are_those_of_a_later_moment():
    pixels, marks = portrait(0, SIZE)
    centre = tuple(round(value) for value in marks.mouth)
    frames = []
    for index in range(20):
        frame = pixels.copy()
        frame[centre[1] - 2 : centre[1] + 3, centre[0] - 3 : centre[0] + 4] = 10 * index
        frames.append(frame)
    made = frames_of(forged("mouth", frames, away_seconds=[0.7, 0.7], reach=[1, 1], border=[0.05, 0.05]))
    shown = [frame.pixels[centre[1], centre[0]].mean() / 10 for frame in made]
    assert shown[:13] == pytest.approx(np.arange(7, 20), abs=0.5)
    assert shown[-4:] == pytest.approx(np.arange(3, 7), abs=0.5), "from the beginning, past the fade"


@pytest.mark.parametrize(("n", "seconds", "away"), [(5, r"0\.40", 0.5), (12, r"1\.10", 0.6)])
def test_a_clip_that_is_too_short_for_another_moment_is_refused(n, seconds, away):
    said = rf"{seconds} s of picture are too few for a mouth that is {away:.2f} s away"
    with pytest.raises(ClipError, match=said):
        forged("mouth", speaking(0, SIZE, 12)[:n], away_seconds=[away, 1.5])


def test_a_mouth_that_does_not_move_is_refused():
    edited = forged("mouth", [portrait(0, SIZE)[0]] * 12)
    with pytest.raises(ClipError, match="the mouth does not move"):
        frames_of(edited)


def test_nothing_done_to_the_source_is_nothing_done():
    pixels, marks = portrait(0, SIZE)
    mask = face_mask(np.random.default_rng(1), 1.0, 0.1, 0.1)
    assert np.abs(blend(pixels, marks, NOTHING, mask, 1.0).astype(int) - pixels).max() <= 1


def test_a_face_at_the_edge_of_the_picture_is_blended_as_far_as_it_is_seen():
    pixels, marks = portrait(0, SIZE)
    mask = face_mask(np.random.default_rng(1), 1.0, 0.1, 0.1)
    darker = NOTHING.__class__(**{**NOTHING.__dict__, "brightness": 0.8})
    for x in (-64, 64, -500):
        matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, 0.0]])
        made = blend(pixels, marks.moved(matrix), darker, mask, 1.0)
        assert made.shape == pixels.shape
        assert np.array_equal(made, pixels) == (x == -500)


@pytest.mark.parametrize(
    "mask", [face_mask(np.random.default_rng(2), 1.15, 0.3, 0.2), mouth_mask(1.2, 0.2), oval_mask(1.15, 0.6)]
)
def test_a_mask_is_whole_inside_and_ends_within_its_reach(mask):
    _, marks = portrait(0, SIZE)
    whole = laid(mask, marks, (SIZE, SIZE))
    x, y = marks.centre
    rows, columns = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(rows - y, columns - x) > mask.reach * marks.eye_distance
    assert whole[far].max(initial=0) == 0
    assert whole.max() == pytest.approx(1, abs=0.02)
    assert mask.shares[[0, -1]].max() == mask.shares[:, [0, -1]].max() == 0
    part = part_around((SIZE, SIZE), marks, mask.reach)
    cut = laid(mask, part.seen_from(marks), part.shape)
    assert np.abs(cut - part.of(whole)).max() < 0.02


def test_along_the_border_the_colours_are_those_around():
    target = np.full((80, 80, 3), 100, np.uint8)
    source = np.full((80, 80, 3), 180, np.float32)
    source[36:44, 36:44] = 80
    rows, columns = np.mgrid[:80, :80]
    mask = np.clip((30 - np.hypot(rows - 40, columns - 40)) / 8, 0, 1).astype(np.float32)
    made = laid_over(target, source, mask, 1.0, 8.0).astype(int)
    border = (mask > 0.02) & (mask < 0.98)
    assert np.abs(made[border] - 100).max() <= 3
    assert np.abs(made[40, 40] - 0).max() <= 3, "100 levels darker than what is around it, as in the source"
    assert np.abs(made[20, 40] - 100).max() <= 3
