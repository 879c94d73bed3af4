"""The files of data/augmented against the rows of the manifest, and their bytes against its hashes."""

from collections.abc import Iterator
from pathlib import Path

from avfake.dataset.augmented import FOLDER, MANIFEST, SKIPPED
from avfake.provenance.seen import AUGMENTED, Row, Seen
from avfake.provenance.verdict import Check, Finding, judged

FILES = ("files", "data/augmented holds the clips of the manifest, byte for byte, and no other file")
_OWN = (AUGMENTED / MANIFEST, AUGMENTED / SKIPPED)


def check_files(seen: Seen, rows: list[Row]) -> Check:
    """No file was added, none is gone, none was changed."""
    paths = [path for path in sorted(AUGMENTED.rglob("*")) if path.is_symlink() or not path.is_dir()]
    return judged(*FILES, f"{len(paths)} files", _other_files(seen, rows, paths))


def _other_files(seen: Seen, rows: list[Row], paths: list[Path]) -> Iterator[Finding]:
    named = {AUGMENTED / FOLDER / str(row["derived_name"]) for row in rows}
    for path in paths:
        if path not in named and path not in _OWN:
            yield Finding(path.name, f"added: {path} is in no row of {MANIFEST}")
        elif path.is_symlink():
            # What it points to can change without a trace here.
            yield Finding(path.name, f"{path} is a symbolic link, the stage writes files")
    for path in _OWN:
        if path not in paths:
            yield Finding(path.name, f"gone: no file {path}")
    for row in rows:
        name, said = str(row["derived_name"]), row["derived_sha256"]
        found = seen.sha256(AUGMENTED / FOLDER / name)
        if found is None:
            yield Finding(name, f"gone: no such file in {AUGMENTED / FOLDER}")
        elif found != said:
            yield Finding(name, f"changed: SHA-256 of the file is {found}, {MANIFEST} says {said}")
