"""Heads on the features of a backbone that is not trained, the cheap baseline: AUC by front end and head.

    python -m benchmarks.frozen_features --work DIR [--data .] [--front-ends log_mel lfcc log_mel+cqt]
        [--backbone tf_efficientnet_lite0] [--pretrained SOURCE] [--test]

DATA is a folder in which the pipeline has run up to `resplit`: its data/extracted and data/resplit are read
and nothing in it is written. Windows are made with its params.yaml and each front end in turn (`a+b`: two
channels); windows and features stay in DIR for the next call.

Heads: `windows`: logistic regression on single windows and the mean of probabilities, which is what
`train.frozen_head: linear` makes a detector of; `mean`, `mean and sd`: logistic regression on a clip's mean
features, and on their standard deviations too; `boosted`: histogram gradient boosting on both. The strength
of each regression is chosen inside the training clips, by folds that keep a source (speaker) together, so
that validation has chosen nothing. The test is read with --test alone, for the one table that reports it.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

import avfake.stages  # noqa: F401 - before torch: threads that wait without spinning
from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import read_labels
from avfake.errors import UserError
from avfake.features.front_ends import has_lines
from avfake.files import atomic_file, sha256_file
from avfake.model import linear_heads
from avfake.model.clips import Clips, select
from avfake.model.detector import Detector, build
from avfake.model.feature_table import Table, read_table
from avfake.model.inference import choose_device, deterministic, to_device
from avfake.model.pretrained import load_pretrained
from avfake.model.provenance import code_facts, fingerprint
from avfake.model.recipe import weights_file
from avfake.params import TrainParams, load
from avfake.stages._run import stage_main

ROOT = Path(__file__).parents[1]
FRONT_ENDS = ("log_mel", "log_linear", "lfcc", "cqt")
FOLDS = 5
BATCH = 32

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Head = Callable[[Table], Floats]


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of this comparison")
    parser.add_argument("--data", type=Path, default=Path(), help="folder in which the pipeline has run")
    parser.add_argument("--front-ends", nargs="+", default=list(FRONT_ENDS), metavar="NAME[+NAME]")
    parser.add_argument("--backbone", help="instead of train.backbone")
    parser.add_argument("--pretrained", help="instead of train.pretrained")
    parser.add_argument("--test", action="store_true", help="the test's AUC besides; read it once")
    options = parser.parse_args(arguments)
    data = options.data.resolve()
    params = load(TrainParams, data / "params.yaml")
    params = params.model_copy(
        update={
            "backbone": options.backbone or params.backbone,
            "pretrained": options.pretrained or params.pretrained,
        }
    )
    splits = ["train", "val", "test"] if options.test else ["train", "val"]
    shown = [text for split in splits[1:] for text in (split, f"{split}, never seen")]
    print(f"{params.backbone}, {params.pretrained}\n")
    print(f"| front end | head | {' | '.join(shown)} |")
    print(f"| --- | --- |{' --- |' * len(shown)}")
    labels = read_labels(data / "data/resplit")
    for name in options.front_ends:
        folder = featurize(data, options.work / name, name.split("+"))
        with deterministic(params.threads):
            tables, clips = read_tables(folder, labels, splits, params)
            groups = source_groups(clips["train"])
            for head, score in fit_heads(tables["train"], groups, params.seed):
                values = [value for split in splits[1:] for value in aucs(score(tables[split]), clips, split)]
                print(f"| {name} | {head} | {' | '.join(values)} |", flush=True)


def featurize(data: Path, folder: Path, front_ends: list[str]) -> Path:
    """The windows of the clips in `data` by these front ends, in `folder`, made unless they are there."""
    extracted = data / "data/extracted"
    if not extracted.is_dir():
        raise UserError(f"{extracted}: no such folder", "`dvc repro resplit` there")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    link = folder / "data/extracted"
    link.unlink(missing_ok=True)
    link.symlink_to(extracted, target_is_directory=True)
    yaml = YAML()
    params = yaml.load((data / "params.yaml").read_text(encoding="utf-8"))
    params["featurize"]["front_end"] = front_ends
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
    # Seen before, a clip's windows come from the memo in `folder`.
    done = subprocess.run(
        [sys.executable, "-m", "avfake.stages.featurize"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.returncode)  # the stage has said why
    return folder


def read_tables(
    folder: Path, labels: pd.DataFrame, splits: list[str], params: TrainParams
) -> tuple[dict[str, Table], dict[str, Clips]]:
    """Features of each split's clips, by the backbone or from an earlier call."""
    features = FeatureSet(folder / "data/features")
    clips = {split: select(features.index, labels, split) for split in splits}
    device = choose_device(params.device)
    detector: Detector | None = None
    weights = weights_file(params)
    network = [params.backbone, params.seed, weights and sha256_file(weights), code_facts(), str(device)]
    tables = {}
    for split, part in clips.items():
        shards = sorted(set(features.index["shard"].iloc[part.rows]))
        content = [sha256_file(features.folder / shard) for shard in shards]
        key = fingerprint(network, content, part.rows.tolist(), part.counts.tolist())
        path = folder / "tables" / f"{key}.npz"
        if not path.is_file():
            if detector is None:
                torch.manual_seed(params.seed)
                detector = build(params.backbone, features.shape, lines=has_lines(features.info))
                load_pretrained(detector, params.backbone, params.pretrained, features.shape)
                detector = to_device(detector, device)
            table = read_table(detector, features, part, BATCH, device)
            with atomic_file(path) as file:
                np.savez(file, features=table.features, clip=table.clip)
        with np.load(path) as stored:
            tables[split] = Table(stored["features"], stored["clip"], part.targets)
    return tables, clips


def fit_heads(train: Table, groups: Ints, seed: int) -> list[tuple[str, Head]]:
    """Every head, fitted on the training clips, as (name, what scores the clips of a table)."""
    means, both = train.clip_means(train.features), train.clip_statistics()
    boosted = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.05, class_weight="balanced", early_stopping=False, random_state=seed
    )
    with threadpool_limits(1, user_api="openmp"):
        boosted.fit(both, train.targets)
    on_windows, window_c = _fit_windows(train, groups)
    on_means, mean_c = _fit_clips(means, train.targets, groups)
    on_both, both_c = _fit_clips(both, train.targets, groups)
    return [
        (
            f"windows, C {window_c:g}",
            lambda table: table.clip_means(_sigmoid(on_windows.log_odds(table.features))),
        ),
        (f"mean, C {mean_c:g}", lambda table: on_means.log_odds(table.clip_means(table.features))),
        (f"mean and sd, C {both_c:g}", lambda table: on_both.log_odds(table.clip_statistics())),
        ("boosted", lambda table: boosted.predict_proba(table.clip_statistics())[:, 1]),
    ]


def source_groups(clips: Clips) -> Ints:
    """A number for each clip, the same for clips of one source; a clip without a source is alone."""
    pairs = zip(clips.names, clips.sources, strict=True)
    named = [f"clip {name}" if source is None else f"source {source}" for name, source in pairs]
    return np.unique(named, return_inverse=True)[1].astype(np.int64)


def aucs(scores: Floats, clips: dict[str, Clips], split: str) -> tuple[str, str]:
    """AUC of a split's clips, and of its reals against fakes by generators of which training has none."""
    part = clips[split]
    seen = {
        name for name, target in zip(clips["train"].generators, clips["train"].targets, strict=True) if target
    }
    strange = np.array([name is not None and name not in seen for name in part.generators])
    kept = strange | (part.targets == 0)
    unseen = f"{roc_auc_score(part.targets[kept], scores[kept]):.3f}" if part.targets[kept].any() else "none"
    return f"{roc_auc_score(part.targets, scores):.3f}", unseen


def class_weights(targets: Ints) -> Floats:
    """Weight of each clip, float64 [clips], one on average and of both classes the same in all."""
    weights: Floats = (len(targets) / 2 / np.bincount(targets, minlength=2))[targets]
    return weights


def _fit_windows(train: Table, groups: Ints) -> tuple[linear_heads.Linear, float]:
    weights = class_weights(train.targets)[train.clip] / np.bincount(train.clip)[train.clip]
    targets = train.window_targets

    def fit(kept: NDArray[np.bool_], strength: float) -> Head:
        rows = kept[train.clip]
        linear = linear_heads.fit_linear(train.features[rows], targets[rows], weights[rows], strength)
        return lambda table: table.clip_means(_sigmoid(linear.log_odds(table.features)))

    chosen = _choose(train.targets, groups, lambda kept, strength: fit(kept, strength)(train))
    return linear_heads.fit_linear(train.features, targets, weights, chosen), chosen


def _fit_clips(x: Floats, targets: Ints, groups: Ints) -> tuple[linear_heads.Linear, float]:
    weights = class_weights(targets)

    def scores(kept: NDArray[np.bool_], strength: float) -> Floats:
        return linear_heads.fit_linear(x[kept], targets[kept], weights[kept], strength).log_odds(x)

    chosen = _choose(targets, groups, scores)
    return linear_heads.fit_linear(x, targets, weights, chosen), chosen


def _choose(targets: Ints, groups: Ints, scores: Callable[[NDArray[np.bool_], float], Floats]) -> float:
    """The strength of the highest mean AUC over folds of clips [n]; of equals the strongest penalty.

    `scores` fits on the clips marked and scores all.
    """
    folds = min(FOLDS, *(len(np.unique(groups[targets == value])) for value in (0, 1)))
    if folds < 2:
        return linear_heads.STRENGTHS[len(linear_heads.STRENGTHS) // 2]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    means = []
    parts = list(splitter.split(targets, targets, groups))
    for strength in linear_heads.STRENGTHS:
        found = []
        for fitted, left in parts:
            if len(set(targets[fitted])) == len(set(targets[left])) == 2:
                kept = np.zeros(len(targets), np.bool_)
                kept[fitted] = True
                found.append(roc_auc_score(targets[left], scores(kept, strength)[left]))
        means.append(np.mean(found) if found else 0.0)
    return linear_heads.STRENGTHS[int(np.argmax(means))]


def _sigmoid(odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-odds))


if __name__ == "__main__":
    stage_main(main)
