"""Hashes of files, read once: SHA-256 for the manifest, MD5 as DVC records it."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from avfake.parallel import n_workers

_BLOCK = 1 << 20


class Hashes(NamedTuple):
    """Of one file's bytes, as hex digits."""

    sha256: str
    md5: str


def hashes_of(data: bytes) -> Hashes:
    """The hashes of bytes that need not lie in a file."""
    return Hashes(hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest())


def hash_files(paths: Iterable[Path], workers: int, label: str) -> dict[Path, Hashes]:
    """The hashes of every file; one that is not there is left out.

    Args:
        paths: files.
        workers: threads (hashlib releases the interpreter's lock); 0 means one per core.
        label: of the progress bar on standard error.
    """
    wanted = [path for path in dict.fromkeys(paths) if path.is_file()]
    with ThreadPoolExecutor(n_workers(workers)) as pool:
        found = pool.map(_hash_file, wanted)
        bar = tqdm(
            found, total=len(wanted), desc=label, file=sys.stderr, unit="file", disable=None, leave=False
        )
        return dict(zip(wanted, bar, strict=True))


def _hash_file(path: Path) -> Hashes:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            md5.update(block)
    return Hashes(sha256.hexdigest(), md5.hexdigest())


def dvc_files(folder: Path) -> dict[str, Path]:
    """The files of a folder that DVC would record, by their path in it with slashes: `.dvcignore` counts."""
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    seen = DvcIgnoreFilter(localfs, str(Path.cwd())).find(localfs, str(folder.absolute()))
    relative = [Path(name).relative_to(folder.absolute()) for name in seen]
    return {path.as_posix(): folder / path for path in relative}


def directory_md5(files: Mapping[str, str]) -> str:
    """DVC's hash of a folder: MD5 over the JSON list of its files (dvc_data.hashfile.tree.Tree.digest).

    Args:
        files: MD5 of each file by its path in the folder, with slashes.
    """
    rows = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    text = json.dumps(rows, sort_keys=True).encode("utf-8")
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"
