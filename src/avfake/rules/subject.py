"""What is judged: the model with what it says of itself, the data that it was trained on, the limits."""

import csv
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from avfake.dataset import facts
from avfake.dataset.augmented import FOLDER, MANIFEST, read_manifest
from avfake.dataset.labels import read_labels
from avfake.dataset.root import DataRoot, load_root
from avfake.errors import UserError
from avfake.files import sha256_file
from avfake.model.saved import FACTS as MODEL_FACTS
from avfake.model.saved import WEIGHTS, read_facts
from avfake.params import AugmentParams, DataParams, PredictParams, RulesParams, load

MODELS = Path("models")
CLIPS = Path("data/training/clips.csv")
FACTS, LABELS = Path("data/facts"), Path("data/resplit")
FEATURES, PREDICTIONS = Path("data/features"), Path("data/predictions")
AUGMENTED = Path("data/augmented")
# What an earlier stage leaves, without which nothing can be judged.
_MADE = {
    CLIPS: "train",
    FACTS / facts.FILE: "extract",
    LABELS / "clips.parquet": "resplit",
    FEATURES / "features.json": "featurize",
    PREDICTIONS / "prediction.csv": "predict",
}

Key = tuple[str, str]  # split whose folder holds a clip, its name


@dataclass(frozen=True)
class Subject:
    """Everything that the rules look at, in a repository's root that is the working directory.

    Attributes:
        folder: of the model.
        model: its model.json.
        limits: the section `rules`.
        augment: the section `augment`.
        predict: the section `predict`.
        root: the whole data root, whatever `data.limit` says.
        trained: names of the clips that training says it used.
        clips: data/facts, with `clip_sha256` as it was when the clip was read.
        labels: data/resplit, as training saw it.
        manifest: a row per derived clip; none where there is no manifest.
        manifest_fault: why the manifest cannot be read, or empty.
        hashes: SHA-256 of the files as they are now, by split and name; derived clips among those of train.
    """

    folder: Path
    model: dict[str, Any]
    limits: RulesParams
    augment: AugmentParams
    predict: PredictParams
    root: DataRoot
    trained: tuple[str, ...]
    clips: pd.DataFrame
    labels: pd.DataFrame
    manifest: tuple[dict[str, Any], ...]
    manifest_fault: str
    hashes: Mapping[Key, str]

    @property
    def weights(self) -> Path:
        """The file of weights."""
        return self.folder / WEIGHTS

    @cached_property
    def tested(self) -> dict[str, str]:
        """Split (`val` or `test`) of each clip that must not be trained on, labelled or not, by name."""
        splits = [split for name, split in self.root.splits.items() if name != "train"]
        return {clip.video_name: split.name for split in splits for clip in split.clips}

    def read_as(self, name: str) -> str | None:
        """SHA-256 of a training clip when it was read, or None where data/facts does not know it."""
        found = self._of_train.get(name)
        return found if isinstance(found, str) else None

    @cached_property
    def _of_train(self) -> dict[str, Any]:
        train = self.clips[self.clips["split"] == "train"]
        return dict(zip(train["video_name"], train["clip_sha256"], strict=True))


def open_subject(folder: Path) -> Subject:
    """Reads all that is judged. The hashes of a large data root take as long as reading it once.

    Raises:
        UserError: there is no model, no data root, or an earlier stage has not run.
    """
    limits, augment, predict = load(RulesParams), load(AugmentParams), load(PredictParams)
    model = read_facts(folder)
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder / WEIGHTS}: no such file", "train one with `dvc repro train`")
    for path, stage in _MADE.items():
        if not path.is_file():
            raise UserError(f"{path}: no such file", f"make it with `dvc repro {stage}`")
    root = load_root(load(DataParams).model_copy(update={"limit": None}))
    manifest, fault = _manifest()
    return Subject(
        folder=folder,
        model=model,
        limits=limits,
        augment=augment,
        predict=predict,
        root=root,
        trained=tuple(_names(CLIPS)),
        clips=facts.read_facts(FACTS),
        labels=read_labels(LABELS),
        manifest=manifest,
        manifest_fault=fault,
        hashes=_hashes(root, manifest),
    )


def of_models(subject: Subject) -> bool:
    """Whether the model is the one in models/, which dvc.lock and the predictions are about."""
    try:
        return bool(read_facts(MODELS)["sha256"] == subject.model["sha256"])
    except UserError:
        return False


def model_json(subject: Subject) -> Path:
    """Path of model.json, for messages."""
    return subject.folder / MODEL_FACTS


def _manifest() -> tuple[tuple[dict[str, Any], ...], str]:
    if not (AUGMENTED / MANIFEST).is_file():
        return (), ""
    try:
        return tuple(read_manifest(AUGMENTED)), ""
    except (ValueError, OSError) as error:  # pyarrow's own errors are both
        return (), f"{AUGMENTED / MANIFEST} cannot be read: {str(error).splitlines()[0]}"


def _names(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [row["video_name"] for row in csv.DictReader(file)]
    except (KeyError, UnicodeDecodeError, csv.Error):
        raise UserError(f"{path}: no list of clips", "write it anew: `dvc repro train`") from None


def _hashes(root: DataRoot, manifest: tuple[dict[str, Any], ...]) -> dict[Key, str]:
    files = {(clip.split, clip.video_name): clip.path for clip in root.clips}
    for row in manifest:
        files.setdefault(("train", row["derived_name"]), AUGMENTED / FOLDER / row["derived_name"])
    there = {key: path for key, path in files.items() if path.is_file()}
    # hashlib lets other threads run while it works on a large file.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(sha256_file, there.values())
        shown = tqdm(
            done, desc="hashes", total=len(there), unit="clip", file=sys.stderr, disable=None, leave=False
        )
        return dict(zip(there, shown, strict=True))
