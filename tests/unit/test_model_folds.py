"""Leave-generators-out folds: generators stay whole, sources where they can, both classes in each fold."""

import numpy as np
import pytest

from avfake.errors import UserError
from avfake.model.folds import assign


def clips(*rows: tuple[int, str | None, str | None, int]):
    """Targets, generators and sources of (target, generator, source, how many)."""
    flat = [row[:3] for row in rows for _ in range(row[3])]
    targets, generators, sources = zip(*flat, strict=True)
    return np.array(targets, np.int64), list(generators), list(sources)


PAGES = clips(
    (1, "vocos", "a", 8), (0, None, "a", 3), (1, "melgan", "b", 5), (0, None, "b", 4),
    (1, "vits", "c", 4), (0, None, "c", 6), (0, None, "d", 9),
)  # fmt: skip
SPEAKERS = clips(
    (1, "world", "s1", 3), (1, "hifigan", "s1", 3), (0, None, "s1", 5),
    (1, "world", "s2", 3), (1, "hifigan", "s2", 3), (0, None, "s2", 5),
)  # fmt: skip


def homes_of(folds: np.ndarray, names: list[str | None], wanted: str) -> set[int]:
    return {int(fold) for fold, name in zip(folds, names, strict=True) if name == wanted}


@pytest.mark.parametrize("n_folds", [2, 3])
def test_a_generator_and_all_of_its_source_are_held_out_together(n_folds):
    targets, generators, sources = PAGES
    folds = assign(targets, generators, sources, n_folds, 0)
    for source in "abcd":
        assert len(homes_of(folds, sources, source)) == 1
    assert {int(value) for value in folds} == set(range(n_folds))


def test_every_fold_holds_out_real_and_fake_clips():
    targets, generators, sources = PAGES
    folds = assign(targets, generators, sources, 3, 0)
    for fold in range(3):
        assert set(targets[folds == fold].tolist()) == {0, 1}


def test_where_every_speaker_has_every_generator_the_generators_are_held_out_and_the_speakers_of_reals():
    targets, generators, sources = SPEAKERS
    folds = assign(targets, generators, sources, 2, 0)
    assert homes_of(folds, generators, "world").isdisjoint(homes_of(folds, generators, "hifigan"))
    real = [source if target == 0 else None for source, target in zip(sources, targets, strict=True)]
    assert homes_of(folds, real, "s1").isdisjoint(homes_of(folds, real, "s2"))


def test_without_sources_reals_are_dealt_out_one_by_one():
    targets, generators, _ = SPEAKERS
    folds = assign(targets, generators, [None] * len(targets), 2, 0)
    assert np.bincount(folds[targets == 0]).tolist() == [5, 5]


def test_folds_have_about_as_many_fakes():
    targets, generators, sources = clips(
        *[(1, f"g{place}", f"s{place}", 10) for place in range(6)], (0, None, "r1", 5), (0, None, "r2", 5),
        (0, None, "r3", 5),
    )  # fmt: skip
    folds = assign(targets, generators, sources, 3, 0)
    assert np.bincount(folds[targets == 1]).tolist() == [20, 20, 20]
    assert np.bincount(folds[targets == 0]).tolist() == [5, 5, 5]


def test_the_same_seed_gives_the_same_folds_and_some_other_seed_others():
    rows = [(1, f"g{place}", None, 4) for place in range(8)]
    targets, generators, sources = clips(*rows, (0, None, None, 12))
    first = assign(targets, generators, sources, 2, 0)
    assert np.array_equal(first, assign(targets, generators, sources, 2, 0))
    assert any(not np.array_equal(first, assign(targets, generators, sources, 2, s)) for s in range(1, 6))


def test_a_fake_without_a_generator_is_refused():
    targets, generators, sources = clips((1, None, "a", 2), (1, "x", "b", 2), (0, None, "c", 4))
    with pytest.raises(UserError, match="2 of 4 fakes"):
        assign(targets, generators, sources, 2, 0)


def test_fewer_generators_than_folds_are_refused():
    targets, generators, sources = SPEAKERS
    with pytest.raises(UserError, match="3 folds are asked for, and the training fakes have 2"):
        assign(targets, generators, sources, 3, 0)


def test_a_fold_without_real_clips_is_refused():
    targets, generators, sources = clips((1, "x", None, 3), (1, "y", None, 3), (0, None, "one", 4))
    with pytest.raises(UserError, match="has no real clip"):
        assign(targets, generators, sources, 2, 0)
