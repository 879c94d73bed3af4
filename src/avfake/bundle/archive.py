"""The archive's bytes: they follow from the files' contents and the time of the commit, nothing else."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LEVEL = 6
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Entry:
    """A file of the bundle: its bytes, or the file that holds them."""

    content: bytes | Path
    executable: bool = False

    def open(self) -> IO[bytes]:
        """The bytes, to be read once."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


def sums(entries: Mapping[str, Entry]) -> bytes:
    """SHA256SUMS: what `sha256sum --check` reads, by name."""
    lines = []
    for name in sorted(entries):
        with entries[name].open() as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")  # type: ignore[arg-type]
    return "".join(lines).encode()


def write(file: IO[bytes], folder: str, entries: Mapping[str, Entry], seconds: int) -> None:
    """Writes a .tar.gz with all entries below `folder`, by name, every file as old as `seconds` says."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=_LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar,
    ):
        for name in sorted(entries):
            entry = entries[name]
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime = entry.size, seconds
            member.mode = 0o755 if entry.executable else 0o644
            with entry.open() as content:
                tar.addfile(member, content)
