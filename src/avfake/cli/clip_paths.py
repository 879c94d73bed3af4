"""What clips the arguments of a command stand for: files, folders, patterns, a list on standard input."""

import glob
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from avfake.errors import UserError

STANDARD_INPUT = "-"


class NamedClip(NamedTuple):
    """A clip's path, and its `video_name`: the file's, or its path inside a folder that was searched."""

    path: Path
    name: str


def clips_of(arguments: list[str], recursive: bool = False, nul: bool = False) -> list[NamedClip]:
    """The clips that the arguments stand for, in their order.

    Args:
        arguments: of a file; of a folder, which stands for the media files directly in it, by name; a pattern
            of `glob` that no file is called; `-` for a list on standard input, a path per line.
        recursive: folders stand for the media files at any depth. Links to folders are not followed.
        nul: paths on standard input end with a NUL byte in place of a line feed.

    Raises:
        UserError: an argument stands for nothing, or standard input is asked for twice.
    """
    if arguments.count(STANDARD_INPUT) > 1:
        raise UserError("`-` is given twice", "standard input can be read once")
    if nul and STANDARD_INPUT not in arguments:
        raise UserError("--null is about the list on standard input", "add `-`")
    found: list[NamedClip] = []
    for argument in arguments:
        found += _listed(nul) if argument == STANDARD_INPUT else _meant(argument, recursive)
    return found


def _listed(nul: bool) -> Iterator[NamedClip]:
    """The clips on standard input. Whether each is there, reading it will tell."""
    for line in sys.stdin.buffer.read().split(b"\0" if nul else b"\n"):
        name = line if nul else line.removesuffix(b"\r")
        if name:
            path = Path(os.fsdecode(name))
            yield NamedClip(path, path.name)


def _meant(argument: str, recursive: bool) -> Iterator[NamedClip]:
    path = Path(argument)
    if os.path.lexists(argument):
        yield from _inside(path, recursive) if path.is_dir() else [NamedClip(path, path.name)]
        return
    if not glob.has_magic(argument):
        raise UserError(f"{argument}: no such file or folder", "correct the path")
    matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - Path.glob takes no `..` and no root
    if not matches:
        raise UserError(f"{argument}: no file matches", "correct the pattern")
    for match in matches:
        yield from _meant(match, recursive)


def _inside(folder: Path, recursive: bool) -> list[NamedClip]:
    from avfake.dataset.root import MEDIA_SUFFIXES

    files = folder.rglob("*") if recursive else folder.iterdir()
    found = sorted(path for path in files if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file())
    if not found:
        where = "in this folder" if recursive else "directly in this folder"
        raise UserError(
            f"{folder}: no media file {where}",
            "name the folder that holds the clips" + ("" if recursive else ", or add --recursive"),
        )
    return [NamedClip(path, path.relative_to(folder).as_posix()) for path in found]
