"""Files below one folder, named by callers. No name leads out of it."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from avfake.service.problems import ProblemError

_LONGEST = 4096


def parts_of(path: str) -> list[str]:
    """The names of a relative path.

    Raises:
        ProblemError: it is absolute, empty, or has `.`, `..`, an empty name or a character that no name has.
    """
    parts = path.split("/")
    if len(path) > _LONGEST or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ProblemError(
            "bad-request", "a path is relative to the folder of clips and has no empty name, `.` or `..`"
        )
    return parts


def open_below(folder: Path, path: str) -> int:
    """Opens the regular file at `path` below `folder` for reading: a file descriptor.

    Each name is opened in the folder before it and no link is followed, so that nothing that happens to the
    tree meanwhile leads elsewhere.

    Raises:
        ProblemError: no such file, a link on the way, or no regular file.
    """
    parts = parts_of(path)
    at = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        # O_NONBLOCK: opening a pipe would wait for its other end.
        file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except OSError:
        raise ProblemError("not-found", "there is no such file in the folder of clips") from None
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        with suppress(OSError):
            os.close(file)
        raise ProblemError("not-found", "there is no such file in the folder of clips")
    return file


def shown_name(name: str | None) -> str:
    """The last part of a file's name as its sender has it: for people to read, never to open."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:255] or "clip"
