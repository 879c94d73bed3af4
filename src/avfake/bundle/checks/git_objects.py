"""The id of a Git commit from the files alone: what is here is that commit's code, or the ids differ.

An object's id is the hash of `<kind> <size>\\0<content>`; a tree's content is, by name,
`<mode> <name>\\0<id>` per entry (Git internals, gitformat-pack and `git help hash-object`).
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

_FOLDER = "40000"


def commit_id(content: bytes, length: int) -> str:
    """The id of a commit; `length` is that of the ids in the repository, 40 (SHA-1) or 64 (SHA-256)."""
    return _object("commit", content, length).hex()


def tree_of(content: bytes) -> str:
    """The id of the tree that a commit names."""
    first = content.split(b"\n", 1)[0].decode("ascii")
    if not first.startswith("tree "):
        raise ValueError("names no tree")
    return first.removeprefix("tree ")


def tree_id(modes: Mapping[str, str], folder: Path, length: int) -> str:
    """The id of the tree of files in `folder`: path -> mode, such as 100644, as Git has it."""
    root: dict[str, object] = {}
    for path, mode in modes.items():
        *parents, name = path.split("/")
        node = root
        for parent in parents:
            node = node.setdefault(parent, {})  # type: ignore[assignment]
        node[name] = (mode, folder / path)
    return _tree(root, length).hex()


def _tree(node: Mapping[str, object], length: int) -> bytes:
    rows = []
    for name, item in node.items():
        if isinstance(item, dict):
            rows.append((f"{name}/".encode(), _FOLDER, name, _tree(item, length)))
        elif isinstance(item, tuple):
            rows.append((name.encode(), item[0], name, _object("blob", item[1].read_bytes(), length)))
    content = b"".join(f"{mode} {name}\0".encode() + found for _, mode, name, found in sorted(rows))
    return _object("tree", content, length)


def _object(kind: str, content: bytes, length: int) -> bytes:
    algorithm = {40: "sha1", 64: "sha256"}[length]
    return hashlib.new(algorithm, f"{kind} {len(content)}\0".encode() + content).digest()
