"""Labels of the toy features with generators and sources, and the table that `resplit` makes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import read_labels, write_table
from avfake.params import ResplitParams, load
from avfake.resplit.plan import pass_through
from toy_features import make_workspace

Rule = Callable[[str, int, int], str | None]  # split, number within it, target
SIZES = {"train": 24, "val": 13, "test": 7}
GENERATORS = ("comb", "hum", "warp")


def pass_on(folder: Path) -> None:
    """Writes data/resplit with nothing held out."""
    done = pass_through(read_labels(folder / "data/labels"), load(ResplitParams, folder / "params.yaml"))
    write_table(done.labels, folder / "data/resplit")


def relabel(folder: Path, **rules: Rule) -> None:
    """Changes columns of the labels by a rule each, and passes them on."""
    labels = read_labels(folder / "data/labels")
    numbers = [int(name.split("-")[1].split(".")[0]) for name in labels["video_name"]]
    for column, rule in rules.items():
        labels[column] = [
            rule(split, number, int(target))
            for split, number, target in zip(labels["split"], numbers, labels["target"], strict=True)
        ]
    write_table(labels, folder / "data/labels")
    pass_on(folder)


def a_generator(split: str, number: int, target: int) -> str:
    """Each third fake is of the same generator."""
    return GENERATORS[number // 2 % 3] if target else "real"


def a_source(split: str, number: int, target: int) -> str:
    """Four sources per split, each with reals and fakes; none in two splits."""
    return f"{split}-speaker-{number // 2 % 4}"


def make_labelled(folder: Path, **params: Any) -> Path:
    """A workspace with three generators in train and val and four sources per split."""
    made = make_workspace(folder, sizes=SIZES, **params)
    relabel(made, generator=a_generator, source=a_source)
    return made


def paint(folder: Path, rows: dict[int, int]) -> None:
    """Lifts a band of train's windows by clip number, so that the clusters are known beforehand."""
    features = FeatureSet(folder / "data/features")
    path = folder / "data/features/train/shard-00.npy"
    windows = np.load(path)
    for number, kind in rows.items():
        start, count = (int(features.index[name].iloc[number]) for name in ("start", "count"))
        windows[start : start + count, :, 8 + 4 * kind : 12 + 4 * kind] = 255 - 40 * kind
    np.save(path, windows)
