"""Packed windows of all clips: what `featurize` writes and training reads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from avfake.files import read_parquet, write_parquet

INDEX_SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("video_name", pa.string()),
        ("shard", pa.string()),
        ("start", pa.int64()),
        ("count", pa.int64()),
        ("reason", pa.string()),
    ]
)


class FeatureSet:
    """The windows of every clip, memory-mapped: nothing is read before it is asked for.

    Attributes:
        index: a row per clip: split, video_name, shard, start, count (0: no windows), reason (None, or why
            there are none); by split (train, val, test) and name.
        info: features.json: front_end, shape, params, sample_rate, version.
        shape: (C, H, W) of a window: front ends, bands, frames.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.info: dict[str, Any] = json.loads((self.folder / "features.json").read_text(encoding="utf-8"))
        channels, height, width = self.info["shape"]
        self.shape: tuple[int, int, int] = (channels, height, width)
        table = read_parquet(self.folder / "index.parquet")
        self.index = pd.DataFrame(
            {
                field.name: pd.Series(
                    table.column(field.name).to_pylist(),
                    dtype="int64" if pa.types.is_integer(field.type) else object,
                )
                for field in INDEX_SCHEMA
            }
        )
        self._rows = list(
            zip(self.index["shard"], self.index["start"].tolist(), self.index["count"].tolist(), strict=True)
        )
        self._shards: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def windows(self, row: int) -> np.ndarray:
        """The windows of the clip in the index's `row`-th row, uint8 [count, C, H, W], read-only."""
        shard, start, count = self._rows[row]
        if count == 0:
            return np.zeros((0, *self.shape), np.uint8)
        if shard not in self._shards:
            self._shards[shard] = np.load(self.folder / shard, mmap_mode="r")
        return self._shards[shard][start : start + count]

    def __getstate__(self) -> dict[str, Any]:
        # A memory map would be sent to another process as a copy of the whole shard.
        return {**self.__dict__, "_shards": {}}


def write_index(rows: list[dict[str, Any]], folder: str | Path) -> None:
    """Writes `index.parquet`; the rows are in their final order."""
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in INDEX_SCHEMA]
    write_parquet(pa.table(columns, schema=INDEX_SCHEMA), Path(folder) / "index.parquet")
