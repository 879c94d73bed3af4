"""Files that are either whole or not there, and the same bytes for the same content."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq


@contextmanager
def atomic_file(path: str | Path) -> Iterator[IO[bytes]]:
    """Opens a temporary file beside `path` that takes its place at the end, or vanishes on an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    whole = False
    try:
        with os.fdopen(handle, "wb") as file:
            yield cast(IO[bytes], file)
        # mkstemp makes private files; outputs are as readable as any other file of the project.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # noqa: PTH101
        os.replace(name, path)  # noqa: PTH105
        whole = True
    finally:
        if not whole:
            Path(name).unlink(missing_ok=True)


def atomic_write_bytes(path: str | Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)


def atomic_write_text(path: str | Path, text: str) -> None:
    """Writes `text` as UTF-8 with the line ends as given, whole or not at all."""
    atomic_write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Writes JSON for people and machines. Raises ValueError on NaN or infinity."""
    atomic_write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_parquet(table: pa.Table, path: str | Path) -> None:
    """Writes a Parquet file whose bytes follow from the table alone."""
    with atomic_file(path) as file:
        pq.write_table(table, file, compression="zstd", store_schema=True)


def read_parquet(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Reads a Parquet file, or some of its columns."""
    return pq.ParquetFile(path).read(columns=columns)
