"""The clips of one split that figures are made of: labels joined with scores, nothing lost without a word."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfake.evaluation.metrics import FloatArray, IntArray


@dataclass(frozen=True)
class SplitScores:
    """The labelled and scored clips of a split, by name.

    Attributes:
        target: int64 [n], 1 = fake.
        score: float64 [n], probability of fake.
        source: group of each clip [n], None where unknown.
        generator: how each clip was made [n], None where unknown.
        n_unscored: clips among them whose score is the training prior, because they could not be read.
        left_out: sentences about clips that have a label or a score but not both.
        why_empty: what to say where there is no clip.
    """

    target: IntArray
    score: FloatArray
    source: list[str | None]
    generator: list[str | None]
    n_unscored: int
    left_out: tuple[str, ...]
    why_empty: str


def join(
    labels: pd.DataFrame, predictions: pd.DataFrame, unscored: Collection[str], split: str
) -> SplitScores:
    """Joins the labels of `split` with its scores, sorted by name.

    Args:
        labels: split, video_name, target (nullable), generator, source; other splits are left aside.
        predictions: video_name, score; names without a label (an unlabelled clip, a submission template
            that asks for more) are left out and counted.
        unscored: names of the split's clips that got the training prior as score.
        split: name of the split.
    """
    of_split = labels[labels["split"] == split]
    known = of_split[of_split["target"].notna()]
    both = known.merge(predictions, on="video_name", how="inner", validate="one_to_one").sort_values(
        "video_name"
    )
    left_out = []
    if no_label := len(predictions) - len(both):
        left_out.append(f"{no_label} scored clips without a label are left out")
    if no_score := len(known) - len(both):
        left_out.append(f"{no_score} labelled clips without a row in the prediction file are left out")
    if of_split.empty and predictions.empty:
        why_empty = f"the data root has no {split} split"
    elif known.empty:
        why_empty = f"no labels for the {split} split"
    else:
        why_empty = f"no clip of the {split} split has both a label and a score"
    return SplitScores(
        target=both["target"].to_numpy(dtype=np.int64),
        score=both["score"].to_numpy(dtype=np.float64),
        source=_texts(both["source"]),
        generator=_texts(both["generator"]),
        n_unscored=int(both["video_name"].isin(list(unscored)).sum()),
        left_out=tuple(left_out),
        why_empty=why_empty,
    )


def seen_generators(labels: pd.DataFrame) -> frozenset[str] | None:
    """Generators of the training fakes; None where the training labels do not name any."""
    train = labels[(labels["split"] == "train") & (labels["target"] == 1).fillna(False)]
    names = frozenset(name for name in _texts(train["generator"]) if name is not None)
    return names or None


def _texts(column: "pd.Series[str]") -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column]
