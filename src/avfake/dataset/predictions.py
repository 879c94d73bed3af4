"""The files of scores: `video_name,score` (official) or `video_name,y_pred` (the baseline's template).

Of still images `img_name` may stand in place of `video_name`.

Written: UTF-8, LF, six decimals, no byte-order mark. Read: with or without a byte-order mark, LF or CRLF.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from avfake.dataset.layout import NAME_COLUMNS, VIDEO_NAME
from avfake.errors import UserError
from avfake.files import atomic_write_text

NAME = VIDEO_NAME
SCORE_COLUMNS = ("score", "y_pred")
# Split -> file. The last one is there only where the labels have that split.
FILES = {"val": "prediction.csv", "test": "prediction_test.csv", "held_out": "prediction_held_out.csv"}
UNSCORED = "unscored.csv"
_EXAMPLE = (
    "begin the file with the line `video_name,score` or `video_name,y_pred` (`img_name` for still images)"
)


@dataclass(frozen=True)
class Template:
    """A submission template: which names, in which order, under which header."""

    path: Path
    names: tuple[str, ...]
    score_column: str
    name_column: str


@dataclass(frozen=True)
class Unscored:
    """A clip that got the training prior in place of a score of its own, and why."""

    split: str
    video_name: str
    reason: str


def read_template(path: str | Path) -> Template:
    """Reads the names and the header of a template; what stands in its score column is not looked at.

    Raises:
        UserError: no such file, not UTF-8, another header, an empty or doubled name, no row.
    """
    path = Path(path)
    (name_column, score_column), rows = _read_rows(path)
    lines: dict[str, int] = {}
    for line, row in rows:
        if len(row) > 2:
            raise UserError(
                f"{path} line {line}: {len(row)} fields, expected two", "quote a name that holds a comma"
            )
        name = row[0]
        if not name:
            raise UserError(f"{path} line {line}: no {name_column}", "name a clip, or remove the line")
        if name in lines:
            raise UserError(
                f"{path} line {line}: `{name}` stands in line {lines[name]} already", "remove one of them"
            )
        lines[name] = line
    if not lines:
        raise UserError(f"{path}: no clip is named below the header", "add a row per clip")
    return Template(path, tuple(lines), score_column, name_column)


def read_predictions(path: str | Path) -> pd.DataFrame:
    """A file of scores as a table: video_name (str), score (float64, in [0, 1]), in the file's order.

    The first column is `video_name` in the table also where the file says `img_name`.

    Raises:
        UserError: no such file, not UTF-8, another header, a doubled name, a score outside [0, 1].
    """
    path = Path(path)
    _, rows = _read_rows(path)
    scores: dict[str, float] = {}
    for line, row in rows:
        if len(row) != 2 or not row[0]:
            raise UserError(
                f"{path} line {line}: expected a name and a score", "write the file anew: `dvc repro predict`"
            )
        try:
            score = float(row[1])
        except ValueError:
            score = math.nan
        if not 0 <= score <= 1:
            raise UserError(
                f"{path} line {line}: `{row[1]}` is no score", "give the probability of fake, from 0 to 1"
            )
        if row[0] in scores:
            raise UserError(f"{path} line {line}: `{row[0]}` stands twice", "keep one row per clip")
        scores[row[0]] = score
    return pd.DataFrame(
        {NAME: pd.Series(list(scores), dtype=object), "score": pd.Series(scores.values(), dtype=float)}
    )


def read_split(folder: str | Path, split: str) -> pd.DataFrame | None:
    """The scores of a split, or None where no file was written for it. Raises as `read_predictions` does."""
    path = Path(folder) / FILES[split]
    return read_predictions(path) if path.exists() else None


def write_predictions(
    path: str | Path,
    rows: Iterable[tuple[str, float]],
    score_column: str = "score",
    name_column: str = NAME,
) -> None:
    """Writes (name, score) rows in the order given, under the header `<name_column>,<score_column>`."""
    _write(path, (name_column, score_column), ((name, format_score(score)) for name, score in rows))


def format_score(score: float) -> str:
    """A score as every file and every command prints it: six decimals."""
    return f"{score:.6f}"


def read_unscored(path: str | Path) -> list[Unscored]:
    """Reads what `write_unscored` wrote."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [Unscored(row["split"], row[NAME], row["reason"]) for row in csv.DictReader(file)]


def write_unscored(path: str | Path, items: Iterable[Unscored]) -> None:
    """Writes `split,video_name,reason`; the header alone when every clip was scored."""
    _write(path, ("split", NAME, "reason"), ((item.split, item.video_name, item.reason) for item in items))


def _read_rows(path: Path) -> tuple[tuple[str, str], list[tuple[int, list[str]]]]:
    """The names of both columns, and (line, fields) of every row that is not blank."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file", "correct the path") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder, not a file", "name the CSV file in it") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path} line {line}: not UTF-8 text", "save the file as UTF-8") from None
    # io.StringIO(newline="") hands both kinds of line ends to csv, which understands them
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [field.strip() for field in next(reader, [])]
    if len(header) != 2 or header[0] not in NAME_COLUMNS or header[1] not in SCORE_COLUMNS:
        shown = ",".join(header) or "(nothing)"
        raise UserError(f"{path} line 1: the header is `{shown}`", _EXAMPLE)
    return (header[0], header[1]), [(reader.line_num, row) for row in reader if row]


def _write(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    atomic_write_text(path, text.getvalue())
