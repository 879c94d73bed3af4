"""Scores of disturbed clips (stage `robustness`): the file, and the clips that two revisions share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from avfake.errors import UserError
from avfake.evaluation.metrics import FloatArray, IntArray, NoFigure
from avfake.evaluation.split import texts

if TYPE_CHECKING:
    from avfake.gate.scores import Scores

COLUMNS = ["split", "video_name", "target", "condition", "score"]
CLEAN = "clean"


@dataclass(frozen=True)
class ConditionPair:
    """The scores under one condition: which clips [m] have both, base's and head's score of each [m]."""

    clips: IntArray
    base: FloatArray
    head: FloatArray


@dataclass(frozen=True)
class DisturbedPair:
    """The disturbed clips that both revisions scored: target [n], source [n], scores by condition.

    A clip may lack a condition, since not every clip can be disturbed in every way.
    """

    target: IntArray
    source: list[str | None]
    conditions: dict[str, ConditionPair]


def read_disturbed(path: Path) -> pd.DataFrame:
    """The scores of disturbed clips: split, video_name, target, condition, score.

    Raises:
        UserError: another header, a score that is no number in [0, 1], a clip twice under a condition.
    """
    remedy = "write the file anew: `dvc repro robustness`"
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype=str)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no table of scores: {error}", remedy) from None
    if list(table.columns) != COLUMNS:
        raise UserError(f"{path} line 1: the header is `{','.join(table.columns)}`", remedy)
    score = pd.to_numeric(table["score"], errors="coerce")
    wrong = np.flatnonzero(~score.between(0, 1) | ~table["target"].isin(["0", "1"]))
    if wrong.size:
        row = table.iloc[wrong[0]]
        raise UserError(
            f"{path} line {wrong[0] + 2}: `{row['score']}` is no score or `{row['target']}` no target", remedy
        )
    doubled = np.flatnonzero(table.duplicated(["split", "video_name", "condition"]))
    if doubled.size:
        row = table.iloc[doubled[0]]
        raise UserError(
            f"{path} line {doubled[0] + 2}: `{row['video_name']}` stands twice under {row['condition']}",
            remedy,
        )
    return table.assign(score=score.astype(float), target=table["target"].astype(np.int64))


def pair_disturbed(split: str, base: "Scores", head: "Scores") -> DisturbedPair:
    """The clips and conditions of a split that both revisions scored, the undisturbed clips left aside.

    Raises:
        NoFigure: there is no such condition, or no such clip.
    """
    if base.disturbed is None or head.disturbed is None:
        raise NoFigure("no scores of disturbed clips in both revisions")
    keys = ["video_name", "target", "condition"]
    both = _of_split(base.disturbed, split).merge(
        _of_split(head.disturbed, split), on=keys, suffixes=("_base", "_head"), validate="one_to_one"
    )
    if both.empty:
        raise NoFigure("no disturbed clip that both revisions scored and labelled alike")
    names = sorted(set(both["video_name"]))
    clips = both.drop_duplicates("video_name").set_index("video_name").loc[names]
    labels = head.labels[head.labels["split"] == split].set_index("video_name").reindex(names)
    return DisturbedPair(
        target=clips["target"].to_numpy(dtype=np.int64),
        source=texts(labels["source"]),
        conditions={
            str(condition): ConditionPair(
                np.searchsorted(names, part["video_name"].tolist()),
                part["score_base"].to_numpy(dtype=np.float64),
                part["score_head"].to_numpy(dtype=np.float64),
            )
            for condition, part in both.groupby("condition")
        },
    )


def _of_split(table: pd.DataFrame, split: str) -> pd.DataFrame:
    chosen = (table["split"] == split) & (table["condition"] != CLEAN)
    return table.loc[chosen, ["video_name", "target", "condition", "score"]]
