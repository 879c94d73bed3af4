"""Checks this bundle from inside: `python check.py`. It needs Python 3.11 alone, and writes nothing.

Ends with 0 where all is as it was when the bundle was made, else with 1, and every fault has a line. Whoever
changes files can write SHA256SUMS anew, too: compare the SHA-256 that is printed for it with the one that
`avfake bundle` printed to whoever handed the bundle in, and the commit with the one in the repository.
"""

import csv
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

sys.dont_write_bytecode = True  # a folder of compiled modules would be an added file
HERE = Path(__file__).resolve().parent
SUMS, FACTS, COMMIT, LABELS = "SHA256SUMS", "bundle.json", "commit.txt", "labels.csv"
# What a file that somebody changed can make the reading of it end with.
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, csv.Error)

# A fault, or what was checked (behind OK) and what could not be.
OK, NOTE = "ok: ", "note: "


def part(name: str) -> ModuleType:
    """A module of the folder `checks` beside this file, wherever Python looks for modules."""
    spec = importlib.util.spec_from_file_location(
        f"checks_{name}", Path(__file__).parent / "checks" / f"{name}.py"
    )
    if spec is None or spec.loader is None:
        raise OSError(f"checks/{name}.py: cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def facts(folder: Path) -> dict[str, Any]:
    """What the bundle says of itself."""
    found = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return dict(found)


def files_of(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by its path there, links not followed."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            found[path.relative_to(folder).as_posix()] = path
    return found


def sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sums(folder: Path) -> Iterator[str]:
    """Every file as SHA256SUMS says, none added, none gone."""
    said = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        said[name] = digest
    here = files_of(folder)
    here.pop(SUMS, None)
    for name in sorted(said.keys() | here.keys()):
        if name not in here:
            yield f"{name}: gone"
        elif name not in said:
            yield f"{name}: added"
        elif here[name].is_symlink() or not here[name].is_file():
            yield f"{name}: no plain file"
        elif sha256(here[name]) != said[name]:
            yield f"{name}: changed: another SHA-256"
    for parent, folders, names in os.walk(folder):
        for name in folders:
            if (Path(parent) / name).is_symlink():
                yield f"{(Path(parent) / name).relative_to(folder).as_posix()}: added: a link to a folder"
        if not folders and not names:
            yield f"{Path(parent).relative_to(folder).as_posix()}: added: an empty folder"
    yield f"{OK}{len(said)} files have the SHA-256 of SHA256SUMS, none is added, none is gone"


def check_commit(folder: Path) -> Iterator[str]:
    """The code inside is the commit's: its id follows from the files."""
    git, about = part("git_objects"), facts(folder)
    commit, content = str(about["commit"]), (folder / COMMIT).read_bytes()
    if git.commit_id(content, len(commit)) != commit:
        yield f"{COMMIT}: is not commit {commit}"
    elif git.tree_of(content) != (found := git.tree_id(about["tracked"], folder / "project", len(commit))):
        yield f"project: the files of the code give the tree {found}, {commit} has {git.tree_of(content)}"
    if not about["reproducible"]:
        yield f"not reproducible: made beside uncommitted changes in {', '.join(about['uncommitted'])}"
    yield f"{OK}the {len(about['tracked'])} files of the code give commit {commit}"


def check_lock(folder: Path) -> Iterator[str]:
    """The code and the outputs inside are those that dvc.lock recorded."""
    dvc, about = part("dvc_lock"), facts(folder)
    lock = part("plain_yaml").read((folder / "project/dvc.lock").read_text(encoding="utf-8"))
    whole = set(about["whole"])
    partly = {path: folder / item for path, item in about["part"].items()}
    done = []
    for path, fault in dvc.compare(lock, files_of(folder / "project"), whole, partly):
        if fault:
            yield f"project/{path}: {fault}"
        done.append(path)
    yield f"{OK}{len(done)} paths have the MD5 that dvc.lock recorded" + (
        f"; of {', '.join(sorted(partly))} the parts that are inside, by the listing of the whole"
        if partly
        else ""
    )
    if left := sorted(dvc.entries(lock).keys() - set(done)):
        yield f"{NOTE}not inside, so only compared between the stages that recorded them: {', '.join(left)}"


def check_params(folder: Path) -> Iterator[str]:
    """params.yaml holds what every stage ran with."""
    read, dvc = part("plain_yaml").read, part("dvc_lock")
    lock = read((folder / "project/dvc.lock").read_text(encoding="utf-8"))
    params = read((folder / "project/params.yaml").read_text(encoding="utf-8-sig"))
    for text in dvc.changed_params(lock, params):
        yield f"project/params.yaml: {text}"
    yield f"{OK}params.yaml holds what {len(lock['stages'])} stages ran with"


def check_model(folder: Path) -> Iterator[str]:
    """The weights are those that model.json describes."""
    models = folder / "project/models"
    said = json.loads((models / "model.json").read_text(encoding="utf-8"))["sha256"]
    if (found := sha256(models / "model.safetensors")) != said:
        yield f"project/models/model.safetensors: SHA-256 {found}, model.json says {said}"
    yield f"{OK}the weights have the SHA-256 that model.json names"


def check_manifest(folder: Path) -> Iterator[str]:
    """The manifest of derived clips is the one that the committed notes name."""
    notes = folder / "project/metrics/augment_notes.json"
    manifest = folder / "project/data/augmented/manifest.parquet"
    if not notes.is_file() and not manifest.is_file():
        yield f"{NOTE}this pipeline derives no clips: there is no manifest"
        return
    said = json.loads(notes.read_text(encoding="utf-8"))["manifest_sha256"]
    if [found := sha256(manifest)] != said:
        yield f"project/data/augmented/manifest.parquet: SHA-256 {found}, augment_notes.json says {said}"
    yield f"{OK}the manifest has the SHA-256 that metrics/augment_notes.json names"


def check_figures(folder: Path) -> Iterator[str]:
    """The AUCs follow from the scores and the labels inside."""
    figures = part("figures")
    found = [*figures.evaluated(folder / "project", folder / LABELS), *figures.disturbed(folder / "project")]
    for name, fault in found:
        if fault:
            yield f"project/{name}: {fault}"
    yield f"{OK}{len(found)} figures follow from the scores and the labels inside"


CHECKS: dict[str, Callable[[Path], Iterator[str]]] = {
    "sums": check_sums,
    "commit": check_commit,
    "dvc.lock": check_lock,
    "params": check_params,
    "model": check_model,
    "manifest": check_manifest,
    "figures": check_figures,
}


def run(folder: Path) -> tuple[list[str], list[str]]:
    """All faults, and all lines to print, `ok` only where a check found no fault."""
    faults, lines = [], []
    for name, check in CHECKS.items():
        texts = []
        try:
            for text in check(folder):
                texts.append(text)  # one by one: what was found before a file turned out unreadable counts
        except DAMAGED as error:
            texts.append(f"could not be done: {type(error).__name__}: {error}")
        wrong = [text for text in texts if not text.startswith((OK, NOTE))]
        faults += [f"{name}: {text}" for text in wrong]
        lines += [f"FAILED  {name:<9} {text}" for text in wrong]
        for text in texts:
            if text.startswith(NOTE):
                lines.append(f"note    {name:<9} {text.removeprefix(NOTE)}")
            elif text.startswith(OK) and not wrong:
                lines.append(f"ok      {name:<9} {text.removeprefix(OK)}")
    return faults, lines


def main() -> int:
    """Prints what was found; 0 or 1."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it is run where avfake is not installed
        print(f"this needs Python 3.11 or newer, not {sys.version.split()[0]}")
        return 1
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal without UTF-8
    faults, lines = run(HERE)
    print("\n".join(lines))
    if (HERE / SUMS).is_file():
        print(f"SHA-256 of {SUMS}: {sha256(HERE / SUMS)}")
    print(f"{len(faults)} faults" if faults else "The bundle is whole and agrees with itself.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
