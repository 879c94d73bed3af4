"""The manifest of derived clips: where every extra training sample came from, and with which tool."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from avfake.dataset.layout import Clip
from avfake.files import read_parquet, write_parquet

MANIFEST = "manifest.parquet"
FOLDER = "trainset"
SKIPPED = "skipped.csv"
SKIPPED_HEADER = ("recipe", "copy", "source_name", "partner_name", "reason")
# Columns that a derived clip has in the table of labels: the clip it was made from, the second one, the tool.
DERIVED_FROM, DERIVED_WITH, DERIVED_BY = "derived_from", "derived_with", "derived_by"
DERIVED_COLUMNS = (DERIVED_FROM, DERIVED_WITH, DERIVED_BY)

MANIFEST_SCHEMA = pa.schema(
    [
        ("derived_name", pa.string()),  # file name under trainset/
        ("derived_sha256", pa.string()),
        ("recipe", pa.string()),
        ("copy", pa.int32()),  # 0, 1, ... of the same recipe and source clip
        ("source_name", pa.string()),  # the clip of the training split that it was made from
        ("source_sha256", pa.string()),
        ("partner_name", pa.string()),  # the second clip, null for tools that take one
        ("partner_sha256", pa.string()),
        ("tool", pa.string()),
        ("tool_version", pa.int32()),
        ("libraries", pa.string()),  # JSON object: what the bytes depend on -> version, keys sorted
        ("params", pa.string()),  # JSON object of the tool's parameters, keys sorted
        ("seed", pa.int64()),  # of the generator that the tool was given
        ("label_before", pa.int8()),
        ("label_after", pa.int8()),
        ("generator", pa.string()),  # the tool for a forgery, else that of the source clip
        ("source", pa.string()),  # speaker, identity or origin, inherited
    ]
)


def write_manifest(rows: Sequence[Mapping[str, Any]], folder: str | Path) -> None:
    """Writes `manifest.parquet`, by derived name."""
    ordered = sorted(rows, key=lambda row: row["derived_name"])
    columns = [pa.array([row[field.name] for row in ordered], field.type) for field in MANIFEST_SCHEMA]
    write_parquet(pa.table(columns, schema=MANIFEST_SCHEMA), Path(folder) / MANIFEST)


def read_manifest(folder: str | Path) -> list[dict[str, Any]]:
    """The rows of `manifest.parquet` in the file's order, as they stand: nothing is checked but the schema.

    Raises:
        ValueError: the columns are others than `MANIFEST_SCHEMA`'s.
        FileNotFoundError: there is none.
    """
    table = read_parquet(Path(folder) / MANIFEST)
    if not table.schema.equals(MANIFEST_SCHEMA):
        raise ValueError(f"{Path(folder) / MANIFEST}: other columns than those of a manifest")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def derived_clips(folder: str | Path) -> list[Clip]:
    """The derived clips as clips of the training split, by name."""
    return [
        Clip(
            video_name=row["derived_name"],
            path=Path(folder) / FOLDER / row["derived_name"],
            split="train",
            target=row["label_after"],
            generator=row["generator"],
            source=row["source"],
            extra={
                DERIVED_FROM: row["source_name"],
                DERIVED_WITH: row["partner_name"],
                DERIVED_BY: row["tool"],
            },
        )
        for row in sorted(read_manifest(folder), key=lambda row: row["derived_name"])
    ]


def is_derived(labels: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows of a table of labels are derived clips, bool [n]."""
    if DERIVED_FROM not in labels:
        return np.zeros(len(labels), dtype=bool)
    return labels[DERIVED_FROM].notna().to_numpy(dtype=bool)


def parents(labels: pd.DataFrame) -> list[set[str]]:
    """The names of the clips that each row was derived from, empty for a clip of the label files [n]."""
    columns = [labels[name] for name in (DERIVED_FROM, DERIVED_WITH) if name in labels]
    rows = zip(*columns, strict=True) if columns else ((),) * len(labels)
    return [{name for name in row if name is not None and not pd.isna(name)} for row in rows]
