"""Tables of what the label files say: clips per split and class, and cross tables of every column."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from avfake.dataset.layout import SPLITS, Clip

REAL, FAKE, UNLABELLED = "real", "fake", "unlabelled"
CLASSES = (REAL, FAKE, UNLABELLED)
DECIMALS = 6

Row = dict[str, Any]


def class_of(target: int | None) -> str:
    """`real`, `fake`, or `unlabelled` where no label says."""
    return UNLABELLED if target is None else FAKE if target == 1 else REAL


def counts(clips: Sequence[Clip], splits: Iterable[str]) -> list[Row]:
    """Clips per class and the share of fakes: a row per split, then one of all (`split` = `all`).

    Keys: split, clips, real, fake, unlabelled, share_fake (None where no clip has a label).
    """
    of_split = {split: Counter[str]() for split in splits}
    for clip in clips:
        of_split[clip.split][class_of(clip.target)] += 1
    total = sum(of_split.values(), Counter[str]())
    return [_count(split, classes) for split, classes in [*of_split.items(), ("all", total)]]


def cross(clips: Iterable[Clip], value_of: Callable[[Clip], str | None]) -> list[Row]:
    """How often each value of a label column stands in each split and class, the most frequent first.

    Keys: value (None: the clip has none), clips, real, fake, unlabelled, then a key per split. Empty where
    no clip has a value: the label files have no such column.
    """
    found: dict[str | None, Counter[str]] = {}
    for clip in clips:
        row = found.setdefault(value_of(clip), Counter())
        row[class_of(clip.target)] += 1
        row[clip.split] += 1
        row["clips"] += 1
    if not found.keys() - {None}:
        return []
    keys = ("clips", *CLASSES, *SPLITS)
    rows = [{"value": value} | {key: row[key] for key in keys} for value, row in found.items()]
    return sorted(rows, key=by_count)


def by_count(row: Mapping[str, Any]) -> tuple[int, bool, str]:
    """Sorts rows of a table: the most frequent value first, equally frequent ones by value."""
    return -int(row["clips"]), row["value"] is None, str(row["value"])


def generators(clips: Sequence[Clip]) -> list[Row]:
    """The cross table of generators, those that training has not first.

    `unseen` marks a generator of validation or test fakes that no training fake names: the figures for
    unseen forgeries are made of it. It is False throughout where the training fakes name none.
    """
    fakes: dict[str, set[str]] = {split: set() for split in SPLITS}
    for clip in clips:
        if clip.target == 1 and clip.generator is not None:
            fakes[clip.split].add(clip.generator)
    unseen = (fakes["val"] | fakes["test"]) - fakes["train"] if fakes["train"] else set()
    rows = [row | {"unseen": row["value"] in unseen} for row in cross(clips, lambda clip: clip.generator)]
    return sorted(rows, key=lambda row: (not row["unseen"], by_count(row)))


def sources(clips: Sequence[Clip]) -> list[Row]:
    """The cross table of sources, those in two splits first; `shared` marks them."""
    rows = [
        row | {"shared": row["value"] is not None and sum(row[split] > 0 for split in SPLITS) > 1}
        for row in cross(clips, lambda clip: clip.source)
    ]
    return sorted(rows, key=lambda row: (not row["shared"], by_count(row)))


def extra_columns(clips: Sequence[Clip]) -> dict[str, list[Row]]:
    """The cross table of every further label column, by its name."""
    names = sorted({name for clip in clips for name in clip.extra})
    return {name: cross(clips, lambda clip, name=name: clip.extra.get(name)) for name in names}  # type: ignore[misc]


def _count(split: str, classes: Counter[str]) -> Row:
    labelled = classes[REAL] + classes[FAKE]
    return {
        "split": split,
        "clips": classes.total(),
        **{name: classes[name] for name in CLASSES},
        "share_fake": round(classes[FAKE] / labelled, DECIMALS) if labelled else None,
    }
