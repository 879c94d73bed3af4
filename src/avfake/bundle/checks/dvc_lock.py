"""The hashes that dvc.lock recorded, against the files that lie here. The rules of hashing are DVC's own.

A file's hash is the MD5 of its bytes; a folder's is the MD5 of the JSON list of its files, each an object of
`md5` and `relpath`, by path, with `.dir` behind it (dvc_data.hashfile.tree.Tree.as_bytes).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Lock = Mapping[str, Any]


def file_md5(path: Path) -> str:
    """MD5 of a file, as 32 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def listing(files: Mapping[str, str]) -> bytes:
    """What DVC writes down for a folder: its files, path inside it -> MD5."""
    items = [{"md5": md5, "relpath": name} for name, md5 in sorted(files.items())]
    return json.dumps(items, sort_keys=True).encode()


def folder_md5(content: bytes) -> str:
    """The hash of a folder from its listing, as dvc.lock has it."""
    return f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir"


def entries(lock: Lock) -> dict[str, dict[str, list[str]]]:
    """Path -> hash -> the stages that recorded it, for everything that a stage read or wrote."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, stage in (lock.get("stages") or {}).items():
        for item in [*(stage.get("deps") or []), *(stage.get("outs") or [])]:
            if "md5" in item:
                found.setdefault(item["path"], {}).setdefault(item["md5"], []).append(name)
    return found


def present(files: Mapping[str, Path], path: str) -> dict[str, Path]:
    """The files here that are the recorded path (under the empty name), or lie in it, by name in it."""
    if path in files:
        return {"": files[path]}
    return {name.removeprefix(f"{path}/"): at for name, at in files.items() if name.startswith(f"{path}/")}


def compare(
    lock: Lock, files: Mapping[str, Path], whole: set[str], part: Mapping[str, Path]
) -> Iterator[tuple[str, str]]:
    """(path, fault) for every recorded path, the fault empty where the files are as recorded.

    Args:
        lock: of dvc.lock.
        files: path in the project -> file, for all that lie here.
        whole: paths of which everything must be here.
        part: paths of which a part is here -> the listing of all of it.

    Paths that are in neither are not compared; two stages that disagree on a path are a fault all the same.
    """
    for path, hashes in entries(lock).items():
        if len(hashes) > 1:
            said = "; ".join(f"{md5} by {', '.join(stages)}" for md5, stages in hashes.items())
            yield path, f"the stages disagree: {said}"
        elif path in whole:
            yield path, _of_whole(present(files, path), next(iter(hashes)))
        elif path in part:
            yield path, _of_part(present(files, path), next(iter(hashes)), part[path])
    for path in sorted((whole | part.keys()) - entries(lock).keys()):
        yield path, "no stage recorded it"


def _of_whole(here: Mapping[str, Path], recorded: str) -> str:
    if not here:
        return "not here"
    md5s = {name: file_md5(at) for name, at in here.items()}
    found = md5s[""] if "" in md5s else folder_md5(listing(md5s))
    return "" if found == recorded else f"recorded {recorded}, the files here give {found}"


def _of_part(here: Mapping[str, Path], recorded: str, of_all: Path) -> str:
    content = of_all.read_bytes()
    if folder_md5(content) != recorded:
        return f"recorded {recorded}, its listing here gives {folder_md5(content)}"
    known = {item["relpath"]: item["md5"] for item in json.loads(content)}
    wrong = [name for name, at in sorted(here.items()) if known.get(name) != file_md5(at)]
    return f"not as its listing says: {', '.join(wrong)}" if wrong else ""


def changed_params(lock: Lock, params: Mapping[str, Any]) -> Iterator[str]:
    """A sentence per parameter of params.yaml that a stage recorded with another value."""
    for name, stage in (lock.get("stages") or {}).items():
        for key, recorded in (stage.get("params") or {}).get("params.yaml", {}).items():
            value: Any = params
            for part in [key] if key in params else key.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if value != recorded:
                yield f"{key}: {name} ran with {_difference(recorded, value)}"


def _difference(recorded: Any, value: Any) -> str:
    if isinstance(recorded, dict) and isinstance(value, dict):
        keys = sorted(key for key in recorded.keys() | value.keys() if recorded.get(key) != value.get(key))
        return "; ".join(f"{key}={recorded.get(key)!r}, here it is {value.get(key)!r}" for key in keys)
    return f"{recorded!r}, here it is {value!r}"
