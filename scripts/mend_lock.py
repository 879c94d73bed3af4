"""Sets aside a dvc.lock that DVC was killed in the middle of writing.

    python scripts/mend_lock.py dvc.lock data/dvc.lock

DVC does not write it atomically and refuses to run with half of one. Nothing is lost with it: the next
`dvc repro` writes it anew, and takes every stage that had finished from the run cache.
"""

import sys
from pathlib import Path

from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid


def is_whole(path: Path) -> bool:
    """Whether DVC would accept the file."""
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    except (YAMLError, Invalid, UnicodeDecodeError):
        return False
    return True


def main(paths: list[str]) -> None:
    """Renames each file that is there and not whole to `<name>.broken`."""
    for path in map(Path, paths):
        if path.exists() and not is_whole(path):
            aside = path.with_name(f"{path.name}.broken")
            path.replace(aside)
            print(f"{path} was half written when DVC was killed: set aside as {aside}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
