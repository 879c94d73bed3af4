import numpy as np
import pytest

from avfake.model.balance import times_drawn
from avfake.model.clips import Clips

# Class, generator, source: 4 reals of two speakers, 8 fakes of three generators, one of them unnamed.
ROWS = (
    [(0, "real", "ann")] * 3
    + [(0, None, "bob")]
    + [(1, "comb", "ann")] * 5
    + [(1, "hum", "bob")] * 2
    + [(1, None, None)]
)


def clips_of(rows: list[tuple]) -> Clips:
    targets, generators, sources = zip(*rows, strict=True)
    n = len(rows)
    return Clips(
        [f"{i}.mp4" for i in range(n)],
        np.arange(n),
        np.full(n, 3),
        np.array(targets),
        list(generators),
        list(sources),
        [frozenset()] * n,
    )


def mean_times(balance: str, epochs: int = 400) -> list[float]:
    clips = clips_of(ROWS)
    return np.mean([times_drawn(clips, balance, 0, epoch) for epoch in range(epochs)], axis=0).tolist()


def test_without_balance_every_clip_comes_once():
    assert times_drawn(clips_of(ROWS), "none", 0, 1).tolist() == [1] * 12


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        ("class", [6 / 4] * 4 + [6 / 8] * 8),
        ("generator", [6 / 4] * 4 + [2 / 5] * 5 + [2 / 2] * 2 + [2.0]),
        ("source", [12 / 5 / 3] * 3 + [12 / 5] + [12 / 5 / 5] * 5 + [12 / 5 / 2] * 2 + [12 / 5]),
    ],
)
def test_groups_are_drawn_equally_often(balance, expected):
    assert mean_times(balance) == pytest.approx(expected, abs=0.12)


@pytest.mark.parametrize("balance", ["class", "generator", "source"])
def test_a_draw_is_even_and_of_the_same_size_in_every_epoch(balance):
    expected = np.array(mean_times(balance))
    clips = clips_of(ROWS)
    for epoch in range(50):
        times = times_drawn(clips, balance, 3, epoch)
        assert times.sum() == len(clips)
        assert (np.abs(times - expected) < 1.15).all()  # a draw is the mean rounded down or up
        assert set(clips.targets[times > 0].tolist()) == {0, 1}
    np.testing.assert_array_equal(times, times_drawn(clips, balance, 3, epoch))


def test_another_epoch_and_another_seed_draw_others():
    clips = clips_of(ROWS)
    first = times_drawn(clips, "class", 0, 1).tolist()
    assert any(times_drawn(clips, "class", 0, epoch).tolist() != first for epoch in (2, 3))
    assert any(times_drawn(clips, "class", seed, 1).tolist() != first for seed in (2, 3))


def test_without_sources_every_clip_is_its_own():
    clips = clips_of([(target, "x", None) for target in (0, 0, 1, 1, 1)])
    assert times_drawn(clips, "source", 0, 1).tolist() == [1] * 5


def test_two_clips_of_many_classes_are_both_drawn():
    clips = clips_of([(0, None, None), (1, "x", None)])
    for balance in ("class", "generator", "source"):
        assert all(times_drawn(clips, balance, seed, 1).tolist() == [1, 1] for seed in range(20))
