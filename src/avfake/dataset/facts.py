"""What is known about every clip's file: for the audit, the subgroups and the gate, never for the model."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from avfake.dataset.layout import split_order
from avfake.files import read_parquet, write_parquet

FILE = "facts.parquet"
SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("video_name", pa.string()),
        ("clip_sha256", pa.string()),
        ("error", pa.string()),
        ("audio_error", pa.string()),
        ("sound_seconds", pa.float64()),
        ("left_right_db", pa.float64()),
        ("container", pa.string()),
        ("encoder", pa.string()),
        ("file_bytes", pa.float64()),
        ("bit_rate", pa.float64()),
        ("seconds", pa.float64()),
        ("audio_codec", pa.string()),
        ("audio_rate", pa.float64()),
        ("audio_channels", pa.float64()),
        ("audio_bit_rate", pa.float64()),
        ("audio_seconds", pa.float64()),
        ("video_codec", pa.string()),
        ("video_width", pa.float64()),
        ("video_height", pa.float64()),
        ("video_fps", pa.float64()),
        ("video_bit_rate", pa.float64()),
        ("video_seconds", pa.float64()),
        ("audio_minus_video_seconds", pa.float64()),
    ]
)


def facts_row(split: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a clip, from its row of `avfake.dataset.shards.SHARD_SCHEMA`."""
    # Two bytes per sample.
    seconds = None if row["audio_error"] is not None else len(row["pcm"]) / 2 / row["sample_rate"]
    own = {key: row[key] for key in ("video_name", "clip_sha256", "error", "audio_error")}
    return {"split": split, **own, "sound_seconds": seconds, **json.loads(row["facts"])}


def write_facts(rows: Iterable[Mapping[str, Any]], folder: str | Path) -> None:
    """Writes `facts.parquet`: a row per clip, by split (train, val, test) and name."""
    ordered = sorted(rows, key=lambda row: (split_order(row["split"]), row["video_name"]))
    columns = [pa.array([row.get(field.name) for row in ordered], field.type) for field in SCHEMA]
    write_parquet(pa.table(columns, schema=SCHEMA), Path(folder) / FILE)


def read_facts(folder: str | Path) -> pd.DataFrame:
    """The table that `write_facts` wrote: text or None, float64 with NaN where a file does not say.

    Columns: split (whose folder holds the clip), video_name, clip_sha256, error (None: it opened),
    audio_error (None: it has sound), sound_seconds (of the sound as read), left_right_db (see
    `avfake.media.audio.Sound`), and the keys of `avfake.media.probe.probe`.
    """
    table = read_parquet(Path(folder) / FILE)
    return pd.DataFrame(
        {
            field.name: pd.Series(
                table.column(field.name).to_pylist(),
                dtype=object if pa.types.is_string(field.type) else "float64",
            )
            for field in SCHEMA
        }
    )
