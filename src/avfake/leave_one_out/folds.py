"""The folds: per generator, a table of labels without it in train and val. Test is in none of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfake.dataset.augmented import is_derived
from avfake.dataset.labels import homes
from avfake.errors import UserError
from avfake.model.clips import TRAINING_SPLITS
from avfake.params import ResplitParams
from avfake.resplit import reals
from avfake.resplit.hold_out import HeldOut, hold_out, is_fake, training_reals


@dataclass(frozen=True)
class Fold:
    """One generator left out; the split `held_out` of `held.labels` is what its detector is tested on."""

    generator: str
    held: HeldOut
    notes: list[str]


def at_home(labels: pd.DataFrame) -> pd.DataFrame:
    """The clips of train and val in the splits whose folders hold them, whatever `resplit` held out."""
    table = labels.assign(split=homes(labels))
    return table[table["split"].isin(TRAINING_SPLITS)].reset_index(drop=True)


def generators(labels: pd.DataFrame) -> list[str]:
    """The generators of the labelled fakes, sorted; without tools that made derived clips alone.

    Raises:
        UserError: none is named, or one alone: nothing would be left to train on.
    """
    names = sorted(set(labels.loc[is_fake(labels) & ~is_derived(labels), "generator"].dropna()))
    if not names:
        raise UserError(
            "leave-one-out: the labels name no generator of the fakes",
            "set resplit.hold_out to clusters and run `dvc repro resplit`: groups of fakes that sound alike"
            " then stand in for generators",
        )
    if len(names) == 1:
        raise UserError(
            f"leave-one-out: `{names[0]}` is the only generator: without it nothing is left to train on",
            "add fakes of other generators",
        )
    return names


def make_folds(labels: pd.DataFrame, params: ResplitParams, wanted: list[str] | None = None) -> list[Fold]:
    """A fold per generator, in alphabetical order.

    The reals of train are parted into groups of about `resplit.real_share`, whole sources where there are
    any; each fold holds one group out, in turn, so that every real is held out about equally often.

    Args:
        labels: as `at_home` gives them.
        params: the section `resplit`: real_share, seed.
        wanted: the generators whose folds are made; all if None. A fold does not depend on it.

    Raises:
        UserError: fewer than two generators, an unknown one wanted, or reals that cannot be parted.
    """
    names = generators(labels)
    unknown = sorted(set(wanted or []) - set(names))
    if unknown:
        raise UserError(
            f"leave-one-out: no labelled fake is by {', '.join(f'`{name}`' for name in unknown)}",
            f"choose from: {', '.join(names)}",
        )
    real = training_reals(labels)
    units = reals.units(labels.loc[real, "video_name"].tolist(), labels.loc[real, "source"].tolist())
    groups = reals.folds(units.of, params.real_share, params.seed)
    if not groups:
        raise UserError(
            f"leave-one-out: {len(units.of)} real training clips cannot be parted into training and test",
            "add real clips to the train split",
        )
    unnamed = int((is_fake(labels) & labels["generator"].isna().to_numpy(dtype=bool)).sum())
    made = []
    for number, name in enumerate(names):
        if wanted is not None and name not in wanted:
            continue
        fakes = is_fake(labels) & np.asarray(labels["generator"] == name, dtype=bool)
        held = hold_out(labels, fakes, units, groups[number % len(groups)])
        made.append(Fold(name, held, [*units.notes, *_notes(held, unnamed)]))
    return made


def _notes(held: HeldOut, unnamed: int) -> list[str]:
    notes = []
    counts = held.counts
    if same := counts["held_out_fake_source_in_train"]:
        notes.append(f"{same} of {counts['held_out_fake']} fakes come from a source that training sees")
    if unused := counts["unused_real"] + counts["unused_fake"]:
        notes.append(f"{unused} clips of the held-out sources are not trained on")
    if unnamed:
        notes.append(f"{unnamed} fakes name no generator and stay where they are")
    return notes
