"""Do extra training clips help on forgeries that training never saw? One table, by arm and seed.

    python -m benchmarks.extra_samples --root data/sample --work DIR [--recipes benchmarks/extra_samples.yaml]
        [--arms none keep forge both] [--seeds 0 1 2] [--epochs N]

The recipes file has a section `keep` and a section `forge`, each a list as `augment.recipes`. All derived
clips are made once; each arm then trains on the clips of the label file and its own part of the derived
ones, with the rest of params.yaml as it stands. Every arm takes about as many steps: with more clips there
are fewer epochs. A training that is finished is kept in DIR, so a run that was stopped goes on.

What counts as never seen is the same for all arms: generators of which no arm's training has a fake.
"""

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

import avfake.stages  # noqa: F401 - before torch: threads that wait without spinning
from avfake.dataset.augmented import is_derived
from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import UNUSED, homes, read_labels
from avfake.dataset.predictions import format_score
from avfake.errors import UserError
from avfake.files import atomic_write_text
from avfake.model.clips import select, select_training
from avfake.model.inference import clip_score, deterministic
from avfake.model.provenance import data_hash
from avfake.model.recipe import train_detector
from avfake.model.validation import Data
from avfake.params import TrainParams, load
from benchmarks.mean_auc import MeanAuc, mean_auc

ROOT = Path(__file__).parents[1]
STAGES = ("augment", "extract", "featurize", "resplit")
ARMS = {"none": (), "keep": ("keep",), "forge": ("forge",), "both": ("keep", "forge")}
SPLITS = ("val", "test")


@dataclass(frozen=True)
class Scores:
    """Of one split: target [n], source [n], generator [n], and score [n] by (arm, seed)."""

    target: np.ndarray
    source: list[str | None]
    generator: list[str | None]
    score: dict[tuple[str, int], np.ndarray]


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains what is missing and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="data root")
    parser.add_argument("--work", type=Path, required=True, help="folder of this comparison")
    parser.add_argument("--recipes", type=Path, default=ROOT / "benchmarks/extra_samples.yaml")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="of the arm none, instead of train.epochs")
    options = parser.parse_args(arguments)
    recipes = YAML(typ="safe").load(options.recipes.read_text(encoding="utf-8"))
    options.work.mkdir(parents=True, exist_ok=True)
    prepare(options.work, options.root.resolve(), recipes)
    runs = list(itertools.product(options.seeds, options.arms))
    for seed, arm in runs:
        path = options.work / "scores" / f"{arm}-{seed}.csv"
        if not path.is_file():
            train(options.work, arm, seed, recipes, path, options.epochs)
    for line in table(options.work, options.arms, options.seeds):
        print(line)
    return 0


def prepare(work: Path, root: Path, recipes: dict[str, Any]) -> None:
    """Makes all derived clips and the features of all clips in `work`, unless they are there."""
    yaml = YAML()
    params = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["data"]["root"] = str(root)
    params["augment"]["recipes"] = [*recipes["keep"], *recipes["forge"]]
    params["extract"]["n_faces"] = 0  # this detector has no eyes
    made = work / "prepared.json"
    stamp = json.dumps(params, sort_keys=True, default=str)
    if made.is_file() and made.read_text(encoding="utf-8") == stamp:
        return
    with (work / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    for stage in STAGES if params["augment"]["recipes"] else STAGES[1:]:
        subprocess.run(
            [sys.executable, "-m", f"avfake.stages.{stage}"], cwd=work, env=environment, check=True
        )
    for path in (work / "scores").glob("*.csv"):
        path.unlink()  # of other recipes
    atomic_write_text(made, stamp)


def train(work: Path, arm: str, seed: int, recipes: dict[str, Any], path: Path, epochs: int | None) -> None:
    """One training of an arm; writes its scores of validation and test."""
    features, labels = FeatureSet(work / "data/features"), read_labels(work / "data/resplit")
    params = load(TrainParams, work / "params.yaml")
    if epochs is not None:
        step = max(1, round(params.lr_step * epochs / params.epochs))
        params = params.model_copy(update={"epochs": epochs, "lr_step": step})
    mine = {recipe["tool"] for part in ARMS[arm] for recipe in recipes[part]}
    if is_derived(labels).any():
        other = is_derived(labels) & ~labels["derived_by"].isin(sorted(mine)).to_numpy(dtype=bool)
        labels.loc[other, "split"] = UNUSED
    data = Data(features, *select_training(features.index, labels))
    own = int((~is_derived(labels) & (labels["split"] == "train")).sum())
    epochs = max(2, round(params.epochs * own / len(data.train)))
    step = max(1, round(params.lr_step * epochs / params.epochs))
    params = params.model_copy(update={"seed": seed, "epochs": epochs, "lr_step": step})
    print(f"{arm}, seed {seed}: {len(data.train)} clips, {epochs} epochs", flush=True)
    with deterministic(params.threads):
        content = data_hash(work / "data/features", features, {"train": data.train, "val": data.val})
        trained = train_detector(data, params, work / ".memo", content)
        rows = []
        for split in SPLITS:
            clips = select(features.index, labels, split)
            for row, name in zip(clips.rows.tolist(), clips.names, strict=True):
                score = clip_score(trained.detector, features.windows(row), 32, trained.device)
                rows.append(f"{split},{name},{format_score(score)}")
    trained.checkpoint.remove()
    atomic_write_text(path, "\n".join(["split,video_name,score", *rows]) + "\n")


def table(work: Path, arms: list[str], seeds: list[int]) -> Iterator[str]:
    """Lines of a Markdown table: AUC on never-seen forgeries, and the difference to the arm `none`."""
    labels = read_labels(work / "data/resplit")
    fake = (labels["target"] == 1).fillna(False).to_numpy(dtype=bool)
    train = (homes(labels) == "train").to_numpy(dtype=bool)
    seen = set(labels.loc[fake & train, "generator"].dropna())
    yield "| split | arm | AUC of each seed | mean (95 %) | against none (95 %) |"
    yield "| --- | --- | --- | --- | --- |"
    for split in SPLITS:
        scores = _read(work, labels, split, arms, seeds)
        keep = (scores.target == 0) | ~np.array([name in seen for name in scores.generator])
        for arm in arms:
            found = _mean_auc(scores, keep, arm, seeds, split)
            each = ", ".join(f"{value:.3f}" for value in found.each)
            text = f"| {split} | {arm} | {each} | {found.text()} |"
            if arm == "none" or "none" not in arms:
                yield f"{text} |"
                continue
            yield f"{text} {(found - _mean_auc(scores, keep, 'none', seeds, split)).text()} |"


def _read(work: Path, labels: pd.DataFrame, split: str, arms: list[str], seeds: list[int]) -> Scores:
    found: dict[tuple[str, int], dict[str, float]] = {}
    for arm, seed in itertools.product(arms, seeds):
        with (work / "scores" / f"{arm}-{seed}.csv").open(encoding="utf-8") as file:
            lines = [row for row in csv.DictReader(file) if row["split"] == split]
        found[arm, seed] = {row["video_name"]: float(row["score"]) for row in lines}
    scored = set.intersection(*map(set, found.values()))
    rows = labels[(homes(labels) == split) & labels["video_name"].isin(sorted(scored))]
    names = rows["video_name"].tolist()
    scores = {key: np.array([of[name] for name in names]) for key, of in found.items()}
    sources = [None if pd.isna(value) else str(value) for value in rows["source"]]
    generators = [None if pd.isna(value) else str(value) for value in rows["generator"]]
    return Scores(rows["target"].to_numpy(dtype=np.int64), sources, generators, scores)


def _mean_auc(scores: Scores, keep: np.ndarray, arm: str, seeds: list[int], split: str) -> MeanAuc:
    """Over seeds, of the clips marked; the same resamples for every arm, so that differences are paired."""
    source = [value for value, kept in zip(scores.source, keep, strict=True) if kept]
    found = mean_auc(scores.target[keep], source, [scores.score[arm, seed][keep] for seed in seeds], split)
    if found is None:
        raise UserError(
            f"{split}: no fake by a generator that training lacks", "name generators in the labels"
        )
    return found


if __name__ == "__main__":
    raise SystemExit(main())
