"""Reading a label file: CSV with the header `video_name,target`, one row per clip, 1 = fake.

The contest's track of still images has `img_name` in place of `video_name`.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avfake.dataset.layout import IMAGE_NAME, IMAGE_SUFFIXES, NAME_COLUMNS, Problem
from avfake.errors import UserError

_REMEDY = (
    "the first line must be `video_name,target`, or `img_name,target` for still images (further columns may"
    " follow), then a row per clip, 1 = fake"
)


@dataclass(frozen=True)
class LabelRow:
    """One usable row of a label file. `target`: 1 fake, 0 real."""

    video_name: str
    target: int
    generator: str | None
    source: str | None
    extra: dict[str, str | None]
    line: int


class LabelFile(NamedTuple):
    """What a label file says.

    Attributes:
        rows: the usable ones by clip name.
        unusable: names whose label cannot be used.
        problems: with their lines.
        name_column: how the column of names is headed, one of `avfake.dataset.layout.NAME_COLUMNS`.
    """

    rows: dict[str, LabelRow]
    unusable: set[str]
    problems: list[Problem]
    name_column: str


def read_label_file(path: Path) -> LabelFile:
    """Reads a label file; a byte-order mark, CRLF line ends, blank lines and blanks around a value are fine.

    Raises:
        UserError: the file is no UTF-8 text, has no header, two columns of names or no rows.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UserError(f"{path} line {line}: not UTF-8 text", "save the file as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(reader, [])]
    name_columns = [name for name in NAME_COLUMNS if name in header]
    if not name_columns or "target" not in header:
        found = ",".join(header) or "nothing"
        raise UserError(f"{path} line 1: the header is missing (found `{found}`)", _REMEDY)
    if len(name_columns) > 1:
        raise UserError(
            f"{path} line 1: two columns of names: {' and '.join(name_columns)}",
            "keep one: `video_name` may name clips and still images alike",
        )
    doubled = {name for name in header if header.count(name) > 1}
    if doubled:
        raise UserError(
            f"{path} line 1: column named twice: {', '.join(sorted(doubled))}", "rename one of them"
        )

    rows: dict[str, LabelRow] = {}
    unusable: set[str] = set()
    problems: list[Problem] = []
    n_rows = 0
    name_column = name_columns[0]
    try:
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            n_rows += 1
            stripped = [value.strip() for value in values]
            _take(path, reader.line_num, header, name_column, stripped, rows, unusable, problems)
    except csv.Error as error:
        raise UserError(f"{path} line {reader.line_num}: not valid CSV: {error}", _REMEDY) from None
    if n_rows == 0:
        raise UserError(f"{path}: no rows after the header", _REMEDY)
    return LabelFile(rows, unusable, problems, name_column)


def _take(
    path: Path,
    line: int,
    header: list[str],
    name_column: str,
    values: list[str],
    rows: dict[str, LabelRow],
    unusable: set[str],
    problems: list[Problem],
) -> None:
    """Puts one row where it belongs: usable, or unusable with the problem named."""

    def problem(video_name: str, reason: str, remedy: str) -> None:
        problems.append(Problem(str(path), line, video_name, reason, remedy))

    row = dict(zip(header, values, strict=False))
    name = row.get(name_column, "")
    if not name or "/" in name or "\\" in name or name in (".", ".."):
        problem(name, "not the plain name of a file", "write the clip's file name without a folder")
        return
    if len(values) != len(header):
        problem(name, f"{len(values)} values under {len(header)} columns", "write one value per column")
        unusable.add(name)
        rows.pop(name, None)
        return
    if row["target"] not in ("0", "1"):
        problem(name, f"target `{row['target']}` is neither 0 nor 1", "write 1 for fake, 0 for real")
        unusable.add(name)
        rows.pop(name, None)
        return
    target = int(row["target"])
    if name in unusable:
        problem(name, "duplicate label, after an unusable one", "keep one row per clip")
        return
    if name in rows:
        first = rows[name]
        if first.target == target:
            problem(name, f"duplicate label, first on line {first.line}", "keep one row per clip")
        else:
            problem(
                name, f"duplicate label with another target, first on line {first.line}: neither is used",
                "keep the right row",
            )  # fmt: skip
            unusable.add(name)
            del rows[name]
        return
    if name_column == IMAGE_NAME and not name.lower().endswith(IMAGE_SUFFIXES):
        problem(
            name, f"no still image by its name, under the header `{IMAGE_NAME}`",
            "head the column `video_name`, which may name clips and still images alike, or correct the name",
        )  # fmt: skip
    known = (name_column, "target", "generator", "source")
    extra = {key: row[key] or None for key in header if key not in known}
    rows[name] = LabelRow(name, target, row.get("generator") or None, row.get("source") or None, extra, line)
