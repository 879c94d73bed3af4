"""A table of labels in which some fakes and some reals are held out, and nothing stands on both sides."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from avfake.dataset.augmented import is_derived, parents
from avfake.dataset.labels import HELD_OUT, UNUSED
from avfake.resplit.reals import Units

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HeldOut:
    """The table after holding out, and what came of it.

    Attributes:
        labels: the table with its new `split`.
        sources: held out with the reals, sorted.
        counts: `held_out_real`, `held_out_fake`, `unused_real`, `unused_fake`, and
            `held_out_fake_source_in_train` (held-out fakes whose source training sees as well).
    """

    labels: pd.DataFrame
    sources: list[str]
    counts: dict[str, int]


def is_fake(labels: pd.DataFrame) -> BoolArray:
    """Which rows are labelled fake, bool [n]."""
    return _bools((labels["target"] == 1).fillna(False))


def is_real(labels: pd.DataFrame) -> BoolArray:
    """Which rows are labelled real, bool [n]."""
    return _bools((labels["target"] == 0).fillna(False))


def training_reals(labels: pd.DataFrame) -> BoolArray:
    """Real clips of the split train, bool [n]: the ones to which `Units` belong, in the table's order.

    Without derived ones: what is tested on are clips as they were recorded.
    """
    return is_real(labels) & _bools(labels["split"] == "train") & ~is_derived(labels)


def hold_out(labels: pd.DataFrame, fakes: BoolArray, reals: Units, chosen: Collection[str]) -> HeldOut:
    """Moves fakes and the chosen units of the training reals to `held_out`.

    What training would still see of a source that was held out becomes `unused`: a detector that learnt a
    source's sound as fake or real is no stranger to it. So does what was derived from a clip that was held
    out; a derived clip itself is never held out.

    Args:
        labels: split, target, source, ...; not changed.
        fakes: the rows that are held out as fakes [n], of whatever split.
        reals: units of `training_reals(labels)`.
        chosen: the units that are held out.
    """
    table = labels.copy()
    real = np.flatnonzero(training_reals(labels))[[unit in chosen for unit in reals.of]]
    split = table["split"].to_numpy(dtype=object, copy=True)
    split[fakes] = HELD_OUT
    split[real] = HELD_OUT
    sources: set[str] = set()
    if reals.by_source:
        sources = {source for source in table["source"].iloc[real] if source is not None}
    of_source = _bools(table["source"].isin(list(sources)))
    split[of_source & (split == "train")] = UNUSED
    split[is_derived(table) & (split == HELD_OUT)] = UNUSED
    split[_of_parents_elsewhere(table, split)] = UNUSED
    table["split"] = split
    seen = set(table.loc[table["split"] == "train", "source"]) - {None}
    fake, held = is_fake(table), split == HELD_OUT
    unused = split == UNUSED
    in_both = held & fake & _bools(table["source"].isin(list(seen)))
    counts = {
        "held_out_real": held & ~fake,
        "held_out_fake": held & fake,
        "unused_real": unused & is_real(table),
        "unused_fake": unused & fake,
        "held_out_fake_source_in_train": in_both,
    }
    return HeldOut(table, sorted(sources), {key: int(value.sum()) for key, value in counts.items()})


def _of_parents_elsewhere(table: pd.DataFrame, split: npt.NDArray[np.object_]) -> BoolArray:
    """Training clips derived from one that is no longer in train, bool [n]."""
    moved = set(table.loc[(split == HELD_OUT) | (split == UNUSED), "video_name"])
    derived = np.array([not moved.isdisjoint(names) for names in parents(table)], dtype=bool)
    return derived & (split == "train")


def _bools(column: "pd.Series[bool]") -> BoolArray:
    return column.to_numpy(dtype=bool)
