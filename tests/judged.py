"""A repository in small whose model keeps every rule, and a subject of judgement that no stage has made."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from avfake.dataset.layout import Clip
from avfake.dataset.root import DataRoot, Split
from avfake.params import AugmentParams, PredictParams, RulesParams, load
from avfake.rules.lock import file_md5
from avfake.rules.subject import Subject
from avfake.stages import extract, featurize, predict, resplit, train
from clips import make_root
from workspace import DATA, ROOT, SMALL, set_params

COPIED = (
    ".dockerignore", ".dvc/config", ".dvcignore", "Dockerfile", "LICENSE", "README.md", "data/dvc.yaml",
    "dvc.yaml", "pyproject.toml", "requirements-run.lock", "requirements-uv.lock", "requirements.lock",
    "teachers/none/README.md",
)  # fmt: skip


def build(folder: Path) -> None:
    """Runs the stages up to `predict` on tiny clips, with the repository's other files around them."""
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "src").symlink_to(ROOT / "src")
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    set_params(folder, SMALL | {"train.epochs": 1, "extract.n_faces": 0})
    make_root(folder / DATA, n_train=4, n_val=2, n_test=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in (extract, featurize, resplit, train, predict):
            stage.main()
    write_lock(folder)


def write_lock(folder: Path) -> None:
    """Writes what dvc.lock says of the stage `train`, from the model and the parameters that lie there."""
    params = YAML(typ="safe").load((folder / "params.yaml").read_text())
    models = sorted(path for path in (folder / "models").rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in models]
    outs = [{"path": name, "hash": "md5", "md5": file_md5(folder / name)} for name in names]
    entry = {"cmd": "train", "params": {"params.yaml": {"train": params["train"]}}, "outs": outs}
    (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"train": entry}}))


def change_json(path: Path, **changed: Any) -> None:
    """Replaces values of a JSON object; None takes the key out."""
    values = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))


def a_clip(name: str, split: str, target: int | None = 0) -> Clip:
    """A clip that nobody has written."""
    return Clip(name, Path("root") / f"{split}set" / name, split, target, None, None)


def a_subject(folder: Path, **changed: Any) -> Subject:
    """Two training clips and one of validation, of which nothing is on disk; limits as in params.yaml."""
    rules, augment, predicted = _params()
    limits = rules.model_copy(update=changed.pop("limits", {}))
    names = {"train": ("a.mp4", "b.mp4"), "val": ("v.mp4",)}
    labels = folder / "train_label.txt"
    labels.write_text("the label file")
    splits = {
        split: Split(split, folder / f"{split}set", labels, tuple(a_clip(name, split) for name in of))
        for split, of in names.items()
    }
    hashes = {(split, name): digest(name) for split, of in names.items() for name in of}
    rows = [{"split": split, "video_name": name, "clip_sha256": digest(name)} for split, name in hashes]
    table = pd.DataFrame(rows, dtype=object)
    facts = {
        "folder": folder / "models",
        "model": {"backbone": "test_resnet", "train": {"pretrained": "none"}, "sha256": "0" * 64},
        "limits": limits,
        "augment": augment,
        "predict": predicted,
        "root": DataRoot(folder, splits, ()),
        "trained": ("a.mp4", "b.mp4"),
        "clips": table,
        "labels": table[["split", "video_name"]].assign(target=0),
        "manifest": (),
        "manifest_fault": "",
        "hashes": hashes,
    }
    return Subject(**facts | changed)


@cache
def _params() -> tuple[RulesParams, AugmentParams, PredictParams]:
    return tuple(
        load(section, ROOT / "params.yaml") for section in (RulesParams, AugmentParams, PredictParams)
    )


def a_row(**changed: Any) -> dict[str, Any]:
    """A derived clip's row of the manifest: of a.mp4."""
    return {
        "derived_name": "d.mp4", "derived_sha256": digest("d.mp4"), "recipe": "r", "copy": 0,
        "source_name": "a.mp4", "source_sha256": digest("a.mp4"), "partner_name": None,
        "partner_sha256": None, "tool": "toy", "tool_version": 1, "libraries": "{}",
        "params": "{}", "seed": 0, "label_before": 0,
        "label_after": 1, "generator": "toy", "source": None,
    } | changed  # fmt: skip


def digest(name: str) -> str:
    """What stands for the SHA-256 of a clip that nobody has written."""
    return f"{name:0>64}"
