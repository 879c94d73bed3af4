"""Frames that stand still and frames that are missing: which, how many, and that the clip stays as long."""

import numpy as np
import pytest

from avfake.forge.frame_runs import drawn_runs
from avfake.media.errors import ClipError
from face_pictures import STEP, applied, frames_of, picture_of

N = 60  # 6 s at 10 frames per second
TOOLS = ("frame_repeat", "frame_drop")


def moving(n=N):
    """Every frame in a grey of its own."""
    return [np.full((8, 8, 3), 2 * index, np.uint8) for index in range(n)]


def lengths(runs):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], runs.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_runs_have_the_share_and_the_lengths_asked_for(seed):
    runs = drawn_runs(300, 25.0, 0.3, (0.2, 0.4), np.random.default_rng(seed))
    assert abs(runs.mean() - 0.3) <= 5 / 300 + 1e-9, "to within half of the longest run"
    assert all(5 <= length <= 10 for length in lengths(runs))
    assert not runs[0]
    assert not runs[-1]


def test_runs_lie_everywhere_in_the_clip():
    total = sum(
        drawn_runs(60, 10.0, 0.2, (0.2, 0.4), np.random.default_rng(seed)).astype(int) for seed in range(400)
    )
    assert total[1:-1].min() > 20
    assert total[0] == total[-1] == 0


def test_one_run_at_least_however_small_the_share():
    for seed in range(20):
        assert lengths(drawn_runs(30, 10.0, 0.01, (0.3, 0.3), np.random.default_rng(seed))) == [3]


def test_frozen_frames_show_the_one_before_the_run():
    made = frames_of(applied("frame_repeat", picture_of(moving())))
    assert [frame.pts for frame in made] == [STEP * index for index in range(N)]
    shown = [int(frame.pixels[0, 0, 0]) // 2 for frame in made]
    frozen = [index for index in range(N) if shown[index] != index]
    assert 0.15 * N < len(frozen) < 0.45 * N
    assert all(shown[index] == shown[index - 1] for index in frozen)
    assert shown[0] == 0
    assert shown[-1] == N - 1


def test_missing_frames_leave_the_times_of_the_others():
    made = frames_of(applied("frame_drop", picture_of(moving())))
    kept = [int(frame.pixels[0, 0, 0]) // 2 for frame in made]
    assert [frame.pts for frame in made] == [STEP * index for index in kept]
    assert kept[0] == 0
    assert kept[-1] == N - 1, "the last frame keeps the clip's length"
    assert 0.15 * N < N - len(kept) < 0.45 * N


def test_both_tools_draw_the_same_runs_from_the_same_seed_and_others_from_another():
    def lost(name, seed):
        same = {"share": [0.2, 0.4], "run_seconds": [0.2, 0.5]}
        made = frames_of(applied(name, picture_of(moving()), seed, **same))
        shown = [int(frame.pixels[0, 0, 0]) // 2 for frame in made]
        return set(range(N)) - set(shown)

    assert lost("frame_repeat", 1) == lost("frame_drop", 1) == lost("frame_drop", 1)
    assert lost("frame_drop", 1) != lost("frame_drop", 2)


def test_run_lengths_are_seconds_also_where_frames_come_irregularly():
    pts = np.cumsum(np.where(np.arange(N) % 2, 300, 724)) - 724
    made = frames_of(applied("frame_drop", picture_of(moving(), pts.tolist()), run_seconds=[0.3, 0.3]))
    gaps = np.diff([frame.pts for frame in made]) / (STEP * 10)
    assert gaps.max() == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize("name", TOOLS)
def test_a_picture_that_stands_still_is_refused(name):
    with pytest.raises(ClipError, match="stands still"):
        applied(name, picture_of(moving(1) * N))


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_few_frames_are_refused(name, n):
    with pytest.raises(ClipError, match="too few"):
        applied(name, picture_of(moving(n)), run_seconds=[0.5, 0.5])
