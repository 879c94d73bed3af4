"""A revision as it is committed: figures, their notes, parameters, and the hashes that dvc.lock records."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from avfake.errors import UserError
from avfake.gate.git import Repository

WORKSPACE = "workspace"

Figure = float | int | None


@dataclass(frozen=True)
class Lock:
    """Hashes by path that the stages of the repository's dvc.lock recorded."""

    outs: dict[str, str]
    deps: dict[str, str]


@dataclass(frozen=True)
class Revision:
    """A commit, or the workspace.

    Attributes:
        name: as it was asked for.
        commit: None for the workspace.
        tree: folder that holds its files (for the workspace: the repository itself).
        metrics: file name without `.json` -> figure -> value; a value that is no number is None.
        notes: `<file>.<figure>` -> why it is null, or a remark.
        params: params.yaml as it stands, unchecked.
        lock: what dvc.lock records.
    """

    name: str
    commit: str | None
    tree: Path
    metrics: dict[str, dict[str, Figure]]
    notes: dict[str, list[str]]
    params: dict[str, Any]
    lock: Lock

    @property
    def has_figures(self) -> bool:
        """Whether any metrics file holds a figure."""
        return any(figure is not None for file in self.metrics.values() for figure in file.values())

    def section(self, name: str) -> dict[str, Any]:
        """A section of params.yaml, empty where there is none."""
        section = self.params.get(name)
        return section if isinstance(section, dict) else {}

    def reason(self, file: str, figure: str) -> str:
        """What the notes say of a figure; empty where they say nothing."""
        return "; ".join(self.notes.get(f"{file}.{figure}", []))


def read_revision(repository: Repository, name: str, folder: Path) -> Revision:
    """Reads a revision; a commit's files are exported to `folder`, which must not exist.

    Raises:
        UserError: no such revision, or a file of it cannot be read.
    """
    commit = None if name == WORKSPACE else repository.resolve(name)
    if commit is None:
        tree = repository.root
    else:
        tree = folder
        repository.export(commit, tree)
    with named(tree, name):
        metrics, notes = _metrics(tree / "metrics")
        return Revision(
            name=name,
            commit=commit,
            tree=tree,
            metrics=metrics,
            notes=notes,
            params=_yaml(tree / "params.yaml", "git checkout params.yaml"),
            lock=_lock(tree / "dvc.lock"),
        )


@contextmanager
def named(folder: Path, revision: str) -> Iterator[None]:
    """Lets errors speak of `revision:file` where they name a file in `folder`."""
    try:
        yield
    except UserError as error:
        prefix = "" if revision == WORKSPACE else f"{revision}:"
        raise UserError(error.message.replace(f"{folder}/", prefix), error.remedy) from None


def _metrics(folder: Path) -> tuple[dict[str, dict[str, Figure]], dict[str, list[str]]]:
    metrics: dict[str, dict[str, Figure]] = {}
    notes: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: not valid JSON: {error}", "write it anew: `dvc repro`") from None
        if not isinstance(tree, dict):
            raise UserError(f"{path}: expected figures by name", "write it anew: `dvc repro`")
        for key, value in tree.items():
            if isinstance(value, list):
                notes[key] = [str(item) for item in value]
            else:
                metrics.setdefault(path.stem, {}).update(_flat(key, value))
    return metrics, notes


def _flat(key: str, value: object) -> dict[str, Figure]:
    """A figure by its name; nested names (written by other tools) are joined with dots, as DVC does."""
    if isinstance(value, dict):
        return {
            name: figure
            for part, item in value.items()
            for name, figure in _flat(f"{key}.{part}", item).items()
        }
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return {key: value if is_number else None}  # type: ignore[dict-item]


def _lock(path: Path) -> Lock:
    stages = _yaml(path, "`dvc repro`, which writes it anew").get("stages") or {}
    found: dict[str, dict[str, str]] = {"outs": {}, "deps": {}}
    for stage in stages.values():
        for kind, hashes in found.items():
            for entry in stage.get(kind) or []:
                if "md5" in entry:
                    hashes[entry["path"]] = entry["md5"]
    return Lock(**found)


def _yaml(path: Path, remedy: str) -> dict[str, Any]:
    """The file's tree; empty where there is no file."""
    if not path.exists():
        return {}
    try:
        tree = YAML(typ="safe").load(path.read_text(encoding="utf-8-sig"))
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not valid YAML", remedy) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"{path}: expected keys and values", remedy)
    return tree
