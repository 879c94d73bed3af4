"""Which training clips each fold holds out, derived ones and such as are there twice among them."""

import numpy as np
import pytest

from avfake.errors import UserError
from avfake.model.clips import Clips
from avfake.model.folds import held_out, most_folds, own_clips


def clips_of(*rows: tuple[str, int, str | None, str | None, set[str]]) -> Clips:
    names, targets, generators, sources, parents = zip(*rows, strict=True)
    n = len(rows)
    return Clips(
        list(names), np.arange(n), np.ones(n, np.int64), np.array(targets), list(generators), list(sources),
        [frozenset(of) for of in parents],
    )  # fmt: skip


OWN = [
    (f"{number}", number % 2, f"g{number % 5}" if number % 2 else None, None, set()) for number in range(30)
]
DERIVED = [("of 3", 1, "tool", None, {"3"}), ("of 4 and 7", 1, "tool", None, {"4", "7"})]


@pytest.mark.parametrize("n_folds", [2, 3])
def test_every_own_clip_is_held_out_once_and_what_was_made_of_it_with_it(n_folds):
    clips = clips_of(*OWN, *DERIVED)
    held = held_out(clips, n_folds, 0)
    assert held.shape == (n_folds, 32)
    assert (held[:, :30].sum(axis=0) == 1).all()
    np.testing.assert_array_equal(held[:, 30], held[:, 3])
    np.testing.assert_array_equal(held[:, 31], held[:, 4] | held[:, 7])
    for fold in held:
        assert set(clips.targets[fold & own_clips(clips)].tolist()) == {0, 1}
        assert set(clips.targets[~fold].tolist()) == {0, 1}


def test_there_are_no_folds_of_clips_without_generators_or_with_one_clip_of_a_class():
    assert most_folds(clips_of(*OWN, *DERIVED), 3, 0) == (3, "")
    for rows, why in (
        ([(name, target, None, *rest) for name, target, _, *rest in OWN], "no generator"),
        ([row for row in OWN if row[1] or row[0] == "0"], "no real clip"),
        ([row for row in OWN if not row[1] or row[0] == "1"], "have 1 generators"),
    ):
        with pytest.raises(UserError, match=why):
            held_out(clips_of(*rows), 2, 0)
        n_folds, said = most_folds(clips_of(*rows), 3, 0)
        assert n_folds == 0
        assert why in said


def test_a_clip_that_was_drawn_twice_is_the_labels_own_once():
    clips = clips_of(*OWN, *DERIVED).at(np.array([0, 3, 3, 30, 7, 0]))
    assert own_clips(clips).tolist() == [True, True, False, False, True, False]
