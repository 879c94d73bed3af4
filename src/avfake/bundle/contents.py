"""Which outputs of the pipeline go into the hand-in, and that they are there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avfake.bundle.archive import Entry
from avfake.bundle.checks.dvc_lock import file_md5, folder_md5, listing
from avfake.dataset.augmented import MANIFEST, SKIPPED
from avfake.errors import UserError
from avfake.gate.revision import Lock

MODELS, PREDICTIONS, AUGMENTED = "models", "data/predictions", "data/augmented"
# The first of them that the pipeline has holds the labels that the figures belong to.
LABELS = ("data/resplit", "data/labels")
# What the pipeline cannot do without, of the model's folder.
MODEL_FILES = (f"{MODELS}/model.json", f"{MODELS}/model.safetensors")
WHOLE = (
    *MODEL_FILES,
    f"{MODELS}/decision.json",
    *LABELS,
    "data/training",
    PREDICTIONS,
    "data/evaluation",
    "data/robustness",
    "data/audit",
    "plots",
)
# Of these the clips stay out: they follow from the raw data, which the contest has.
PART = {AUGMENTED: (MANIFEST, SKIPPED)}


@dataclass(frozen=True)
class Outputs:
    """Files of outputs by their path in the project.

    Attributes:
        files: path -> file.
        whole: outputs of which every file is among them.
        listings: output of which a part is among them -> what DVC writes down for the whole of it.
        labels: the output that holds the labels.
    """

    files: dict[str, Entry]
    whole: tuple[str, ...]
    listings: dict[str, bytes]
    labels: str


def outputs(root: Path, lock: Lock) -> Outputs:
    """The outputs that dvc.lock records and the hand-in carries.

    Raises:
        UserError: one that no bundle can do without is not recorded, or one is not in the workspace as it
            was recorded.
    """
    labels = next((name for name in LABELS if name in lock.outs), "")
    needed = [(name, "no model") for name in MODEL_FILES]
    for name, what in (*needed, (PREDICTIONS, "no predictions"), (labels, "no labels")):
        if name not in lock.outs:
            raise UserError(f"dvc.lock records {what}", "run the pipeline: `dvc repro`, then commit dvc.lock")
    files: dict[str, Entry] = {}
    whole = [name for name in WHOLE if name in lock.outs]
    for name in whole:
        files |= {
            f"{name}/{inner}" if inner else name: Entry(path) for inner, path in _files(root, name).items()
        }
    listings = {}
    for name, wanted in PART.items():
        if name in lock.outs:
            inside = _files(root, name)
            listings[name] = listing({inner: file_md5(path) for inner, path in inside.items()})
            if folder_md5(listings[name]) != lock.outs[name]:
                raise UserError(
                    f"{name}: not as dvc.lock records it", f"`dvc checkout {name}`, or `dvc repro`"
                )
            files |= {f"{name}/{inner}": Entry(inside[inner]) for inner in wanted if inner in inside}
    return Outputs(files, tuple(whole), listings, labels)


def recorded_code(lock: Lock, tracked: Mapping[str, str], data_root: str) -> list[str]:
    """Dependencies of the stages that are code: files that Git knows, or folders of such."""
    folders = {"/".join(path.split("/")[:n]) for path in tracked for n in range(1, path.count("/") + 1)}
    found = [path for path in lock.deps if path in tracked or path in folders]
    return sorted(path for path in found if path != data_root and path not in lock.outs)


def _files(root: Path, name: str) -> dict[str, Path]:
    """Name inside the output -> file, of an output that is a file under the empty name; what Git knows of
    (.gitignore) is no part of an output."""
    folder = root / name
    if folder.is_file():
        return {"": folder}
    if not folder.is_dir():
        raise UserError(
            f"{name}: dvc.lock records it, but it is not in the workspace",
            f"`dvc pull {name}`, or `dvc repro`",
        )
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
