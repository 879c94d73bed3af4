"""The clips that training and validation use: labelled, and with at least one window."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avfake.dataset.augmented import parents
from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import HELD_OUT, homes, read_labels
from avfake.errors import UserError

TRAINING_SPLITS = ("train", "val")
_CLASSES = {0: "real", 1: "fake"}

Counts = NDArray[np.int64] | None


@dataclass(frozen=True)
class Clips:
    """Clips of one split, in the order of the index.

    Attributes:
        names: video_name of each clip; with its home (the split of its folder) its key, as `rows` has it.
        rows: position of each clip in the index of the features.
        counts: windows of each clip, at least one; with eyes, its faces or pairs (avfake.model.streams).
        targets: 1 for fake.
        generators: how it was faked; None where no label says.
        sources: speaker, identity or origin; None where no label says.
        parents: names of the clips that it was derived from; none where it came with the labels.
    """

    names: list[str]
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    targets: NDArray[np.int64]
    generators: list[str | None]
    sources: list[str | None]
    parents: list[frozenset[str]]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, kept: NDArray[np.bool_]) -> "Clips":
        """The clips where `kept`, bool [n], holds."""
        return self.at(np.flatnonzero(kept))

    def at(self, places: NDArray[np.int64]) -> "Clips":
        """The clips at `places`, in their order; one that is named twice is there twice."""

        def of(texts: list[Any]) -> list[Any]:
            return [texts[place] for place in places.tolist()]

        return Clips(
            of(self.names), self.rows[places], self.counts[places], self.targets[places],
            of(self.generators), of(self.sources), of(self.parents),
        )  # fmt: skip


def open_inputs(features: str | Path, labels: str | Path) -> tuple[FeatureSet, pd.DataFrame]:
    """The packed windows and the labels. Raises UserError if an earlier stage has not run."""
    for path, stage in (
        (Path(features) / "features.json", "featurize"),
        (Path(labels) / "clips.parquet", "resplit" if Path(labels).name == "resplit" else "extract"),
    ):
        if not path.is_file():
            raise UserError(f"{path}: no such file", f"make it with `dvc repro {stage}`")
    return FeatureSet(features), read_labels(labels)


def select(index: pd.DataFrame, labels: pd.DataFrame, split: str, counts: Counts = None) -> Clips:
    """The usable clips of a split.

    Args:
        index: of the features: split (the clip's home), video_name, count, ... (one row per clip).
        labels: split, video_name, target (null where unknown), generator, source, ..., and `home` where a
            split holds clips of another split's folder.
        split: `train`, `val`, `held_out`, ...
        counts: int64 [rows of the index], what a detector has to look at of each clip
            (avfake.model.streams.examples); None: its windows.

    Raises:
        UserError: `train` or `val` has no usable clip of one of the classes.
    """
    known = labels[(labels["split"] == split) & labels["target"].notna()]
    table = {
        (home, name): (int(target), _text(generator), _text(source), frozenset(parent))
        for home, name, target, generator, source, parent in zip(
            homes(known),
            known["video_name"],
            known["target"],
            known["generator"],
            known["source"],
            parents(known),
            strict=True,
        )
    }
    usable = [
        (position, key, int(count))
        for position, (*key, count) in enumerate(
            zip(
                index["split"],
                index["video_name"],
                index["count"] if counts is None else counts.tolist(),
                strict=True,
            )
        )
        if count > 0 and tuple(key) in table
    ]
    labelled = [table[home, name] for _, (home, name), _ in usable]
    clips = Clips(
        names=[name for _, (_, name), _ in usable],
        rows=np.array([position for position, _, _ in usable], np.int64),
        counts=np.array([count for _, _, count in usable], np.int64),
        targets=np.array([target for target, *_ in labelled], np.int64),
        generators=[generator for _, generator, _, _ in labelled],
        sources=[source for _, _, source, _ in labelled],
        parents=[parent for *_, parent in labelled],
    )
    if split in TRAINING_SPLITS:
        _check_classes(clips, split, "readable sound" if counts is None else "what the detector looks at")
    return clips


def select_training(index: pd.DataFrame, labels: pd.DataFrame, counts: Counts = None) -> tuple[Clips, Clips]:
    """What a training reads: the usable clips of `train`, and those of `val` that choose the epoch.

    Fakes of validation whose generator was held out of train do not choose: an epoch that is best on them
    would have seen what it is later tested on. Arguments and errors as of `select`.
    """
    strangers = held_out_generators(labels)
    chooses = (
        (labels["split"] != "val") | ~labels["generator"].isin(list(strangers)) | (labels["target"] != 1)
    )
    val = select(index, labels[chooses.fillna(True)], "val", counts)
    return select(index, labels, "train", counts), val


def held_out_generators(labels: pd.DataFrame) -> frozenset[str]:
    """Generators of held-out fakes of which training has none."""
    fakes = labels[(labels["target"] == 1).fillna(False) & labels["generator"].notna()]
    held = set(fakes.loc[fakes["split"] == HELD_OUT, "generator"])
    return frozenset(held - set(fakes.loc[fakes["split"] == "train", "generator"]))


def seen_generators(clips: Clips) -> list[str]:
    """The ways of forging among the fakes, sorted."""
    pairs = zip(clips.generators, clips.targets, strict=True)
    return sorted({generator for generator, target in pairs if generator is not None and target == 1})


def class_counts(clips: Clips) -> Mapping[int, int]:
    """How many clips are real (0) and fake (1)."""
    return {value: int((clips.targets == value).sum()) for value in _CLASSES}


def _text(value: object) -> str | None:
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _check_classes(clips: Clips, split: str, what: str) -> None:
    missing = [_CLASSES[value] for value, count in class_counts(clips).items() if count == 0]
    if missing:
        why = (
            "the AUC that chooses the epoch needs both" if split == "val" else "a detector is trained on both"
        )
        raise UserError(
            f"split `{split}`: no labelled {' and no '.join(missing)} clip with {what}; {why}",
            f"correct the labels or the clips of {split}: data/labels/problems.csv and the column `reason` of"
            " data/features/index.parquet say what was left out",
        )
