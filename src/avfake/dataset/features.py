"""Packed windows and faces of all clips: what `featurize` writes and training reads.

train/shard-00.npy          windows of the shard's clips, uint8 [n, C, H, W]
train/shard-00.faces.npy    their face crops, uint8 RGB [m, S, S, 3]; no such file with extract.n_faces: 0
train/shard-00.times.npy    when each face is seen, float64 [m], seconds
index.parquet               a row per clip: where in those files its own are
features.json               how they were made
"""

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
        ("face_start", pa.int64()),
        ("face_count", pa.int64()),
        ("face_reason", pa.string()),
    ]
)


class FeatureSet:
    """The windows and faces of every clip, memory-mapped: nothing is read before it is asked for.

    Attributes:
        index: a row per clip: split, video_name, shard, start, count (0: no windows), reason (None, or why
            there are none), face_start, face_count (0: no faces), face_reason (as reason, of faces); by split
            (train, val, test) and name.
        info: features.json: front_end, shape, params, sample_rate, n_faces, face_size, version.
        shape: (C, H, W) of a window: front ends, bands, frames.
        face_size: S, pixels; None with extract.n_faces: 0.
        face_counts: faces of each clip, int64 [rows].
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.info: dict[str, Any] = json.loads((self.folder / "features.json").read_text(encoding="utf-8"))
        channels, height, width = self.info["shape"]
        self.shape: tuple[int, int, int] = (channels, height, width)
        self.face_size: int | None = self.info["face_size"]
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
        self.face_counts: np.ndarray = self.index["face_count"].to_numpy(np.int64)
        self._rows = self._places("start", "count")
        self._face_rows = self._places("face_start", "face_count")
        self._files: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def windows(self, row: int) -> np.ndarray:
        """The windows of the clip in the index's `row`-th row, uint8 [count, C, H, W], read-only."""
        shard, start, count = self._rows[row]
        if count == 0:
            return np.zeros((0, *self.shape), np.uint8)
        return self._file(shard)[start : start + count]

    def faces(self, row: int) -> np.ndarray:
        """The faces of the clip in the index's `row`-th row, uint8 RGB [face_count, S, S, 3], read-only."""
        shard, start, count = self._face_rows[row]
        if count == 0:
            size = self.face_size or 0
            return np.zeros((0, size, size, 3), np.uint8)
        return self._file(faces_file(shard))[start : start + count]

    def face_times(self, row: int) -> np.ndarray:
        """When each of `faces(row)` is seen, float64 [face_count], in seconds after the sound's beginning.

        A window's frame i begins at i * hop_length / sample_rate of the same clock, unless trim_db cut the
        front of the sound off. Of a clip without sound: after the picture's beginning.
        """
        shard, start, count = self._face_rows[row]
        if count == 0:
            return np.zeros(0)
        return self._file(times_file(shard))[start : start + count]

    def __getstate__(self) -> dict[str, Any]:
        # A memory map would be sent to another process as a copy of the whole shard.
        return {**self.__dict__, "_files": {}}

    def _places(self, start: str, count: str) -> list[tuple[str, int, int]]:
        index = self.index
        return list(zip(index["shard"], index[start].tolist(), index[count].tolist(), strict=True))

    def _file(self, name: str) -> np.ndarray:
        if name not in self._files:
            self._files[name] = np.load(self.folder / name, mmap_mode="r")
        return self._files[name]


def faces_file(shard: str) -> str:
    """The file that holds the faces of a shard's clips, from the name of the file of their windows."""
    return f"{shard.removesuffix('.npy')}.faces.npy"


def times_file(shard: str) -> str:
    """The file that holds the times of a shard's faces."""
    return f"{shard.removesuffix('.npy')}.times.npy"


def write_index(rows: list[dict[str, Any]], folder: str | Path) -> None:
    """Writes `index.parquet`; the rows are in their final order."""
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in INDEX_SCHEMA]
    write_parquet(pa.table(columns, schema=INDEX_SCHEMA), Path(folder) / "index.parquet")
