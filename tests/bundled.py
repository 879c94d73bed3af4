"""A small repository that can be handed in, its bundle, and ways to change what lies in one unpacked.

Nothing is trained and no clip is made: the outputs are written as the stages would, and DVC records them.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dvc.repo import Repo

from avfake.bundle import make
from avfake.dataset.augmented import write_manifest
from avfake.dataset.labels import write_table
from avfake.dataset.predictions import FILES, write_predictions, write_unscored
from avfake.evaluation import metrics
from avfake.files import sha256_file, write_parquet
from workspace import ROOT, run, set_params

DVC_YAML = """\
stages:
  augment:
    cmd: python code/augment.py
    deps: [code/augment.py, "${data.root}"]
    params: [augment, data]
    outs: [data/augmented]
    metrics:
      - metrics/augment.json: {cache: false}
      - metrics/augment_notes.json: {cache: false}
  resplit:
    cmd: python code/resplit.py
    deps: [code/resplit.py, code/shared, data/augmented]
    params: [resplit]
    outs: [data/resplit, data/extracted]
  train:
    cmd: python code/train.py
    deps: [code/train.py, data/resplit, data/extracted]
    params: [train]
    outs: [models/model.json, models/model.safetensors, data/training]
  predict:
    cmd: python code/predict.py
    deps: [code/predict.py, data/resplit, models/model.json, models/model.safetensors]
    outs: [data/predictions]
  evaluate:
    cmd: python code/evaluate.py
    deps: [code/evaluate.py, data/resplit, data/predictions]
    params: [evaluate]
    outs: [data/evaluation, plots]
    metrics:
      - metrics/evaluate.json: {cache: false}
      - metrics/evaluate_test.json: {cache: false}
      - metrics/notes.json: {cache: false}
  robustness:
    cmd: python code/robustness.py
    deps: [code/robustness.py, models/model.safetensors]
    outs: [data/robustness]
    metrics:
      - metrics/robustness.json: {cache: false}
"""
STAGES = ("augment", "resplit", "train", "predict", "evaluate", "robustness")
RECIPE = {
    "name": "louder",
    "tool": "gain",
    "params": {"decibels": [1.0, 6.0]},
    "of": "real",
    "per_clip": 1.0,
    "seed": 3,
}
ODD = "a|b *c* <script>"  # the name of a tool that must not steer a page
WHY = "needs at least 1000 real clips, there are 10"


@dataclass(frozen=True)
class Handed:
    """A repository in `folder` that can be handed in."""

    folder: Path

    def write(self, path: str, content: str | bytes) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content.encode() if isinstance(content, str) else content)

    def json(self, path: str, value: object) -> None:
        self.write(path, json.dumps(value))

    def git(self, *arguments: str) -> str:
        return run(self.folder, "git", *arguments).stdout

    def record(self) -> None:
        with chdir(self.folder), Repo() as repo:
            repo.commit(force=True)

    def commit(self, message: str = "Change") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def copy(self, folder: Path) -> "Handed":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Handed(folder)


def judged(_: Path) -> dict[str, Any]:
    """Stands in for the rules, which want a real model and real clips."""
    rule = {
        "rule": "parameters",
        "title": "parameters",
        "status": "fail",
        "faults": ["201 M"],
        "evidence": [],
    }
    return {"passed": False, "limits": {}, "model": "models", "rules": [rule]}


def build(folder: Path) -> Handed:
    """The repository: a model of a few bytes, scores, figures of which some are null, one derived clip."""
    place = Handed(folder)
    run(folder, "git", "init", "-q", "-b", "main")
    place.write(".dvc/config", "[core]\n    analytics = false\n    autostage = false\n")
    place.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    place.write(".gitignore", "/plots\n/models\n*.tar.gz\n")
    outs = ("augmented", "resplit", "extracted", "training", "predictions", "evaluation", "robustness")
    place.write("data/.gitignore", "".join(f"/{name}\n" for name in outs))
    place.write("dvc.yaml", DVC_YAML)
    for name in STAGES:
        place.write(f"code/{name}.py", f"# stands for the stage {name}\n")
    place.write("code/shared/labels.py", "# read by a stage\n")
    place.write("code/run.sh", "#!/bin/sh\n")
    (folder / "code/run.sh").chmod(0o755)
    place.write("LICENSE", "MIT License\n")
    place.write("requirements.lock", "numpy==2.4.0 \\\n    --hash=sha256:00\nPyAV_x[fast]==1.0\n")
    place.write("data/mine/train_label.txt", "video_name,target\n")
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    set_params(folder, {"data.root": "data/mine", "augment.recipes": [RECIPE], "train.epochs": 5})
    _outputs(place)
    place.record()
    place.commit("The project")
    return place


def labels() -> pd.DataFrame:
    rows = [("train", f"t{i}.mp4", i % 2, ODD if i % 2 else "real", "s1", None) for i in range(8)]
    rows.append(("train", "louder-0-x.mp4", 0, "real", "s1", "t0.mp4"))
    for split in ("val", "test"):
        for i in range(20):
            tool = ODD if i % 4 == 1 and split == "val" else "unknown tool"
            rows.append(
                (split, f"{split}{i}.mp4", i % 2, tool if i % 2 else "real", f"{split}-s{i % 3}", None)
            )
    names = ["split", "video_name", "target", "generator", "source", "derived_from"]
    table = pd.DataFrame(rows, columns=names, dtype=object)
    return table.assign(target=table["target"].astype("Int8"), home=table["split"])


def _outputs(place: Handed) -> None:
    folder, table = place.folder, labels()
    place.write("data/augmented/trainset/louder-0-x.mp4", b"derived")
    place.write("data/augmented/skipped.csv", "recipe,copy,source_name,partner_name,reason\n")
    write_manifest([], folder / "data/augmented")
    place.json("metrics/augment.json", {"n": 1, "n_louder": 1, "skipped_louder": 0})
    manifest = sha256_file(folder / "data/augmented/manifest.parquet")
    place.json("metrics/augment_notes.json", {"manifest_sha256": [manifest]})
    write_table(table, folder / "data/resplit")
    place.json("data/resplit/resplit.json", {"notes": []})
    write_parquet(pa.table({"x": [1]}), folder / "data/extracted/shard.parquet")
    weights = b"weights" * 20
    place.write("models/model.safetensors", weights)
    place.json(
        "models/model.json",
        {
            "format": 1,
            "backbone": "test_resnet",
            "ensemble": {"bagging": "clips", "members": [{}, {}]},
            "teacher": {"members": 3, "sha256": "ab" * 32},
            "sha256": hashlib.sha256(weights).hexdigest(),
        },
    )
    names = table.loc[table["split"] == "train", "video_name"]
    place.write("data/training/clips.csv", "video_name\n" + "".join(f"{name}\n" for name in names))
    _scores(place, table)


def _scores(place: Handed, table: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    notes: dict[str, list[str]] = {}
    disturbed = []
    for split, name in (("val", "evaluate"), ("test", "evaluate_test")):
        clips = table[table["split"] == split]
        target = clips["target"].to_numpy(dtype=int)
        score = np.clip(0.3 + 0.3 * target + 0.25 * rng.normal(size=len(clips)), 0, 1).round(6)
        write_predictions(
            place.folder / "data/predictions" / FILES[split], zip(clips["video_name"], score, strict=True)
        )
        seen = ((clips["generator"] == ODD) | (target == 0)).to_numpy()
        unseen = ((clips["generator"] != ODD) | (target == 0)).to_numpy()
        figures: dict[str, float | None] = {
            "n": len(clips),
            "auc": metrics.auc(target, score),
            "auc_unseen": metrics.auc(target[unseen], score[unseen]),
            "auc_seen": metrics.auc(target[seen], score[seen]) if target[seen].any() else None,
            "tpr_at_fpr_1e_3": None,
            "eer": None,
        }
        figures |= {"auc_unseen_ci_low": 0.1234, "auc_unseen_ci_high": 0.9876}
        place.json(f"metrics/{name}.json", figures)
        notes[f"{name}.tpr_at_fpr_1e_3"] = [WHY]
        notes[f"{name}.auc_unseen_ci_low"] = ["0.95 interval, by hand"]
        disturbed += [
            (split, *row) for row in zip(clips["video_name"], target, score, strict=True) if split == "val"
        ]
    notes["evaluate_test.auc_seen"] = ["no fake whose generator was in training"]
    notes["robustness.auc_blur"] = ["blur: no clip"]
    place.json("metrics/notes.json", notes)
    write_unscored(place.folder / "data/predictions/unscored.csv", [])
    rows = "".join(f"{split},{name},{target},clean,{score:.6f}\n" for split, name, target, score in disturbed)
    place.write("data/robustness/scores.csv", "split,video_name,target,condition,score\n" + rows)
    clean = metrics.auc([row[2] for row in disturbed], [row[3] for row in disturbed])
    figures = {"n": 20, "auc_clean": clean, "auc_blur": None, "drop_blur": None, "auc_worst": clean}
    place.json("metrics/robustness.json", figures)
    place.write("data/robustness/auc.csv", "split,condition,auc,low,high,drop,drop_low,drop_high\n")
    place.write("plots/roc.csv", "split,fpr,tpr\nval,0,0\nval,0.5,0.7\nval,1,1\n")
    place.write("data/evaluation/groups.csv", "split,column,group,n_fake,auc,recall,note\n")


def make_all(folder: Path) -> None:
    """In `folder`: the repository `repository`, its bundle `first.tar.gz`, and that unpacked in `whole`."""
    (folder / "repository").mkdir()
    place = build(folder / "repository")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "judged", judged)
        assert bundled(place, folder / "first.tar.gz").uncommitted == ()
    unpack(folder / "first.tar.gz", folder / "unpacked").rename(folder / "whole")


def bundled(place: Handed, out: Path, *, allow_dirty: bool = False) -> make.Bundle:
    return make.make(place.folder, out, allow_dirty)


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    return inner


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the bundle's own check as whoever receives it would, with nothing but the standard library."""
    command = [sys.executable, "-I", "-S", str(folder / "check.py")]
    return subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)


def forge(folder: Path, path: str, change: Callable[[bytes], bytes]) -> None:
    """Changes a file and writes SHA256SUMS anew, as somebody would who knows how the bundle is made."""
    target = folder / path
    target.write_bytes(change(target.read_bytes()))
    lines = []
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        name = line.split("  ", 1)[1]
        lines.append(f"{sha256_file(folder / name)}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))


def flipped(content: bytes) -> bytes:
    """One bit of the middle byte is another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
