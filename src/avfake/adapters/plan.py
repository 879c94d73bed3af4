"""What an import will make: every clip held against the files, the data contract and the options."""

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from avfake.adapters import splits
from avfake.adapters.adapter import Adapter, Entry, Modality, Note, Request, Splits
from avfake.dataset.layout import SPLITS, Problem
from avfake.errors import UserError

SHOWN = 10
_LONGEST_NAME = 255  # bytes, of a file name on every usual file system
MISSING = "named, but not there"
REAL = "real"


@dataclass(frozen=True)
class Options:
    """The options of an import that decide what it holds; how clips are placed is not among them."""

    modality: Modality = "both"
    splits: Splits = "official"
    seed: int = 0
    limit: int | None = None
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    allow_missing: bool = False


class Row(NamedTuple):
    """A clip of the data root that will be. `target` is None for a clip without a label."""

    path: str
    name: str
    target: int | None
    generator: str | None
    source: str | None
    lent: tuple[str, ...]
    extra: tuple[str | None, ...]


@dataclass
class Plan:
    """The clips by split, in the order of their names, and what is to be said about them."""

    columns: tuple[str, ...]
    rows: dict[str, list[Row]]
    notes: dict[str, int] = field(default_factory=dict)
    missing: list[Problem] = field(default_factory=list)

    def counts(self) -> dict[str, dict[str, int]]:
        """Clips per split: real, fake, unlabelled."""
        words = {0: REAL, 1: "fake", None: "unlabelled"}
        found = {}
        for split, rows in self.rows.items():
            of_class = Counter(words[row.target] for row in rows)
            found[split] = {word: of_class[word] for word in words.values()}
        return found

    def digest(self) -> str:
        """SHA-256 over all rows: two imports with the same one hold the same clips and labels."""
        sha = hashlib.sha256(json.dumps(self.columns).encode())
        for split, rows in self.rows.items():
            for row in rows:
                sha.update(json.dumps([split, *row[:5], *row.extra]).encode())
        return sha.hexdigest()


def make_plan(adapter: Adapter, src: Path, options: Options) -> Plan:
    """Reads the lists of a set and holds them against its files.

    Raises:
        UserError: the set cannot answer the modality; a list is broken; clips are named twice with other
            labels, have unknown labels or no file (all counted, the first of each kind with file and line);
            or train or val would be empty.
    """
    if options.modality not in adapter.modalities:
        raise UserError(
            f"{adapter.name}: its labels do not say which clips are fake in the {options.modality} alone",
            f"use --modality {' or '.join(adapter.modalities)}",
        )
    _check_only(adapter, options)
    taken, notes, missing = _collect(adapter, src, options)
    rows = _part(taken, options, notes)
    for split in ("train", "val"):
        if not rows[split]:
            raise UserError(
                f"{adapter.name}: no clips for {split}: a data root needs train and val",
                "add the part of the set that holds them, or use --splits source",
            )
        for target, word in ((0, REAL), (1, "fake")):
            if not any(row.target == target for row in rows[split]):
                notes[f"{split} has no {word} clip"] = 1
    if options.limit is not None:
        for split, found in rows.items():
            rows[split] = _limited(split, found, options)
    _note_shared(rows, notes)
    order = {split: sorted(found, key=lambda row: row.name) for split, found in rows.items() if found}
    return Plan(adapter.columns, order, notes, missing)


def _check_only(adapter: Adapter, options: Options) -> None:
    for column, _ in options.only:
        if column not in adapter.columns:
            raise UserError(
                f"--only {column}: {adapter.name} has no such column",
                f"its columns are {', '.join(adapter.columns) or 'generator and source alone'}",
            )


class _Taken(NamedTuple):
    split: str | None
    row: Row


def _collect(
    adapter: Adapter, src: Path, options: Options
) -> tuple[list[_Taken], dict[str, int], list[Problem]]:
    """All clips that stand, in the order of the lists, with notes and clips that are not there."""
    wrong: list[Problem] = []
    missing: list[Problem] = []
    notes: Counter[str] = Counter()
    taken: list[_Taken] = []
    first: dict[str, tuple[int, str, int | None]] = {}  # name -> position, file and line of its first mention
    seen_values: dict[str, set[str]] = defaultdict(set)
    index = {name: number for number, name in enumerate(adapter.columns)}
    for found in adapter.entries(Request(src, options.splits)):
        if isinstance(found, Problem):
            (missing if found.reason == MISSING else wrong).append(found)
            continue
        if isinstance(found, Note):
            notes[found.text] += found.count
            continue
        reason = _unusable(found)
        if reason is not None:
            wrong.append(_problem(found, reason, "correct the list, or report it: docs/import.md"))
            continue
        kept = True
        for column, wanted in options.only:
            value = found.extra[index[column]]
            if value is not None:
                seen_values[column].add(value)
                kept &= value in wanted
        if not kept:
            notes["left out by --only"] += 1
            continue
        split = None if options.splits == "source" else found.split
        clip = _Taken(split, _row(found, options.modality))
        if found.name in first:
            position, file, line = first[found.name]
            where = f"first in {file}" + (f" line {line}" if line else "")
            if taken[position] == clip:
                notes["named twice with the same label; counted once"] += 1
            else:
                wrong.append(_problem(found, f"named twice, not the same way: {where}", "keep the right row"))
            continue
        if not os.path.isfile(f"{src}/{found.path}"):  # noqa: PTH113 - a Path per clip takes three times as long
            missing.append(_problem(found, MISSING, f"add {found.path}, or use --allow-missing"))
            continue
        first[found.name] = (len(taken), found.file, found.line)
        taken.append(clip)
    for column, wanted in options.only:
        if unknown := sorted(set(wanted) - seen_values[column]):
            raise UserError(
                f"--only {column}={','.join(unknown)}: no clip has that value",
                f"there are {', '.join(sorted(seen_values[column])[:20]) or 'none'}",
            )
    if wrong or (missing and not options.allow_missing):
        raise _refusal(adapter, wrong, missing, options)
    if missing:
        notes[f"{MISSING}; left out (problems.csv)"] = len(missing)
    if not taken:
        raise UserError(f"{src}: no clip of {adapter.name} in it", "name the folder of the unpacked set")
    return taken, dict(notes), missing


def _unusable(entry: Entry) -> str | None:
    """Why an entry cannot stand in a data root; None if it can."""
    parts = entry.path.split("/")
    if entry.path.startswith("/") or ".." in parts or "\\" in entry.path:
        return "the path leads out of the set's folder"
    name = entry.name
    if not name or "/" in name or name != name.strip() or name.startswith(".") or not name.isprintable():
        return "cannot be the name of a clip"
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        return f"the name is longer than {_LONGEST_NAME} bytes"
    if entry.split not in (None, *SPLITS):
        return f"unknown split `{entry.split}`"
    return None


def _row(entry: Entry, modality: Modality) -> Row:
    """The entry as the modality sees it: what is fake elsewhere counts as real."""
    tool: str | None
    if modality == "both":
        fake, tool = entry.sound is not None or entry.picture is not None, entry.tool
    else:
        tool = entry.sound if modality == "sound" else entry.picture
        fake = tool is not None
    target = int(fake) if entry.labelled else None
    generator = None if target is None else (tool or None) if fake else REAL
    return Row(entry.path, entry.name, target, generator, entry.source, entry.lent, entry.extra)


def _part(taken: list[_Taken], options: Options, notes: dict[str, int]) -> dict[str, list[Row]]:
    """The rows by split; clips without one get theirs by source."""
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    loose = [row for split, row in taken if split is None]
    of_source: dict[str, str] = {}
    if loose:
        official = frozenset(split for split, _ in taken if split in ("val", "test"))
        clips = [(row.source or row.name, row.target) for row in loose]
        of_source = splits.by_source(clips, official, options.seed)
        notes[f"clips split by source, seed {options.seed}"] = len(loose)
    for split, row in taken:
        rows[of_source[row.source or row.name] if split is None else split].append(row)
    return rows


def _limited(split: str, rows: list[Row], options: Options) -> list[Row]:
    kept = []
    for target in (0, 1, None):
        of_class = [row for row in rows if row.target == target]
        of_class.sort(key=lambda row: splits.rank(options.seed, split, row.name))
        kept += of_class[: options.limit]
    return kept


def _note_shared(rows: dict[str, list[Row]], notes: dict[str, int]) -> None:
    """Says how many sources stand in several splits, and how many fakes borrow from another split's."""
    homes: dict[str, set[str]] = defaultdict(set)
    for split, found in rows.items():
        for row in found:
            if row.source is not None:
                homes[row.source].add(split)
    if shared := sum(len(splits) > 1 for splits in homes.values()):
        notes["sources that stand in more than one split"] = shared
    borrowed = sum(
        any(homes.get(name, {split}) != {split} for name in row.lent)
        for split, found in rows.items()
        for row in found
        if row.target == 1
    )
    if borrowed:
        notes["fakes with a face or voice of a source of another split"] = borrowed


def _problem(entry: Entry, reason: str, remedy: str) -> Problem:
    return Problem(entry.file, entry.line, entry.name, reason, remedy)


def _refusal(adapter: Adapter, wrong: list[Problem], missing: list[Problem], options: Options) -> UserError:
    """Everything that is wrong, counted, with the first of it."""
    fatal = wrong + ([] if options.allow_missing else missing)
    kinds = Counter(item.reason.split(":")[0] for item in fatal)
    counted = "; ".join(f"{number} x {kind}" for kind, number in kinds.most_common())
    listed = "\n".join(f"  {line}" for line in _told(fatal[:SHOWN]))
    more = f"\n  and {len(fatal) - SHOWN} more" if len(fatal) > SHOWN else ""
    remedy = "correct the lists as published" if wrong else "add the files, or use --allow-missing"
    return UserError(f"{adapter.name}: {counted}\n{listed}{more}", remedy)


def _told(problems: Iterable[Problem]) -> Iterator[str]:
    for item in problems:
        where = item.file + (f" line {item.line}" if item.line else "")
        yield f"{where}: {item.video_name}: {item.reason}"


def as_json(options: Options) -> dict[str, Any]:
    """The options as import.json holds them."""
    return {
        "modality": options.modality,
        "splits": options.splits,
        "seed": options.seed,
        "limit": options.limit,
        "only": {column: list(values) for column, values in options.only},
        "allow_missing": options.allow_missing,
    }
