"""Small revisions, scores and reports for the tests of the gate."""

from pathlib import Path

import numpy as np
import pandas as pd

from avfake.evaluation.metrics import Interval
from avfake.gate.revision import Lock, Revision
from avfake.gate.scores import Scores
from avfake.gate.verdict import Report, Row
from avfake.params import GateParams

GATE = {
    "tolerance_auc": 0.02,
    "tolerance_eer": 0.02,
    "tolerance_log_loss": 0.1,
    "tolerance_ece": 0.05,
    "confidence": 0.95,
    "n_bootstrap": 200,
    "seed": 0,
}


def revision(metrics=None, *, name="head", notes=None, params=None, outs=None, deps=None) -> Revision:
    return Revision(
        name, name * 10, Path(name), metrics or {}, notes or {}, params or {}, Lock(outs or {}, deps or {})
    )


def labels(rows: list[tuple]) -> pd.DataFrame:
    """Rows of split, video_name, target, generator, source."""
    table = pd.DataFrame(rows, columns=["split", "video_name", "target", "generator", "source"], dtype=object)
    return table.assign(target=table["target"].astype("Int8"))


def scores(
    table: pd.DataFrame, values: dict[str, list[float]], disturbed=None, seen=frozenset({"a"})
) -> Scores:
    splits = {}
    for split, score in values.items():
        clips = table[table["split"] == split].set_index("video_name")
        splits[split] = clips[["target", "generator", "source"]].assign(score=np.asarray(score, dtype=float))
    return Scores(table, splits, disturbed, seen)


def row(state: str, key: str = "auc", split: str = "val", *, decides: bool = True, **values) -> Row:
    interval = Interval(-0.3, -0.1, "0.95 interval") if state == "worse" else None
    given = {"base": 0.9, "head": 0.7, "difference": -0.2, "interval": interval, "tolerance": 0.02}
    return Row(split, "evaluate", key, **{**given, **values}, state=state, decides=decides)


def report(rows=(), **values) -> Report:
    made = Report(revision(name="base"), revision(name="head"), GateParams(**GATE), False, False)
    made.rows += rows
    for name, value in values.items():
        setattr(made, name, value)
    return made
