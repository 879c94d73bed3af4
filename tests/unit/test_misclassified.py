"""The clips on the wrong side of the threshold, against a filter done by hand."""

import numpy as np
import pandas as pd

from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.misclassified import COLUMNS, misclassified
from avfake.evaluation.plots import to_csv
from avfake.evaluation.split import SplitScores
from avfake.evaluation.threshold import Threshold

NAMES = ["a", "B", "b", "c", "d", "e"]
SPLIT = SplitScores(
    target=np.array([0, 0, 1, 1, 1, 0]),
    score=np.array([0.2, 0.9, 0.1, 0.7, 0.55, 0.6]),
    source=["s1", None, "s1", "s2", "s2", "s2"],
    generator=["real", "real", "g1", "g1", None, None],
    n_unscored=0,
    left_out=(),
    why_empty="",
    table=pd.DataFrame({"video_name": NAMES}),
)
SECONDS = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0])


def made(threshold: Threshold | NoFigure) -> pd.DataFrame:
    return misclassified({"val": SPLIT, "test": SPLIT}, {"val": SECONDS, "test": SECONDS}, threshold)


def test_the_worst_come_first_and_equal_errors_by_name() -> None:
    table = made(Threshold(0.6, "by hand"))
    assert tuple(table.columns) == COLUMNS
    assert list(table["split"]) == ["val"] * 4 + ["test"] * 4
    # B and b are .9 off, e is .6 off and stands on the threshold, d is .45 off; c and a are right
    assert list(table["video_name"][:4]) == ["B", "b", "e", "d"]
    np.testing.assert_allclose(table["error"][:4], [0.9, 0.9, 0.6, 0.45])


def test_a_row_says_what_there_is_to_say() -> None:
    text = to_csv(made(Threshold(0.6, "by hand"))).splitlines()
    assert text[0] == ",".join(COLUMNS)
    assert text[1] == "val,B,0,0.900000,0.900000,real,,2.000000"
    assert text[2] == "val,b,1,0.100000,0.900000,g1,s1,"


def test_every_row_is_wrong_and_no_wrong_clip_is_missing() -> None:
    rng = np.random.default_rng(0)
    target, score = rng.integers(2, size=500), np.round(rng.random(500), 6)
    split = SplitScores(
        target, score, [None] * 500, [None] * 500, 0, (), "",
        pd.DataFrame({"video_name": [f"{i:03}" for i in range(500)]}),
    )  # fmt: skip
    table = misclassified({"val": split}, {"val": np.full(500, np.nan)}, Threshold(0.3, "by hand"))
    wrong = {f"{i:03}" for i in range(500) if (score[i] >= 0.3) != bool(target[i])}
    assert set(table["video_name"]) == wrong
    assert len(table) == len(wrong)
    assert table["error"].is_monotonic_decreasing


def test_without_a_threshold_or_a_clip_there_is_a_header_only() -> None:
    assert to_csv(made(NoFigure("none"))) == ",".join(COLUMNS) + "\n"
    assert misclassified({}, {}, Threshold(0.5, "by hand")).empty
    assert made(Threshold(2.0, "above all"))["target"].eq(1).all()
