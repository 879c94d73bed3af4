"""The clips of one split that figures are made of: labels joined with scores, nothing lost without a word."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfake.dataset.labels import HOME, homes
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
        table: the same clips [n] with every column of the labels (video_name, home, ...).
    """

    target: IntArray
    score: FloatArray
    source: list[str | None]
    generator: list[str | None]
    n_unscored: int
    left_out: tuple[str, ...]
    why_empty: str
    table: pd.DataFrame


def join(
    labels: pd.DataFrame, predictions: pd.DataFrame, unscored: Collection[str], split: str
) -> SplitScores:
    """Joins the labels of `split` with its scores, sorted by name.

    Args:
        labels: split, video_name, target (nullable), generator, source, further columns; other splits are
            left aside.
        predictions: video_name, score; names without a label (an unlabelled clip, a submission template
            that asks for more) are left out and counted.
        unscored: names of the split's clips that got the training prior as score.
        split: name of the split.
    """
    of_split = labels[labels["split"] == split]
    known = of_split[of_split["target"].notna()]
    # A further column of the labels may be called `score`; ours keeps its name.
    both = known.merge(
        predictions, on="video_name", how="inner", validate="one_to_one", suffixes=("_of_labels", "")
    ).sort_values("video_name")
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
        source=texts(both["source"]),
        generator=texts(both["generator"]),
        n_unscored=int(both["video_name"].isin(list(unscored)).sum()),
        left_out=tuple(left_out),
        why_empty=why_empty,
        table=both.reset_index(drop=True),
    )


def sound_seconds(split: SplitScores, facts: pd.DataFrame) -> FloatArray:
    """Length of the sound of each clip [n] in seconds, NaN where it has none.

    Args:
        split: of labels that name each clip's home, the split whose folder holds the clip.
        facts: split (that home), video_name, sound_seconds.
    """
    keys = pd.DataFrame({HOME: homes(split.table), "video_name": split.table["video_name"]})
    known = facts[["split", "video_name", "sound_seconds"]].rename(columns={"split": HOME})
    both = keys.merge(known, on=[HOME, "video_name"], how="left", validate="one_to_one")
    return both["sound_seconds"].to_numpy(dtype=np.float64)


def seen_generators(labels: pd.DataFrame) -> frozenset[str] | None:
    """Generators of the training fakes; None where the training labels do not name any."""
    train = labels[(labels["split"] == "train") & (labels["target"] == 1).fillna(False)]
    names = frozenset(name for name in texts(train["generator"]) if name is not None)
    return names or None


def texts(column: "pd.Series[str]") -> list[str | None]:
    """A column as text, None where it is missing."""
    return [None if pd.isna(value) else str(value) for value in column]
