"""Our training loop beside the baseline recipe's: pictures per second, and time to the baseline's AUC.

    python -m benchmarks.bench_training [--pictures 160] [--rounds 3] [--workers 2]
    python -m benchmarks.bench_training --root data/sample --work DIR    # and the time to the baseline's AUC

Pictures per second: of an epoch with its validation, after one that warms up; the same backbone and pictures
in both loops, ours with the baseline's parameters (the row `baseline recipe` of ablation.yaml), theirs as it
stands in baseline_loop.py. Each runs in processes of its own, and the loops alternate. Without a root the
pictures are those of clips made on the spot.

Time to the baseline's AUC: the baseline is trained for its epochs; what counts is its AUC on validation at
the end, and when it first was as good. Then params.yaml as it stands is trained until its AUC on validation
is as high, with `selection: validation`: the AUC of a fold is of other clips. Both clocks run from before the
model is made; they see the reading of pictures or windows and not their making, which bench_extract measures.
Only the ratios of one run count.
"""

import argparse
import csv
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
from ruamel.yaml import YAML

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import read_labels
from avfake.errors import RunError
from avfake.files import atomic_write_text, write_json
from avfake.model.clips import open_inputs, select, select_training
from avfake.stages._run import stage_main
from benchmarks.ablation import read_plan
from benchmarks.stage_runs import ROOT, Runs, with_changes

RECIPE = "baseline recipe"
PICTURES = "pictures"
LOOPS = ("baseline", "avfake")

Epochs = list[tuple[float, float]]  # seconds since the begin, AUC of validation


class Reached(Exception):  # noqa: N818 - no error
    """The AUC that was asked for."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints pictures per second of both loops, and the time to the baseline's AUC if there is a root."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=160, help="of an epoch, without a root")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds")
    parser.add_argument("--workers", type=int, default=2, help="of the baseline's DataLoader")
    parser.add_argument("--backbone", default="resnet18", help="of both loops, for pictures per second")
    parser.add_argument("--root", type=Path, help="data root")
    parser.add_argument("--work", type=Path, help="folder of what is made of ROOT")
    parser.add_argument("--loop", nargs=2, metavar=("FOLDER", "UNTIL"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.loop is not None:
        train_here(Path(options.loop[0]), float(options.loop[1]))
        return
    if (options.root is None) != (options.work is None):
        parser.error("--root and --work go together")
    if options.root is not None:
        runs = Runs(options.work, options.root)
        compare_speed(runs, options)
        compare_time(runs, options)
        return
    from tests.clips import make_root

    with tempfile.TemporaryDirectory() as folder:
        make_root(Path(folder) / "root", n_train=options.pictures, n_val=max(4, options.pictures // 4))
        compare_speed(Runs(Path(folder) / "work", Path(folder) / "root"), options)


def compare_speed(runs: Runs, options: argparse.Namespace) -> None:
    """Prints pictures per second of both loops."""
    folder, params = prepared(runs, recipe() | {"train.backbone": options.backbone, "train.epochs": 2})
    n = write_pictures(folder)
    rates: dict[str, list[float]] = {name: [] for name in LOOPS}
    for _ in range(options.rounds):
        for name in LOOPS:
            epochs = run(name, folder, params["train"], options.workers)
            rates[name].append(n / (epochs[1][0] - epochs[0][0]))
    for name, values in rates.items():
        print(f"{name:<9} {statistics.median(values):7.2f} pictures/s")
    ratios = [ours / theirs for theirs, ours in zip(rates["baseline"], rates["avfake"], strict=True)]
    print(
        f"avfake's loop with {options.backbone}: {statistics.median(ratios):.2f} times as fast"
        f" ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def compare_time(runs: Runs, options: argparse.Namespace) -> None:
    """Prints after which share of the baseline's time params.yaml as it stands is as good on validation.

    Raises:
        RunError: it never is.
    """
    folder, params = prepared(runs, recipe())
    write_pictures(folder)
    theirs = run("baseline", folder, params["train"], options.workers)
    whole, aim = theirs[-1]
    first = next(seconds for seconds, auc in theirs if auc >= aim)
    print(
        f"baseline: AUC {aim:.3f} after {len(theirs)} epochs; first as good after {first / whole:.2f} of that"
    )
    folder, params = prepared(runs, {"train.selection": "validation"})
    ours = run("avfake", folder, params["train"], options.workers, aim)
    seconds, auc = ours[-1]
    if auc < aim:
        raise RunError(f"params.yaml comes to an AUC of {auc:.3f} in its {len(ours)} epochs", "train longer")
    print(
        f"avfake: AUC {auc:.3f} after {len(ours)} epochs, in {seconds / whole:.3f} of the time of the"
        f" baseline's training, and in {seconds / first:.3f} of the time in which that first was as good"
    )


def recipe() -> dict[str, Any]:
    """The baseline recipe's changes of params.yaml."""
    return read_plan(ROOT / "benchmarks/ablation.yaml")[1][RECIPE]


def prepared(runs: Runs, changes: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """A folder with the features, labels and parameters of a training, and its parameters."""
    base = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = runs.complete(with_changes(base, {**changes, "extract.n_faces": 0}))
    folder = runs.work / "loops" / runs.folder("train", params).name
    for stage in ("featurize", "resplit"):
        made = runs.make(stage, params).folder
        for out in runs.stages[stage].outs:
            (folder / out).parent.mkdir(parents=True, exist_ok=True)
            (folder / out).unlink(missing_ok=True)
            (folder / out).symlink_to(made / out)
    write_json(folder / "params.yaml", params)
    return folder, params


def write_pictures(folder: Path) -> int:
    """The pictures of train and val as jpg files, as the recipe has them. Returns how many train has."""
    from benchmarks.baseline_loop import LABELS

    features, labels = FeatureSet(folder / "data/features"), read_labels(folder / "data/resplit")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("split", "path", "target"))
    counts = {}
    for split in ("train", "val"):
        clips = select(features.index, labels, split)
        counts[split] = len(clips)
        (folder / PICTURES / split).mkdir(parents=True, exist_ok=True)
        for number, (row, target) in enumerate(zip(clips.rows.tolist(), clips.targets.tolist(), strict=True)):
            name = f"{split}/{number}.jpg"
            cv2.imwrite(str(folder / PICTURES / name), features.windows(row)[0, 0])
            rows.writerow((split, name, target))
    atomic_write_text(folder / PICTURES / LABELS, text.getvalue())
    return counts["train"]


def run(name: str, folder: Path, train: dict[str, Any], workers: int, until: float = 2.0) -> Epochs:
    """The epochs of a loop in a process of its own; ours ends at an AUC of `until`."""
    words = {
        "baseline": [
            "benchmarks.baseline_loop",
            folder / PICTURES,
            train["epochs"],
            workers,
            train["backbone"],
        ],
        "avfake": ["benchmarks.bench_training", "--loop", folder, until],
    }[name]
    # Only our stages set it, for themselves.
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("clock ")]
    return [(float(seconds), float(auc)) for seconds, auc in rows]


def train_here(folder: Path, until: float) -> None:
    """Trains as the stage does; prints the clock after every epoch, and ends at an AUC of `until`."""
    from avfake.model.inference import deterministic
    from avfake.model.recipe import train_detector
    from avfake.model.validation import Data
    from avfake.params import TrainParams, load

    def told(row: dict[str, float]) -> None:
        print("clock", time.perf_counter() - start, row["val_auc"], flush=True)
        if row["val_auc"] >= until:
            raise Reached

    params = load(TrainParams, folder / "params.yaml")
    start = time.perf_counter()
    features, labels = open_inputs(folder / "data/features", folder / "data/resplit")
    data = Data(features, *select_training(features.index, labels))
    with tempfile.TemporaryDirectory() as memo, deterministic(params.threads):
        try:
            train_detector(data, params, memo, "", on_epoch=told)
        except Reached:
            return


if __name__ == "__main__":
    stage_main(lambda: main())
