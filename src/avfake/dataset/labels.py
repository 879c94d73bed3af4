"""The labels as later stages see them: one table of all clips, one list of all problems."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from avfake.dataset.layout import VIDEO_NAME, Clip, Problem
from avfake.files import atomic_write_text, read_parquet, write_parquet

# Splits that only the stage `resplit` makes: clips taken out of train, to be scored or to be left alone.
HELD_OUT, UNUSED = "held_out", "unused"
# The column that `resplit` adds: the split whose folder holds the clip.
HOME = "home"
# Key in the file's own metadata: how the label files head the names, where that is not `video_name`.
_NAME_COLUMN = b"name_column"


def write_labels(clips: Sequence[Clip], folder: str | Path, name_column: str = VIDEO_NAME) -> None:
    """Writes `clips.parquet`: a row per clip that exists or is labelled, by split and name.

    Columns: split, video_name, target (int8, null where unknown), generator, source (null where unknown),
    then every further column of the label files as text. `name_column`: how those head the names, which
    `read_name_column` gives back.
    """
    extra = sorted({key for clip in clips for key in clip.extra})
    columns = {
        "split": pa.array([clip.split for clip in clips], pa.string()),
        "video_name": pa.array([clip.video_name for clip in clips], pa.string()),
        "target": pa.array([clip.target for clip in clips], pa.int8()),
        "generator": pa.array([clip.generator for clip in clips], pa.string()),
        "source": pa.array([clip.source for clip in clips], pa.string()),
    }
    columns |= {key: pa.array([clip.extra.get(key) for clip in clips], pa.string()) for key in extra}
    _write(columns, folder, name_column)


def write_table(labels: pd.DataFrame, folder: str | Path, name_column: str = VIDEO_NAME) -> None:
    """Writes a table as `read_labels` gives it to `clips.parquet`: `target` as int8, the rest as text."""
    columns = {}
    for name in labels.columns:
        values = [None if pd.isna(value) else value for value in labels[name]]
        columns[name] = pa.array(values, pa.int8() if name == "target" else pa.string())
    _write(columns, folder, name_column)


def read_name_column(folder: str | Path) -> str:
    """How the label files head the names, and prediction files shall: `video_name` or `img_name`."""
    metadata = pq.read_schema(Path(folder) / "clips.parquet").metadata or {}
    return str(metadata.get(_NAME_COLUMN, VIDEO_NAME.encode()).decode())


def _write(columns: dict[str, pa.Array], folder: str | Path, name_column: str) -> None:
    metadata = None if name_column == VIDEO_NAME else {_NAME_COLUMN: name_column.encode()}
    write_parquet(pa.table(columns, metadata=metadata), Path(folder) / "clips.parquet")


def read_labels(folder: str | Path) -> pd.DataFrame:
    """What `write_labels` or `write_table` wrote; `target` is a nullable integer, missing text is None."""
    table = read_parquet(Path(folder) / "clips.parquet")
    frame = pd.DataFrame({name: table.column(name).to_pylist() for name in table.column_names}, dtype=object)
    frame["target"] = frame["target"].astype("Int8")
    return frame


def homes(labels: pd.DataFrame) -> "pd.Series[str]":
    """The split whose folder holds each clip: with the name, its key in features and shards."""
    return labels[HOME] if HOME in labels else labels["split"]


def write_problems(problems: Iterable[Problem], folder: str | Path) -> None:
    """Writes `problems.csv`: file, line, video_name, reason, remedy; the header alone when all is well."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "line", "video_name", "reason", "remedy"])
    for item in problems:
        writer.writerow(
            [item.file, "" if item.line is None else item.line, item.video_name, item.reason, item.remedy]
        )
    atomic_write_text(Path(folder) / "problems.csv", text.getvalue())
