"""What is committed: a commit's files with their bytes as Git keeps them, and what the workspace changed."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from avfake.errors import UserError
from avfake.gate.git import Repository

PLAIN, EXECUTABLE = "100644", "100755"
_KINDS = {"120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True)
class Commit:
    """A commit and the files of its tree.

    Attributes:
        name: 40 or 64 hex digits.
        content: the commit object as Git keeps it; its hash is `name`.
        seconds: when it was committed, since 1970.
        modes: path -> `PLAIN` or `EXECUTABLE`, sorted by path.
        files: path -> bytes.
    """

    name: str
    content: bytes
    seconds: int
    modes: dict[str, str]
    files: dict[str, bytes]

    @property
    def short(self) -> str:
        """The name as people say it."""
        return self.name[:12]

    @property
    def time(self) -> str:
        """When it was committed, in UTC."""
        return datetime.fromtimestamp(self.seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")

    def text(self, path: str) -> str:
        """A committed text file, empty where there is none."""
        return self.files.get(path, b"").decode("utf-8-sig", errors="replace")


def read_commit(repository: Repository, revision: str = "HEAD") -> Commit:
    """The commit with all its files, filters and line ends of the checkout left aside.

    Raises:
        UserError: no such revision, or the tree holds something other than plain files.
    """
    name = repository.resolve(revision)
    content = _git(repository.root, "cat-file", "commit", name)
    modes, objects = {}, {}
    for row in _git(repository.root, "ls-tree", "-r", "-z", "--full-tree", name).split(b"\0")[:-1]:
        about, raw = row.split(b"\t", 1)
        mode, _, found = about.decode().split(" ")
        path = _checked(raw, mode)
        modes[path], objects[path] = mode, found
    order = sorted(modes)
    blobs = _blobs(repository.root, [objects[path] for path in order])
    seconds = int(_git(repository.root, "show", "-s", "--format=%ct", name))
    return Commit(
        name, content, seconds, {path: modes[path] for path in order}, dict(zip(order, blobs, strict=True))
    )


def changed_files(repository: Repository) -> list[str]:
    """Files that Git knows and that differ from the commit, sorted; both names of one that was moved."""
    status = _git(repository.root, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames")
    rows = status.decode("utf-8", errors="backslashreplace").split("\0")[:-1]
    return sorted({row[3:] for row in rows})


def _checked(raw: bytes, mode: str) -> str:
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{raw!r}: the name is not UTF-8", "rename the file and commit") from None
    if mode not in (PLAIN, EXECUTABLE):
        raise UserError(
            f"{path}: {_KINDS.get(mode, f'of mode {mode}')}: a bundle holds plain files",
            "put the file itself in its place and commit",
        )
    if "\n" in path or "\\" in path:
        raise UserError(f"{path!r}: a name that SHA256SUMS cannot hold", "rename the file and commit")
    return path


def _blobs(root: Path, objects: list[str]) -> list[bytes]:
    out = _git(root, "cat-file", "--batch", given="".join(f"{name}\n" for name in objects).encode())
    found, at = [], 0
    for _ in objects:
        end = out.index(b"\n", at)
        size = int(out[at:end].split(b" ")[2])
        found.append(out[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


def _git(root: Path, *arguments: str, given: bytes | None = None) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, input=given, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise UserError(f"`git {' '.join(arguments)}`: {said}", "look at what Git says")
    return done.stdout
