"""What dvc.lock and the lists of packages say."""

import hashlib
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

DVC_LOCK = Path("dvc.lock")
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.M)


def locked_stage(name: str) -> dict[str, Any]:
    """A stage's entry of dvc.lock; empty where there is none that can be read."""
    try:
        tree = YAML(typ="safe").load(DVC_LOCK.read_text(encoding="utf-8"))
    except (OSError, YAMLError, UnicodeDecodeError):
        return {}
    stages = tree.get("stages") if isinstance(tree, dict) else None
    entry = stages.get(name) if isinstance(stages, dict) else None
    return entry if isinstance(entry, dict) else {}


def locked_params(stage: str, section: str) -> dict[str, Any]:
    """The parameters with which a stage last ran; empty where dvc.lock does not say."""
    params: Any = locked_stage(stage)
    for key in ("params", "params.yaml", section):
        params = params.get(key) if isinstance(params, dict) else None
    return params if isinstance(params, dict) else {}


def locked_md5(stage: str, path: str) -> str | None:
    """DVC's hash of an output of a stage, as dvc.lock has it."""
    for out in locked_stage(stage).get("outs", []):
        if out.get("path") == path:
            return str(out.get("md5"))
    return None


def file_md5(path: Path) -> str:
    """DVC's hash of a file: the MD5 of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def pinned(path: Path) -> dict[str, str]:
    """Version of every distribution that a lock file names, by normalised name; none if there is no file."""
    if not path.is_file():
        return {}
    return {normal(name): version for name, version in _PINNED.findall(path.read_text(encoding="utf-8"))}


def without_hash(path: Path) -> list[str]:
    """Distributions of a lock file that have no hash."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"), flags=re.M)
    entries = [block for block in blocks if _PINNED.match(block)]
    return [_PINNED.match(block)[1] for block in entries if "--hash=sha256:" not in block]  # type: ignore[index]


def normal(name: str) -> str:
    """A distribution's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
