"""Importing a set: plan, links and label files, made beside the data root and renamed when they are whole."""

import csv
import json
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.adapters.adapter import Adapter
from avfake.adapters.place import Link, place
from avfake.adapters.plan import Options, Plan, Row, as_json, make_plan
from avfake.dataset.labels import write_problems
from avfake.dataset.layout import VIDEO_NAME
from avfake.errors import UserError
from avfake.files import atomic_file, write_json

FORMAT = 1
FACTS = "import.json"
_PLAN = "unfinished.json"


@dataclass(frozen=True)
class Imported:
    """What an import made. `again`: the data root was there already, from the same import."""

    out: Path
    counts: dict[str, dict[str, int]]
    notes: dict[str, int]
    placed: dict[str, int]
    again: bool


def import_set(adapter: Adapter, src: Path, out: Path, options: Options, link: Link | None) -> Imported:
    """Makes a data root of a published set, without changing anything in its folder.

    The root is made in a folder beside `out` and renamed at the end: a run that was stopped leaves no `out`,
    and the next one goes on with the links that are there.

    Raises:
        UserError: as `avfake.adapters.plan.make_plan`; or `src` is no folder, or `out` is taken.
        RunError: as `avfake.adapters.place.place`.
    """
    if not src.is_dir():
        raise UserError(f"{src}: no such folder", "name the folder that the set was unpacked into")
    src, out = src.resolve(), out.absolute()
    _check_place(src, out)
    plan = make_plan(adapter, src, options)
    facts = _facts(adapter, src, options, plan)
    if (out / FACTS).is_file():
        placed = _again(src, out, plan, facts, link)
        return Imported(out, plan.counts(), plan.notes, placed, True)
    staging = out.with_name(f".{out.name}.unfinished")
    _begin(staging, facts)
    placed = _place(src, staging, plan, link)
    for split, rows in plan.rows.items():
        _write_labels(staging / f"{split}_label.txt", rows, plan.columns)
    if plan.missing:
        write_problems(plan.missing, staging)
    write_json(staging / FACTS, facts | {"link": link or "hard, else symbolic"})
    (staging / _PLAN).unlink()
    staging.replace(out)
    return Imported(out, plan.counts(), plan.notes, placed, False)


def _check_place(src: Path, out: Path) -> None:
    if out.resolve().is_relative_to(src) or src.is_relative_to(out.resolve()):
        raise UserError(f"{out}: inside the set, or around it", "choose --out beside it: it is not changed")
    if out.is_dir():
        if any(out.iterdir()) and not (out / FACTS).is_file():
            raise UserError(f"{out}: not empty, and not made by an import", "choose another --out")
    elif out.exists() or out.is_symlink():
        raise UserError(f"{out}: not a folder", "choose another --out")


def _facts(adapter: Adapter, src: Path, options: Options, plan: Plan) -> dict[str, Any]:
    """What import.json says of the import."""
    return {
        "format": FORMAT,
        "set": adapter.name,
        "title": adapter.title,
        "from": str(src),
        "options": as_json(options),
        "clips": plan.counts(),
        "notes": plan.notes,
        "plan_sha256": plan.digest(),
        "splits": adapter.splits,
        "terms": adapter.terms,
        "layout": list(adapter.sources),
        "unchecked": adapter.unchecked,
    }


def _again(src: Path, out: Path, plan: Plan, facts: dict[str, Any], link: Link | None) -> dict[str, int]:
    """Puts back links that are gone from a root of the same import.

    Raises:
        UserError: the root is of another import, or somebody changed its label files.
    """
    try:
        made = json.loads((out / FACTS).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise UserError(
            f"{out / FACTS}: cannot be read", "remove that folder, or choose another --out"
        ) from None
    for key, word in (("set", "set"), ("from", "folder"), ("options", "options"), ("plan_sha256", "clips")):
        if made.get(key) != facts[key]:
            raise UserError(
                f"{out}: made by an import of another {word}" if key != "plan_sha256"
                else f"{out}: made by the same import, but the set has changed since",
                "choose another --out, or remove that folder (its clips are links)",
            )  # fmt: skip
    gone = [f"{split}_label.txt" for split in plan.rows if not (out / f"{split}_label.txt").is_file()]
    labelled = [name for name in gone if _labelled(plan.rows[name.removesuffix("_label.txt")])]
    if labelled:
        raise UserError(f"{out}: {', '.join(labelled)} is gone", "remove that folder, and import again")
    return _place(src, out, plan, link)


def _begin(staging: Path, facts: dict[str, Any]) -> None:
    """Makes the folder of an unfinished import, or takes up one that was stopped."""
    told = {key: facts[key] for key in ("set", "from", "options", "plan_sha256")}
    if staging.is_dir():
        try:
            before = json.loads((staging / _PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = None
        if before == told:
            return
        foreign = any(not path.name.startswith(".") for path in staging.iterdir())
        if before is None and foreign and not (staging / FACTS).is_file():
            raise UserError(f"{staging}: not made by an import, but in its way", "remove or rename it")
        shutil.rmtree(staging)
    staging.mkdir(parents=True)
    write_json(staging / _PLAN, told)


def _place(src: Path, folder: Path, plan: Plan, link: Link | None) -> dict[str, int]:
    from tqdm import tqdm

    counts: Counter[str] = Counter()
    total = sum(len(rows) for rows in plan.rows.values())
    with tqdm(total=total, desc="import", unit="clip", file=sys.stderr, disable=None, leave=False) as bar:
        for split, rows in plan.rows.items():
            clips = ((row.path, row.name) for row in rows)
            counts += place(src, folder / f"{split}set", clips, link, bar.update)
    return dict(counts)


def _labelled(rows: list[Row]) -> bool:
    return any(row.target is not None for row in rows)


def _write_labels(path: Path, rows: list[Row], columns: tuple[str, ...]) -> None:
    """Writes a label file of the data contract; none for a split without labels."""
    if not _labelled(rows):
        return
    with atomic_file(path) as file:
        writer = csv.writer(_Encoded(file), lineterminator="\n")
        writer.writerow([VIDEO_NAME, "target", "generator", "source", *columns])
        for row in rows:
            if row.target is not None:
                values = (row.generator, row.source, *row.extra)
                writer.writerow([row.name, row.target, *("" if value is None else value for value in values)])


class _Encoded:
    """A text file for `csv` over a binary one."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Writes text as UTF-8."""
        self._file.write(text.encode("utf-8"))
