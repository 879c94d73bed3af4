"""Embedding, clusters, the draw of them, and the reals that are held out beside."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from avfake.errors import UserError
from avfake.resplit import cluster as clusters
from avfake.resplit.cluster import cluster, draw, names_of
from avfake.resplit.embed import standardised, statistics
from avfake.resplit.reals import choose, folds, units


def slow_statistics(windows: np.ndarray) -> list[float]:
    """The same by loops over bands, windows and frames."""
    n, height, width = windows.shape
    x = windows.astype(float)

    def over(frames: int, value) -> list[float]:
        return [value(i, t) for i in range(n) for t in range(frames)]

    every = [over(width, lambda i, t: x[i, b, t]) for b in range(height)]  # noqa: B023
    steps = [over(width - 1, lambda i, t: x[i, b, t + 1] - x[i, b, t]) for b in range(height)]  # noqa: B023
    rises = [over(width, lambda i, t: x[i, b + 1, t] - x[i, b, t]) for b in range(height - 1)]  # noqa: B023
    bends = [
        over(width - 2, lambda i, t: abs(x[i, b, t + 2] - 2 * x[i, b, t + 1] + x[i, b, t]))  # noqa: B023
        for b in range(height)
    ]
    arches = [
        over(width, lambda i, t: abs(x[i, b + 2, t] - 2 * x[i, b + 1, t] + x[i, b, t]))  # noqa: B023
        for b in range(height - 2)
    ]
    found = [np.mean(v) for v in every] + [np.std(v) for v in every] + [np.std(v) for v in steps]
    found += [np.mean(v) for v in rises] + [np.std(v) for v in rises]
    return [*found, *(np.mean(v) for v in bends), *(np.mean(v) for v in arches)]


def test_statistics_are_what_they_say():
    windows = np.random.default_rng(0).integers(0, 256, (2, 2, 5, 7)).astype(np.uint8)
    found = statistics(windows)
    assert found.shape == (2 * (7 * 5 - 4),)
    expected = [*slow_statistics(windows[:, 0]), *slow_statistics(windows[:, 1])]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_a_column_that_tells_nothing_becomes_zero():
    values = np.array([[1.0, 0.1 + 0.2, 5.0], [3.0, 0.3, 5.0], [5.0, 0.3, 5.0]])
    found = standardised(values)
    np.testing.assert_array_equal(found[:, 1:], 0)
    np.testing.assert_allclose(found[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)])


def blobs(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Far-apart groups of points [n, 40], shuffled, and the group of each."""
    random = np.random.default_rng(seed)
    group = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return random.normal(0, 20, (len(sizes), 40))[group] + random.normal(0, 1, (len(group), 40)), group


def test_groups_are_found_and_numbered_by_size():
    points, truth = blobs([4, 30, 10])
    found = cluster(points, 3, 0)
    assert adjusted_rand_score(truth, found) == 1
    assert np.bincount(found).tolist() == [30, 10, 4]


def test_of_equal_groups_the_one_with_the_earlier_clip_is_first():
    points, _ = blobs([6, 6, 6, 6])
    found = cluster(points, 4, 3)
    assert [int(np.flatnonzero(found == group)[0]) for group in range(4)] == sorted(
        int(np.flatnonzero(found == group)[0]) for group in range(4)
    )


def test_the_groups_do_not_depend_on_the_number_of_threads():
    points = np.random.default_rng(1).normal(size=(300, 60))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(cluster(points, 12, 0))
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(found[0], cluster(points, 12, 1))


def test_fewer_clips_than_groups_and_clips_that_are_all_alike():
    with pytest.raises(UserError, match="5 groups of 4 training fakes"):
        cluster(np.eye(4), 5, 0)
    with pytest.raises(UserError, match="all look the same"):
        cluster(np.ones((8, 3)), 3, 0)
    two = cluster(np.repeat(np.eye(2), [5, 3], axis=0), 4, 0)
    assert two.tolist() == [0] * 5 + [1] * 3


def test_the_draw_keeps_half_and_leaves_tiny_groups_alone():
    groups = np.repeat([0, 1, 2, 3, 4], [40, 30, 20, 9, 1])
    for seed in range(40):
        drawn = draw(groups, 3, seed)
        assert 4 not in drawn.groups
        assert drawn.groups == sorted(drawn.groups)
        assert np.isin(groups, drawn.groups).sum() <= 50
        assert any("1 of 5 clusters" in note for note in drawn.notes)
        assert (len(drawn.groups) < 3) == any("were to be held out" in note for note in drawn.notes)
    assert len({tuple(draw(groups, 1, seed).groups) for seed in range(40)}) == 4
    assert draw(groups, 2, 5) == draw(groups, 2, 5)


def test_no_group_is_small_enough():
    with pytest.raises(UserError, match="more than half"):
        draw(np.repeat([0, 1], [97, 3]), 1, 0)
    assert clusters.SMALLEST_SHARE < 1


@pytest.mark.parametrize("n", [2, 11, 101, 1001])
def test_names_sort_as_numbers_do(n):
    names = names_of(range(n), n)
    assert names == sorted(names)
    assert len(set(names)) == n
    assert names[1].startswith("cluster-0")


def test_whole_sources_are_held_out():
    sources = ["a"] * 50 + ["b"] * 20 + ["c"] * 20 + ["d"] * 10
    made = units([str(i) for i in range(100)], sources)
    assert made.by_source
    for seed in range(30):
        chosen = choose(made.of, 0.2, seed)
        taken = sum(unit in chosen for unit in made.of)
        assert 0 < len(chosen) < 4
        assert taken in (10, 20, 30, 50)  # a source of 50 stands alone: none brings it nearer to 20
    assert len({frozenset(choose(made.of, 0.2, seed)) for seed in range(30)}) > 2


def test_single_clips_where_there_is_no_source_or_only_one():
    names = [f"{i}.mp4" for i in range(100)]
    for sources, n_notes in (([None] * 100, 0), (["a"] * 100, 1), (["a"] * 60 + [None] * 40, 1)):
        made = units(names, sources)
        assert not made.by_source
        assert len(made.notes) == n_notes
        assert len(choose(made.of, 0.2, 0)) == 20


def test_a_clip_added_moves_one_other_at_most():
    names = [f"{i}.mp4" for i in range(100)]
    before = choose(units(names, [None] * 100).of, 0.2, 7)
    after = choose(units([*names, "new.mp4"], [None] * 101).of, 0.2, 7)
    assert len(before - after) <= 1
    assert before != choose(units(names, [None] * 100).of, 0.2, 8)


def test_clips_without_a_source_go_by_themselves():
    made = units(["a.mp4", "b.mp4", "c.mp4", "d.mp4"], ["a.mp4", "s", "s", None])
    assert made.of == ["source:a.mp4", "source:s", "source:s", "clip:d.mp4"]
    assert "1 real training clips have no source" in made.notes[0]


def test_never_all_of_the_reals():
    assert choose(["a", "a"], 0.5, 0) == set()
    assert len(choose(["a", "b"], 0.99, 0)) == 1


@pytest.mark.parametrize("share", [0.05, 0.2, 0.34, 0.5, 0.9])
def test_folds_part_the_reals(share):
    of = [f"s{i % 11}" for i in range(70)] + ["big"] * 20
    parts = folds(of, share, 0)
    assert len(parts) == min(max(2, round(1 / share)), 12)
    assert set.union(*parts) == set(of)
    assert all(one.isdisjoint(other) for one, other in pairwise(parts))
    assert sum(map(len, parts)) == 12
    sizes = Counter(of)
    filled = [sum(sizes[unit] for unit in part) for part in parts]
    assert max(filled) - min(filled) <= max(sizes.values())


def test_too_few_reals_for_folds():
    assert folds(["a", "a"], 0.2, 0) == []
    assert folds([], 0.2, 0) == []
    assert folds(["a", "b", "b"], 0.2, 0) == [{"b"}, {"a"}]
