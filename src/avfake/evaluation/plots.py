"""Tables behind the plots of `dvc plots show`: one CSV per kind of plot, every split in it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from avfake.evaluation.metrics import FloatArray, IntArray, NoFigure, calibration, need_both_classes

# A curve on a screen shows no more; `dvc plots diff` puts every point of every revision into one page.
MAX_POINTS = 500
HISTOGRAM_BINS = 20
DECIMALS = 6

COLUMNS = {
    "roc": ["split", "fpr", "tpr"],
    "precision_recall": ["split", "recall", "precision"],
    "histogram": ["split", "score", "class", "clips", "share"],
    "calibration": ["split", "predicted", "observed", "n"],
}


def tables(
    splits: Mapping[str, tuple[IntArray, FloatArray]], calibration_bins: int
) -> dict[str, pd.DataFrame]:
    """Every plot's table, by name; a split that cannot have a curve has no rows in it.

    Args:
        splits: split name -> target int [n] (1 = fake), score float [n] (probability of fake).
        calibration_bins: equal-width bins of the reliability table.
    """
    made: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for split, (target, score) in splits.items():
        for name, table in _of_split(target, score, calibration_bins).items():
            table.insert(0, "split", split)
            made[name].append(table)
    return {
        name: pd.concat(parts, ignore_index=True)[COLUMNS[name]]
        if parts
        else pd.DataFrame(columns=COLUMNS[name])
        for name, parts in made.items()
    }


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV text; numbers with six decimals, so that equal figures are equal bytes."""
    return table.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")


def thin(n: int) -> IntArray:
    """Positions of at most `MAX_POINTS` of `n` points, evenly spread, with the first and the last."""
    if n <= MAX_POINTS:
        return np.arange(n)
    return np.rint(np.linspace(0, n - 1, MAX_POINTS)).astype(np.int64)


def _of_split(target: IntArray, score: FloatArray, bins: int) -> dict[str, pd.DataFrame]:
    made: dict[str, pd.DataFrame] = {}
    if target.size == 0:
        return made
    predicted, observed, n = calibration(target, score, bins)
    made["calibration"] = pd.DataFrame({"predicted": predicted, "observed": observed, "n": n})
    made["histogram"] = _histogram(target, score)
    try:
        need_both_classes(target)
    except NoFigure:
        return made
    fpr, tpr, _ = roc_curve(target, score)
    kept = thin(fpr.size)
    made["roc"] = pd.DataFrame({"fpr": fpr[kept], "tpr": tpr[kept]})
    precision, recall, _ = precision_recall_curve(target, score, drop_intermediate=True)
    kept = thin(recall.size)
    # From recall 0 upwards, as the curve is read.
    made["precision_recall"] = pd.DataFrame(
        {"recall": recall[::-1][kept], "precision": precision[::-1][kept]}
    )
    return made


def _histogram(target: IntArray, score: FloatArray) -> pd.DataFrame:
    """Clips per bin of score and class; `score` is the middle of the bin, `share` is within the class."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    parts = []
    for value, name in ((0, "real"), (1, "fake")):
        clips, _ = np.histogram(score[target == value], bins=edges)
        parts.append(
            pd.DataFrame(
                {
                    "score": (edges[:-1] + edges[1:]) / 2,
                    "class": name,
                    "clips": clips,
                    "share": clips / max(1, clips.sum()),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
