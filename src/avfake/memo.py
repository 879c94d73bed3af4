"""The memo: results of pure functions, kept under the hash of everything that they depend on.

It lives outside DVC. DVC decides whether a stage runs; the memo decides what inside the stage is new.
Deleting it, or any part of it, is always safe: what is missing or damaged is computed again.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from avfake.files import atomic_write_bytes

KeyPart = str | bytes | int | float | bool | None | Mapping[str, object]
_DIGEST = hashlib.sha256().digest_size
_STALE_SECONDS = 24 * 3600
_OWN = ("[0-9a-f][0-9a-f]", "train")  # the entries, and the checkpoints of unfinished trainings


def memo_key(*parts: KeyPart) -> str:
    """SHA-256 over the parts, each with its type and length, so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, bytes):
            data, kind = part, "bytes"
        else:
            data, kind = json.dumps(part, sort_keys=True, allow_nan=False).encode(), "json"
        digest.update(f"{kind}:{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


class Memo:
    """A content-addressed store of byte strings under `folder`, for many processes at once.

    Args:
        folder: where the entries lie; made on the first `put`.
        max_gib: the size in GiB to which `trim` cuts it.
    """

    def __init__(self, folder: str | Path, max_gib: float) -> None:
        self.folder = Path(folder)
        self.max_bytes = int(max_gib * 2**30)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def get(self, key: str) -> bytes | None:
        """The stored bytes, or None when there are none or they are damaged."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
            path.unlink(missing_ok=True)
            return None
        return data[_DIGEST:]

    def put(self, key: str, data: bytes) -> None:
        """Stores the bytes, whole or not at all."""
        atomic_write_bytes(self._path(key), hashlib.sha256(data).digest() + data)

    def touch(self, key: str) -> bool:
        """Marks an entry as used, which keeps it from being trimmed; False if there is none."""
        try:
            os.utime(self._path(key))
        except FileNotFoundError:
            return False
        return True

    def entries(self) -> list[tuple[float, int, Path]]:
        """(time of last use, bytes, path) of every entry, the least recently used first."""
        found = []
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process trimmed it
                continue
            found.append((status.st_mtime, status.st_size, path))
        return sorted(found)

    def clear(self) -> None:
        """Removes everything that avfake keeps in the folder, and nothing else that may lie there."""
        for pattern in _OWN:
            for path in self.folder.glob(pattern):
                shutil.rmtree(path)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def trim(self) -> int:
        """Removes the least recently used entries above the size limit; returns how many.

        Also removes what killed runs left behind. Call it after the outputs are written, never before:
        the outputs are packed from the entries.
        """
        entries = self.entries()
        size = sum(item[1] for item in entries)
        removed = 0
        for used, n_bytes, path in entries:
            left_behind = path.name.endswith(".tmp") and used < time.time() - _STALE_SECONDS
            if size <= self.max_bytes and not left_behind:
                continue
            path.unlink(missing_ok=True)
            size -= n_bytes
            removed += 1
        return removed
