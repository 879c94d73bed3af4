"""Which files are opened while something runs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

# Files that may hold weights, whoever wrote them; one that lies inside a package too.
WEIGHT_SUFFIXES = frozenset(
    (
        ".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".onnx", ".h5", ".hdf5", ".keras", ".tflite", ".pb",
        ".npz", ".pkl", ".pickle", ".joblib", ".gguf", ".mar", ".engine", ".caffemodel",
    )
)  # fmt: skip

_watching: list[list[Path]] = []
_hooked: list[bool] = []


@contextmanager
def opened_files() -> Iterator[list[Path]]:
    """Collects the paths of the files that are opened inside the block, in order, a path once per opening.

    Python reports what it opens itself (audit event `open`, PEP 578); the library safetensors opens files
    without it, and is asked by name. What another library opens in its own machine code is not seen.
    """
    import safetensors
    import safetensors.torch

    if not _hooked:
        sys.addaudithook(_hook)  # for good: Python has no way to take one off
        _hooked.append(True)
    seen: list[Path] = []

    def safe_open(filename: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(Path(filename))
        return original(filename, *args, **kwargs)

    original = safetensors.safe_open
    _watching.append(seen)
    try:
        with (
            mock.patch.object(safetensors, "safe_open", safe_open),
            mock.patch.object(safetensors.torch, "safe_open", safe_open),
        ):
            yield seen
    finally:
        _watching.remove(seen)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watching and isinstance(arguments[0], str | bytes | os.PathLike):
        path = Path(os.fsdecode(arguments[0]))
        for seen in _watching:
            seen.append(path)
