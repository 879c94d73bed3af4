"""Sets aside files that DVC was killed in the middle of writing.

    python scripts/mend_lock.py dvc.lock data/dvc.lock .dvc/tmp/rwlock

DVC does not write them atomically and refuses to run with half of one. Nothing is lost with them: the next
`dvc repro` writes dvc.lock anew, and takes every stage that had finished from the run cache; rwlock says
only which processes are at work now.
"""

import json
import sys
import time
from pathlib import Path

from dvc.rwlock import RWLOCK_FILE
from dvc.rwlock import SCHEMA as RWLOCK_SCHEMA
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

_SECONDS = 0.5  # a DVC that is alive has written its file to the end by then


def is_whole(path: Path) -> bool:
    """Whether DVC would accept the file."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.name == RWLOCK_FILE:
            RWLOCK_SCHEMA(json.loads(text))
        else:
            COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, Invalid, json.JSONDecodeError, UnicodeDecodeError):
        return False
    return True


def stays_broken(path: Path) -> bool:
    """Whether the file is not whole, and nobody is about to finish it."""
    if is_whole(path):
        return False
    time.sleep(_SECONDS)
    return path.exists() and not is_whole(path)


def main(paths: list[str]) -> None:
    """Renames each file that is there and not whole to `<name>.broken`."""
    for path in map(Path, paths):
        if path.exists() and stays_broken(path):
            aside = path.with_name(f"{path.name}.broken")
            path.replace(aside)
            print(f"{path} was half written when DVC was killed: set aside as {aside}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
