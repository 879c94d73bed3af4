"""The lock files of packages: which version of each distribution the repository says."""

import importlib.metadata
import re
from collections.abc import Mapping
from pathlib import Path

LOCK_FILES = (Path("requirements.lock"), Path("requirements-run.lock"))
# Names under which modules report their version, where the distribution is called otherwise.
_DISTRIBUTIONS = {"cv2": "opencv-python"}
_LINE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.M)

# Versions by distribution, by the name of the lock file.
Locked = Mapping[str, Mapping[str, str]]


def read_locks(folder: Path = Path()) -> dict[str, dict[str, str]]:
    """The pinned versions of every lock file that is there, by its name."""
    return {
        path.name: {normalised(name): version for name, version in _LINE.findall((folder / path).read_text())}
        for path in LOCK_FILES
        if (folder / path).is_file()
    }


def distribution(library: str) -> str:
    """The distribution, as lock files write it, that a library of the manifest belongs to."""
    return normalised(_DISTRIBUTIONS.get(library, library))


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_version(name: str) -> str | None:
    """The version of a distribution that is installed here, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def same_version(said: str, locked: str) -> bool:
    """Whether a module's own version is that of a lock file, which may have a build number behind it."""
    return locked == said or locked.startswith(f"{said}.")
