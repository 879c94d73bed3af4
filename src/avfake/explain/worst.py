"""The clips of a split that the detector gets most wrong, from the files that the pipeline left behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from avfake.dataset.labels import homes, read_labels
from avfake.dataset.predictions import FILES, UNSCORED, read_predictions, read_unscored
from avfake.errors import UserError
from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.misclassified import misclassified
from avfake.evaluation.split import SplitScores, join
from avfake.evaluation.threshold import choose_threshold
from avfake.params import EvaluateParams

LABELS, PREDICTIONS = Path("data/resplit"), Path("data/predictions")
FALSE_ACCEPT, FALSE_ALARM = "false accept", "false alarm"


@dataclass(frozen=True)
class Wrong:
    """A clip on the wrong side of the threshold.

    Attributes:
        kind: `false accept` (a fake that passes as real) or `false alarm` (a real clip called fake).
        path: of the clip. score: of the prediction file. generator, source: None where no label says.
    """

    kind: str
    path: Path
    score: float
    generator: str | None
    source: str | None


@dataclass(frozen=True)
class Worst:
    """The worst clips of a split, false accepts first, each kind by how far off it is.

    Attributes:
        split: `val` or `test`. clips: at most n of each kind. threshold: fake from here; of validation.
        counts: how many there are of each kind. unscored: among all clips on the wrong side, those that have
            the training prior in place of a score of their own; they are in neither.
    """

    split: str
    clips: list[Wrong]
    threshold: float
    counts: Mapping[str, int]
    unscored: int


def worst(root: Path, split: str, n: int, params: EvaluateParams) -> Worst:
    """The `n` worst false accepts and the `n` worst false alarms of a split, in the current folder.

    The clips are those of misclassified.csv, which the stage `evaluate` writes: on the wrong side of the
    threshold that validation chooses.

    Args:
        root: the data root. split: `val` or `test`. n: of each kind. params: the section `evaluate`.

    Raises:
        UserError: a stage before has not run, or there is no threshold.
    """
    for path in (LABELS / "clips.parquet", PREDICTIONS / FILES["val"], PREDICTIONS / UNSCORED):
        if not path.exists():
            raise UserError(f"{path}: no such file", "run the stages up to predict: `dvc repro predict`")
    if not (PREDICTIONS / FILES[split]).exists():
        raise UserError(f"{PREDICTIONS / FILES[split]}: no such file", f"the data root has no {split} split")
    labels = read_labels(LABELS)
    unscored = {item.video_name for item in read_unscored(PREDICTIONS / UNSCORED) if item.split == split}
    threshold = choose_threshold(_scores("val", labels), params)
    if isinstance(threshold, NoFigure):
        raise UserError(
            f"no clip can be called wrong without a threshold: {threshold}",
            "validation needs labelled and scored clips of both classes",
        )
    scores = _scores(split, labels)
    table = misclassified({split: scores}, {split: np.full(len(scores.target), np.nan)}, threshold)
    usable = table[~table["video_name"].isin(list(unscored))]
    folders = dict(zip(scores.table["video_name"], homes(scores.table), strict=True))
    found: list[Wrong] = []
    counts = {}
    for kind, target in ((FALSE_ACCEPT, 1), (FALSE_ALARM, 0)):
        own = usable[usable["target"] == target]
        counts[kind] = len(own)
        found += [_wrong(kind, row, root, folders) for row in own.head(n).to_dict("records")]
    return Worst(split, found, threshold.value, counts, len(table) - len(usable))


def _scores(split: str, labels: pd.DataFrame) -> SplitScores:
    return join(labels, read_predictions(PREDICTIONS / FILES[split]), set(), split)


def _wrong(kind: str, row: Mapping[Any, Any], root: Path, folders: Mapping[str, str]) -> Wrong:
    name = row["video_name"]
    return Wrong(
        kind=kind,
        path=root / f"{folders[name]}set" / name,
        score=float(row["score"]),
        generator=_text(row["generator"]),
        source=_text(row["source"]),
    )


def _text(value: object) -> str | None:
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]
