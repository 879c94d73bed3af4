"""What lies in the repository, read once and held against one another by the checks."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from avfake.dataset.augmented import MANIFEST, SKIPPED, SKIPPED_HEADER, read_manifest
from avfake.dataset.root import DataRoot, load_root
from avfake.errors import UserError
from avfake.forge.plan import Job, plan
from avfake.params import AugmentParams, DataParams, load
from avfake.provenance.hashes import Hashes, dvc_files, hash_files

AUGMENTED = Path("data/augmented")
NOTES, FIGURES = Path("metrics/augment_notes.json"), Path("metrics/augment.json")
DVC_LOCK = Path("dvc.lock")

Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """Everything that the checks look at.

    Attributes:
        data, augment: the sections of params.yaml.
        root: the clips that the recipes may use. whole: those of all splits, `data.limit` left aside.
        jobs: what the recipes plan, in the order of the plan.
        rows: of the manifest; None where there is none. unreadable: why it cannot be read, where it cannot.
        skipped: rows of skipped.csv.
        notes, figures: what the stage wrote into metrics/, None where that is missing.
        lock: the stages of dvc.lock, none where there is no such file.
        hashes: of every file of the data root and of data/augmented, by its path.
        root_files, augmented_files: what DVC records of the two folders, by the path in them.
    """

    data: DataParams
    augment: AugmentParams
    root: DataRoot
    whole: DataRoot
    jobs: tuple[Job, ...]
    rows: list[Row] | None
    unreadable: str | None
    skipped: list[dict[str, str]]
    notes: dict[str, list[str]] | None
    figures: dict[str, Any] | None
    lock: dict[str, Any]
    hashes: dict[Path, Hashes]
    root_files: dict[str, Path]
    augmented_files: dict[str, Path]

    def sha256(self, path: Path) -> str | None:
        """Of a clip of the root, or a file of data/augmented; None where there is no such file."""
        found = self.hashes.get(path)
        return None if found is None else found.sha256


def look(workers: int) -> Seen:
    """Reads the repository in the current folder; every file of the data root is read once.

    Raises:
        UserError: parameters, recipes or the data root are wrong, or there is neither a manifest nor
            anything that was recorded of one.
    """
    data, augment = load(DataParams), load(AugmentParams)
    notes = _json(NOTES)
    if not (AUGMENTED / MANIFEST).exists() and notes is None:
        raise UserError(
            f"neither {AUGMENTED / MANIFEST} nor {NOTES} is there: nothing says where samples came from",
            "run it in the repository's root; both are made by `dvc repro augment`",
        )
    root = load_root(data)
    whole = load_root(data.model_copy(update={"limit": None}))
    jobs = plan(root, augment)
    rows, unreadable = _manifest()
    root_files = dvc_files(root.folder)
    augmented_files = dvc_files(AUGMENTED) if AUGMENTED.is_dir() else {}
    every = [*root_files.values(), *(clip.path for clip in whole.clips), *augmented_files.values()]
    every += [path for path in AUGMENTED.rglob("*") if path.is_file()]
    return Seen(
        data=data,
        augment=augment,
        root=root,
        whole=whole,
        jobs=jobs,
        rows=rows,
        unreadable=unreadable,
        skipped=_skipped(),
        notes=notes,
        figures=_json(FIGURES),
        lock=_stages(),
        hashes=hash_files(every, workers, "hashes"),
        root_files=root_files,
        augmented_files=augmented_files,
    )


def _json(path: Path) -> dict[str, Any] | None:
    """An object of metrics/; None where the file is missing. Raises UserError where it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON: {error}", f"`git checkout {path}`") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: no JSON object", f"`git checkout {path}`")
    return content


def _stages() -> dict[str, Any]:
    try:
        tree = YAML(typ="safe").load(DVC_LOCK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{DVC_LOCK}: not valid YAML: {error}", f"`git checkout {DVC_LOCK}`") from None
    return (tree or {}).get("stages") or {}


def _manifest() -> tuple[list[Row] | None, str | None]:
    try:
        return read_manifest(AUGMENTED), None
    except FileNotFoundError:
        return None, None
    except (ValueError, OSError) as error:  # pyarrow's errors are one or the other
        return None, str(error).splitlines()[0]


def _skipped() -> list[dict[str, str]]:
    """The rows of skipped.csv; one that has other columns than the header says lacks them here too."""
    path = AUGMENTED / SKIPPED
    if not path.is_file():
        return []
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8", errors="replace"), newline=""))
    return [{key: str(row.get(key) or "") for key in SKIPPED_HEADER} for row in reader]
