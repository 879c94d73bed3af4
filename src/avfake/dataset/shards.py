"""Packed shards of extracted clips: a clip's shard follows from its name, so that a new clip rewrites one."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from avfake.dataset.layout import SPLITS
from avfake.files import read_parquet, write_parquet

# What is kept of a clip. Sound and faces are large_binary: a shard may hold more than 2 GiB of them.
ROW_SCHEMA = pa.schema(
    [
        ("error", pa.string()),
        ("audio_error", pa.string()),
        ("video_error", pa.string()),
        ("sample_rate", pa.int32()),
        ("pcm", pa.large_binary()),
        ("pcm_shift", pa.int32()),
        ("n_faces", pa.int32()),
        ("faces", pa.large_binary()),
        ("face_times", pa.list_(pa.float64())),
        ("facts", pa.string()),
    ]
)
SHARD_SCHEMA = pa.schema([("video_name", pa.string()), ("clip_sha256", pa.string()), *ROW_SCHEMA])


def bucket_of(video_name: str, buckets: int) -> int:
    """The shard's number, 0 to buckets - 1, from the SHA-256 of the clip's name."""
    return int(hashlib.sha256(video_name.encode()).hexdigest()[:8], 16) % buckets


def shard_name(bucket: int) -> str:
    """The shard's file name without its suffix, such as `shard-03`."""
    return f"shard-{bucket:02d}"


def pack_row(row: Mapping[str, Any]) -> bytes:
    """One row of ROW_SCHEMA as Arrow IPC bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ROW_SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist([dict(row)], ROW_SCHEMA))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def unpack_row(data: bytes) -> dict[str, Any]:
    """The row that `pack_row` packed."""
    row: dict[str, Any] = pa.ipc.open_stream(data).read_all().to_pylist()[0]
    return row


def write_shard(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Writes rows of SHARD_SCHEMA, sorted by name, as one Parquet file."""
    ordered = sorted(rows, key=lambda row: row["video_name"])
    columns = [pa.array([row[field.name] for row in ordered], field.type) for field in SHARD_SCHEMA]
    write_parquet(pa.table(columns, schema=SHARD_SCHEMA), path)


def read_shard(path: str | Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yields the rows of a shard, or some columns of them, by name."""
    table = read_parquet(path, columns)
    for index in range(table.num_rows):
        yield {name: table.column(name)[index].as_py() for name in table.column_names}


def list_shards(folder: str | Path) -> list[tuple[str, Path]]:
    """(split, path) of every shard, in the order of splits and buckets."""
    found = []
    for split in SPLITS:
        paths = (Path(folder) / split).glob("shard-*.parquet")
        found += [(split, path) for path in sorted(paths, key=lambda path: int(path.stem[6:]))]
    return found


def n_rows(path: str | Path) -> int:
    """The number of clips in a shard, from the file's footer."""
    count: int = pq.read_metadata(path).num_rows
    return count
