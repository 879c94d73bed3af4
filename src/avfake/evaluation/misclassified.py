"""The clips on the wrong side of the threshold, the worst first: what to listen to."""

import numpy as np
import pandas as pd

from avfake.evaluation.metrics import FloatArray, NoFigure
from avfake.evaluation.split import SplitScores
from avfake.evaluation.threshold import Threshold

COLUMNS = ("split", "video_name", "target", "score", "error", "generator", "source", "sound_seconds")


def misclassified(
    splits: dict[str, SplitScores], seconds: dict[str, FloatArray], threshold: Threshold | NoFigure
) -> pd.DataFrame:
    """A row per clip that is called what it is not, with the columns `COLUMNS`.

    `error` is |score - target|, by which the rows of a split are sorted, then by name. Without a threshold
    no clip is called anything, and there is no row.

    Args:
        splits: split name -> its clips, in the table's order.
        seconds: split name -> length of the sound of each clip [n], NaN where it has none.
        threshold: as chosen on validation, or why there is none.
    """
    parts = []
    for name, split in splits.items():
        if isinstance(threshold, NoFigure):
            continue
        table = pd.DataFrame(
            {
                "split": name,
                "video_name": split.table["video_name"],
                "target": split.target,
                "score": split.score,
                "error": np.abs(split.score - split.target),
                "generator": pd.Series(split.generator, dtype=object),
                "source": pd.Series(split.source, dtype=object),
                "sound_seconds": seconds[name],
            }
        )
        wrong = table[(split.score >= threshold.value) != (split.target == 1)]
        # The error as it is written: equal texts are in the order of the names.
        parts.append(
            wrong.sort_values(
                ["error", "video_name"],
                ascending=[False, True],
                key=lambda column: column.round(6) if column.name == "error" else column,
            )
        )
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]
