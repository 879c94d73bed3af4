"""Checkpoints of a training under way, outside DVC's outputs (DVC removes those before a run).

One file per training, named by the fingerprint of everything that it depends on; written whole after
every epoch and removed when the training is done.
"""

import contextlib
import hashlib
import io
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from avfake.files import atomic_write_bytes

KEPT_OTHERS = 2
_NAME = "checkpoint.pt"
_DIGEST = hashlib.sha256().digest_size


class Checkpoint:
    """The checkpoint of the training with this fingerprint, under `<folder>/train/`."""

    def __init__(self, folder: str | Path, fingerprint: str) -> None:
        self.root = Path(folder) / "train"
        self.name = fingerprint
        self.folder = self.root / fingerprint
        self.path = self.folder / _NAME

    def part(self, name: str) -> "Checkpoint":
        """The checkpoint of a training that this one consists of; it goes when this one goes."""
        part = Checkpoint(self.root.parent, self.folder.name)
        part.path = self.folder / f"{name}.pt"
        return part

    def load(self) -> dict[str, Any] | None:
        """What `save` wrote last; None if there is nothing, or (with a warning) if it is damaged."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
            print(f"warning: {self.path} is damaged: training starts afresh", file=sys.stderr)
            return None
        state: dict[str, Any] = torch.load(io.BytesIO(data[_DIGEST:]), weights_only=True, map_location="cpu")
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Writes tensors and plain values, whole or not at all, in place of the one before."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        data = buffer.getvalue()
        atomic_write_bytes(self.path, hashlib.sha256(data).digest() + data)

    def remove(self) -> None:
        """Removes this training's checkpoint."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # the folder of another training stands in it
            self.root.rmdir()

    def remove_stale(self) -> None:
        """Removes the checkpoints of other trainings, except for the newest `KEPT_OTHERS`."""
        others = [path for path in self.root.glob("*") if path.is_dir() and path != self.folder]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[KEPT_OTHERS:]:
            shutil.rmtree(path, ignore_errors=True)
