"""The scores of a revision with their labels, and the clips that two revisions both scored."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from avfake.dataset.labels import read_labels
from avfake.dataset.predictions import FILES, read_predictions
from avfake.errors import UserError
from avfake.evaluation.split import join, seen_generators
from avfake.gate.disturbed import read_disturbed
from avfake.gate.revision import Revision, named

LABELS = ("data/resplit", "data/labels")  # the first that a revision has
PREDICTIONS = "data/predictions"
ROBUSTNESS = "data/robustness"
WANTED = {
    **dict.fromkeys(LABELS, ("clips.parquet",)),
    PREDICTIONS: tuple(FILES.values()),
    ROBUSTNESS: ("scores.csv",),
}


@dataclass(frozen=True)
class Scores:
    """What a revision's detector said.

    Attributes:
        labels: the whole table of labels.
        splits: split -> table by video_name of target, score, generator, source; labelled clips alone.
        disturbed: split, video_name, target, condition, score; None where the revision has none.
        seen: generators of the training fakes, None where the labels do not name them.
    """

    labels: pd.DataFrame
    splits: dict[str, pd.DataFrame]
    disturbed: pd.DataFrame | None
    seen: frozenset[str] | None


def read_scores(revision: Revision, outputs: Path) -> Scores:
    """Reads labels and scores from the folder that holds the revision's outputs.

    Raises:
        UserError: the revision has no labels or no scores, or a file of them is damaged (a score that is
            no number, a name twice).
    """
    folders = [outputs / folder for folder in LABELS if (outputs / folder / "clips.parquet").is_file()]
    if not folders or not (outputs / PREDICTIONS / FILES["val"]).is_file():
        missing = PREDICTIONS if folders else LABELS[-1]
        raise UserError(
            f"{revision.name}: no {missing} is recorded in its dvc.lock, so no clip can be compared",
            "compare with a revision on which `dvc repro` was run and its dvc.lock committed",
        )
    with named(outputs, revision.name):
        labels = read_labels(folders[0])
        splits = {
            split: _joined(labels, split, outputs / PREDICTIONS / file)
            for split, file in FILES.items()
            if (outputs / PREDICTIONS / file).is_file()
        }
        path = outputs / ROBUSTNESS / "scores.csv"
        disturbed = read_disturbed(path) if path.is_file() else None
    return Scores(labels, splits, disturbed, seen_generators(labels))


def _joined(labels: pd.DataFrame, split: str, path: Path) -> pd.DataFrame:
    table = join(labels, read_predictions(path), (), split).table
    return table.set_index("video_name")[["target", "score", "generator", "source"]]
