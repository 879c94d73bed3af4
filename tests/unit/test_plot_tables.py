"""The tables of the plots: thinned, complete, and never without a header."""

import csv

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from avfake.evaluation import plots


def curves(n: int = 20_000) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(0)
    target = rng.integers(2, size=n)
    score = np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1), 6)
    return plots.tables({"val": (target, score), "test": (target[:50], score[:50])}, 10)


def test_curves_are_thinned_and_keep_their_ends() -> None:
    made = curves()
    for name, x, y, ends in (
        ("roc", "fpr", "tpr", [(0, 0), (1, 1)]),
        ("precision_recall", "recall", "precision", [(0, 1), (1, None)]),
    ):
        for _, curve in made[name].groupby("split"):
            assert len(curve) <= plots.MAX_POINTS
            assert curve[x].is_monotonic_increasing
            for row, (left, right) in zip((0, -1), ends, strict=True):
                assert curve[x].iloc[row] == left
                assert right is None or curve[y].iloc[row] == right
        assert (made[name]["split"] == "val").sum() == plots.MAX_POINTS


def test_the_thinned_roc_has_the_area_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(2, size=20_000)
    score = np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1)
    curve = plots.tables({"val": (target, score)}, 10)["roc"]
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(roc_auc_score(target, score), abs=1e-3)


def test_the_histogram_counts_every_clip_once() -> None:
    made = curves()["histogram"]
    assert made.groupby("split")["clips"].sum().to_dict() == {"val": 20_000, "test": 50}
    shares = made.groupby(["split", "class"])["share"].sum()
    assert shares.to_numpy() == pytest.approx(np.ones(4))


def test_the_calibration_table_counts_every_clip_once() -> None:
    made = curves()["calibration"]
    assert made.groupby("split")["n"].sum().to_dict() == {"val": 20_000, "test": 50}
    assert made["observed"].between(0, 1).all()


def test_tables_without_clips_have_a_header_only() -> None:
    empty = (np.zeros(0, dtype=np.int64), np.zeros(0))
    for name, table in plots.tables({"val": empty}, 10).items():
        assert next(csv.reader([plots.to_csv(table)])) == plots.COLUMNS[name]
        assert table.empty
