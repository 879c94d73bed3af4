"""Placing the clips of a set in a data root: as hard links, as symbolic links, or as copies."""

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from avfake.errors import RunError, UserError

Link = Literal["hard", "symbolic", "copy"]
PARTIAL = ".part"
# Where hard links do not exist, do not reach, are forbidden, or are used up.
_NO_HARD_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)


def place(
    src: Path, folder: Path, clips: Iterable[tuple[str, str]], link: Link | None, done: Callable[[], object]
) -> Counter[str]:
    """Puts clips into a folder; those already there as they should be are left alone.

    Args:
        src: folder of the set, absolute; nothing in it is changed.
        folder: of the data root; made if missing.
        clips: path below `src` and name of each.
        link: how; None: hard links, and symbolic ones where the file system has no hard link for a clip.
        done: called after each clip.

    Returns:
        How many were placed each way; `there` counts those that were in place.

    Raises:
        UserError: hard links were asked for and cannot be had.
        RunError: a clip cannot be placed: no space, no permission, gone since it was looked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = {entry.name for entry in os.scandir(folder)}
    for name in [name for name in there if name.endswith(PARTIAL)]:
        (folder / name).unlink()
    counts: Counter[str] = Counter()
    for path, name in clips:
        origin, target = f"{src}/{path}", f"{folder}/{name}"
        if name in there:
            if _is(origin, target, link):
                counts["there"] += 1
                done()
                continue
            os.unlink(target)  # noqa: PTH108
        try:
            counts[_put(origin, target, link)] += 1
        except OSError as error:
            raise RunError(
                f"{origin}: cannot be placed as {target}: {error.strerror}", "mend that, and run it again"
            ) from None
        done()
    return counts


def _put(origin: str, target: str, link: Link | None) -> str:
    if link == "copy":
        shutil.copyfile(origin, target + PARTIAL)
        os.replace(target + PARTIAL, target)  # noqa: PTH105
        return "copy"
    if link != "symbolic":
        try:
            # A link to a link would end with it: the file itself is meant.
            os.link(os.path.realpath(origin) if os.path.islink(origin) else origin, target)  # noqa: PTH114
            return "hard"
        except OSError as error:
            if error.errno not in _NO_HARD_LINK:
                raise
            if link == "hard":
                raise UserError(
                    f"{origin}: no hard link can be made to it there: {error.strerror}",
                    "use --link symbolic or --link copy, or --out on the same file system",
                ) from None
    os.symlink(origin, target)  # noqa: PTH211
    return "symbolic"


def _is(origin: str, target: str, link: Link | None) -> bool:
    """Whether a clip that is there is the one that is meant."""
    if link == "copy":
        return not os.path.islink(target) and os.path.getsize(target) == os.path.getsize(origin)  # noqa: PTH114, PTH202
    try:
        return os.path.samefile(origin, target)  # noqa: PTH121
    except FileNotFoundError:
        return False
