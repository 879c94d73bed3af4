"""A small repository with committed figures and DVC-tracked scores, made without training anything."""

import json
import shutil
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from dvc.repo import Repo

from avfake.dataset.labels import write_table
from avfake.dataset.predictions import FILES, write_predictions
from avfake.evaluation import metrics
from workspace import ROOT, run, set_params

DVC_YAML = """\
stages:
  extract:
    cmd: python code/extract.py
    deps: [code/extract.py, "${data.root}"]
    params: [data]
    outs: [data/labels]
  predict:
    cmd: python code/predict.py
    deps: [code/predict.py, data/labels]
    params: [train]
    outs: [data/predictions]
  evaluate:
    cmd: python code/evaluate.py
    deps: [code/evaluate.py, data/labels, data/predictions]
    outs: [plots]
    metrics:
      - metrics/evaluate.json: {cache: false}
      - metrics/evaluate_test.json: {cache: false}
      - metrics/audit.json: {cache: false}
      - metrics/audit_notes.json: {cache: false}
  robustness:
    cmd: python code/robustness.py
    deps: [code/robustness.py, data/labels]
    outs: [data/robustness]
    metrics:
      - metrics/robustness.json: {cache: false}
"""
SIZES = {"train": 20, "val": 200, "test": 200}
CONDITIONS = ("clean", "mp3_32k", "noise_5db")


@dataclass(frozen=True)
class GateRepository:
    """The repository in `folder`; its branches differ in what `scored` and the tests write."""

    folder: Path

    def scored(self, *, drop: float = 0.0, noise: int = 0) -> None:
        """Writes scores of every split and their figures.

        Args:
            drop: how much weaker the detector is, in standard deviations of its own noise.
            noise: seed of what is the detector's own in a score; the clips keep what makes them hard.
        """
        labels = table()
        own, hard = np.random.default_rng(1000 + noise), np.random.default_rng(0)
        for split in ("val", "test"):
            clips = labels[labels["split"] == split]
            target = clips["target"].to_numpy(dtype=int)
            logit = (1.6 - drop) * target + 0.9 * hard.normal(size=len(clips))
            score = 1 / (1 + np.exp(-(logit + 0.45 * own.normal(size=len(clips)) - 0.8)))
            rows = list(zip(clips["video_name"], score.round(6), strict=True))
            write_predictions(self.folder / "data/predictions" / FILES[split], rows)
            self.figures(split, target, score.round(6))
            if split == "val":
                self.disturbed(clips, score)
        shutil.rmtree(self.folder / "plots", ignore_errors=True)
        self.write("plots/roc.csv", "fpr,tpr\n0,0\n1,1\n")

    def figures(self, split: str, target: np.ndarray, score: np.ndarray) -> None:
        names = {"val": "evaluate", "test": "evaluate_test"}
        seen = np.arange(len(target)) % 4 < 3
        values = {
            "auc": metrics.auc(target, score),
            "eer": metrics.eer(target, score),
            "log_loss": metrics.log_loss(target, score),
            "ece": metrics.ece(target, score, 10),
            "auc_seen": metrics.auc(target[seen], score[seen]),
            "auc_unseen": metrics.auc(target[~seen | (target == 0)], score[~seen | (target == 0)]),
            "n": len(target),
            "tpr_at_fpr_1e_3": None,
        }
        self.json(f"metrics/{names[split]}.json", values)

    def disturbed(self, clips: pd.DataFrame, score: np.ndarray) -> None:
        rng = np.random.default_rng(5)
        parts = []
        for condition in CONDITIONS:
            blur = 0.0 if condition == "clean" else 0.3
            values = ((1 - blur) * score + blur * rng.uniform(size=len(clips))).round(6)
            parts.append(clips[["split", "video_name", "target"]].assign(condition=condition, score=values))
        rows = pd.concat(parts)
        self.write("data/robustness/scores.csv", rows.to_csv(index=False))
        aucs = {
            f"auc_{condition}": metrics.auc(part["target"].astype(int), part["score"])
            for condition, part in rows.groupby("condition")
        }
        self.json("metrics/robustness.json", {**aucs, "auc_worst": min(aucs.values())})

    def json(self, path: str, values: object) -> None:
        self.write(path, json.dumps(values))

    def metrics(self, path: str = "metrics/evaluate.json") -> dict[str, object]:
        return json.loads((self.folder / path).read_text())

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def record(self) -> None:
        """What `dvc repro` would leave behind: the lock and the cache, of the files as they are."""
        with chdir(self.folder), Repo() as repo:  # DVC looks at where it runs
            repo.commit(force=True)

    def push(self) -> None:
        """Sends what the branch at hand records to the remote."""
        with chdir(self.folder), Repo() as repo:
            repo.push()

    def git(self, *arguments: str) -> str:
        return run(self.folder, "git", *arguments).stdout

    def commit(self, message: str, *, record: bool = True) -> str:
        if record:
            self.record()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def branch(self, name: str) -> None:
        """A new branch from the state of `main`, data included."""
        self.git("checkout", "-q", "-f", "main")
        self.git("checkout", "-q", "-b", name)
        with chdir(self.folder), Repo() as repo:
            repo.checkout(force=True)


def table() -> pd.DataFrame:
    """Labels: half the fakes of validation and test by a tool that training saw; no sources."""
    rows = []
    for split, n in SIZES.items():
        for i in range(n):
            fake = i % 2
            tool = "seen" if split == "train" or i % 4 < 3 else "unseen"
            rows.append((split, f"{split}{i:03d}.mp4", fake, tool if fake else "real", None))
    labels = pd.DataFrame(rows, columns=["split", "video_name", "target", "generator", "source"])
    return labels.assign(target=labels["target"].astype("Int8"), source=None)


def build(folder: Path) -> GateRepository:
    """The repository with its branch `main`, whose detector is the one to compare with."""
    repository = GateRepository(folder)
    run(folder, "git", "init", "-q", "-b", "main")
    # The remote lies beside the repository, and beside every copy and clone of it.
    repository.write(
        ".dvc/config",
        "[core]\n    analytics = false\n    autostage = false\n    remote = storage\n"
        "['remote \"storage\"']\n    url = ../../storage\n",
    )
    repository.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    repository.write(".gitignore", "/plots\n/gate\n")
    repository.write("data/.gitignore", "/labels\n/predictions\n/robustness\n")
    repository.write("dvc.yaml", DVC_YAML)
    for name in ("extract", "predict", "evaluate", "robustness"):
        repository.write(f"code/{name}.py", f"# stands for the stage {name}\n")
    repository.write("data/mine/train_label.txt", "video_name,target\n")
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    set_params(folder, {"data.root": "data/mine", "gate.n_bootstrap": 200})
    write_table(table(), folder / "data/labels")
    repository.json("metrics/audit.json", {"failures": 0, "warnings": 0})
    repository.json("metrics/audit_notes.json", {"failures": [], "warnings": []})
    repository.scored()
    repository.commit("Base")
    return repository
