"""The figures of a data root: one dictionary, from which the page, the JSON and the text are made.

    figures = inspect_root(Path("data/sample"), settings, limit=None, seed=0, clips=6)

docs/inspect.md has its schema. Every figure that cannot be had is None, with the reason in `notes`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avfake.dataset.layout import Problem
from avfake.dataset.root import load_root
from avfake.files import atomic_write_bytes
from avfake.inspection.contents import Contents
from avfake.inspection.draw import Draw
from avfake.inspection.findings import findings
from avfake.inspection.reading import Settings, read_clips
from avfake.inspection.tables import counts, extra_columns, generators, sources
from avfake.params import DataParams

# Raise it when a key of the figures gets another meaning.
FORMAT = 1


def inspect_root(root: Path, settings: Settings, limit: int | None, seed: int, clips: int) -> dict[str, Any]:
    """Reads a root's labels and clips and returns its figures.

    Args:
        limit: at most this many clips per class and split are opened (None: all). The tables of labels are
            always of all clips: a source in two splits may not hide.
        seed: of that draw, and of the sheet's.
        clips: how many real and how many fake clips the sheet shows.

    Raises:
        UserError: the root cannot be understood at all (see `avfake.dataset.root.load_root`).
    """
    whole = load_root(DataParams(root=str(root), limit=None, seed=seed, max_unreadable=1.0))
    drawn = (
        whole
        if limit is None
        else load_root(DataParams(root=str(root), limit=limit, seed=seed, max_unreadable=1.0))
    )
    contents, draw = Contents(), Draw(clips, seed)
    for clip, reading in read_clips(drawn.clips, settings):
        contents.add(clip, reading)
        draw.add(clip, reading)

    splits = list(whole.splits)
    differences, notes = contents.differences(splits)
    table = counts(whole.clips, splits)
    read = {split: contents.read(split) for split in splits}
    read["all"] = {key: sum(row[key] for row in read.values()) for key in next(iter(read.values()))}
    for row in table:
        if row["share_fake"] is None:
            notes[f"counts.{row['split']}.share_fake"] = "no clip has a label"
        row.update(read[row["split"]])
    figures: dict[str, Any] = {
        "format": FORMAT,
        "root": str(root),
        "settings": {
            "limit": limit,
            "seed": seed,
            "clips": clips,
            "extract": settings.extract.model_dump(exclude={"buckets"}),
            "log_mel": settings.drawing.log_mel.model_dump()
            | {
                "hop_length": settings.drawing.hop_length,
                "dynamic_range": settings.drawing.dynamic_range,
            },
        },
        "counts": table,
        "generators": generators(whole.clips),
        "sources": sources(whole.clips),
        "columns": extra_columns(whole.clips),
        "numbers": contents.numbers(splits),
        "histogram": contents.histogram(splits),
        "values": contents.values(),
        "differences": differences,
        "unreadable": contents.unreadable(),
        "label_problems": [_problem(problem, root) for problem in whole.problems],
        "sheet": draw.chosen(),
    }
    if figures["histogram"] is None:
        notes["histogram"] = "no clip that could be opened says how long it is"
    return figures | {"notes": notes, "findings": findings(figures)}


def write_figures(figures: Mapping[str, Any], path: Path) -> None:
    """Writes the figures as JSON; a name that is no UTF-8 becomes the escapes that Python reads it back from.

    Raises:
        ValueError: a figure is NaN or infinite.
    """
    text = json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    atomic_write_bytes(path, text.encode("utf-8", "backslashreplace"))


def _problem(problem: Problem, root: Path) -> dict[str, Any]:
    """As a row, with the file's path inside the root."""
    file = Path(problem.file)
    return asdict(problem) | {"file": str(file.relative_to(root) if file.is_relative_to(root) else file)}
