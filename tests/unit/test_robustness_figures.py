"""The figures of robustness, against scikit-learn and by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from avfake.evaluation import delong
from avfake.evaluation.robustness import COLUMNS, Robustness, robustness
from avfake.params import RobustnessParams
from workspace import ROOT

CONDITIONS = ["mild", "harsh", "same"]


def params(n_bootstrap: int = 100, seed: int = 0) -> RobustnessParams:
    from avfake.params import load

    update = {"n_bootstrap": n_bootstrap, "seed": seed}
    return load(RobustnessParams, ROOT / "params.yaml").model_copy(update=update)


def scores(n: int = 40, seed: int = 0) -> pd.DataFrame:
    """`harsh` is mostly noise, `same` is clean again."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        target = i % 2
        clean = float(np.clip(rng.normal(0.35 + 0.3 * target, 0.2), 0, 1))
        noise = rng.random()
        values = {"clean": clean, "mild": 0.8 * clean + 0.2 * noise, "harsh": noise, "same": clean}
        rows += [(f"clip{i:02}.mp4", target, name, round(value, 6)) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["video_name", "target", "condition", "score"])


def made_of(table: pd.DataFrame, sources: dict | None = None, **settings: int) -> Robustness:
    return robustness(table, sources or {}, CONDITIONS, params(**settings), "nothing there")


def test_figures_can_be_recomputed() -> None:
    table = scores()
    made = made_of(table)
    auc = {name: roc_auc_score(part["target"], part["score"]) for name, part in table.groupby("condition")}
    wide = table.pivot(index="video_name", columns="condition", values="score")
    target = table[table["condition"] == "clean"].sort_values("video_name")["target"].to_numpy()
    assert (made.figures["n"], made.figures["n_real"], made.figures["n_fake"]) == (40, 20, 20)
    for name in ("clean", *CONDITIONS):
        assert made.figures[f"auc_{name}"] == pytest.approx(auc[name], abs=1e-6)
        low, high = made.figures[f"auc_{name}_ci_low"], made.figures[f"auc_{name}_ci_high"]
        expected = delong.delong_interval(target, wide[name].to_numpy(), 0.95)
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    for name in CONDITIONS:
        assert made.figures[f"drop_{name}"] == pytest.approx(auc["clean"] - auc[name], abs=1e-6)
    assert made.figures["auc_worst"] == made.figures["auc_harsh"]
    assert made.figures["auc_worst_ci_low"] == made.figures["auc_harsh_ci_low"]
    assert "harsh, of 3" in made.notes["auc_worst"][0]


def test_the_keys_stand_in_the_order_of_the_conditions() -> None:
    keys = list(made_of(scores()).figures)
    assert keys[:6] == ["n", "n_real", "n_fake", "auc_clean", "auc_clean_ci_low", "auc_clean_ci_high"]
    assert keys[6:10] == ["auc_mild", "auc_mild_ci_low", "auc_mild_ci_high", "drop_mild"]
    assert keys[-3:] == ["auc_worst", "auc_worst_ci_low", "auc_worst_ci_high"]


def test_the_drop_has_a_paired_interval_in_the_table_and_the_notes() -> None:
    made = made_of(scores())
    rows = {row["condition"]: row for row in made.rows}
    assert list(rows) == ["clean", *CONDITIONS]
    assert list(rows["clean"]) == list(COLUMNS[1:])
    assert rows["clean"]["drop"] is None
    assert rows["harsh"]["drop_low"] < rows["harsh"]["drop"] < rows["harsh"]["drop_high"]
    assert f"{rows['harsh']['drop_low']:.4f}" in made.notes["drop_harsh"][0]
    assert rows["same"]["drop"] == rows["same"]["drop_low"] == rows["same"]["drop_high"] == 0
    # Paired by clip: far narrower than the two intervals of the AUCs suggest.
    width = rows["mild"]["drop_high"] - rows["mild"]["drop_low"]
    assert width < 0.5 * (rows["mild"]["high"] - rows["mild"]["low"])


def test_with_sources_the_resamples_are_the_same_for_every_condition() -> None:
    table = scores(80)
    sources = {name: f"s{int(name[4:6]) // 8}" for name in table["video_name"]}
    made = made_of(table, sources)
    assert "bootstrap by source (10 sources)" in made.notes["auc_clean_ci_low"][0]
    for end in ("low", "high"):
        assert made.figures[f"auc_same_ci_{end}"] == made.figures[f"auc_clean_ci_{end}"]
    other = made_of(table, sources, seed=1)
    assert other.figures["auc_clean_ci_low"] != made.figures["auc_clean_ci_low"]
    assert other.figures["auc_clean"] == made.figures["auc_clean"]


def test_a_condition_that_some_clips_lack_is_compared_on_those_that_have_it() -> None:
    table = scores()
    lacking = table["video_name"].isin(["clip00.mp4", "clip01.mp4", "clip02.mp4"])
    part = table[~(lacking & (table["condition"] == "harsh"))]
    made = made_of(part)
    rest = table[~lacking].pivot(index=["video_name", "target"], columns="condition", values="score")
    rest = rest.reset_index()
    expected = roc_auc_score(rest["target"], rest["clean"]) - roc_auc_score(rest["target"], rest["harsh"])
    assert made.figures["drop_harsh"] == pytest.approx(expected, abs=1e-6)
    assert "37 of 40 clips" in made.notes["drop_harsh"][0]
    assert made.figures["n"] == 40


def test_order_of_rows_changes_nothing() -> None:
    table = scores()
    assert made_of(table) == made_of(table.sample(frac=1, random_state=1))


def test_one_class_only() -> None:
    table = scores()
    made = made_of(table[table["target"] == 1])
    nulls = {key for key, value in made.figures.items() if value is None}
    assert nulls == set(made.figures) - {"n", "n_real", "n_fake"}
    assert all("one class only: 20 fake clips" in made.notes[key][0] for key in nulls if "worst" not in key)
    assert made.notes["auc_worst"] == ["no condition has an AUC"]
    assert made.rows == []


def test_no_clip_at_all() -> None:
    made = made_of(scores().iloc[:0])
    assert made.figures["n"] == 0
    assert made.figures["auc_clean"] is made.figures["drop_mild"] is made.figures["auc_worst"] is None
    assert made.notes["auc_clean"] == ["nothing there"]
    assert {key for key, value in made.figures.items() if value is None} <= set(made.notes)


def test_a_condition_without_a_score_is_null_and_does_not_make_the_worst() -> None:
    table = scores()
    made = made_of(table[table["condition"] != "harsh"])
    assert made.figures["auc_harsh"] is made.figures["drop_harsh"] is None
    assert made.notes["auc_harsh"]
    assert made.figures["auc_worst"] == min(made.figures["auc_mild"], made.figures["auc_same"])
    assert [row["condition"] for row in made.rows] == ["clean", "mild", "same"]


def test_one_clip_of_a_class_has_an_auc_and_no_interval() -> None:
    table = scores()
    few = table[(table["target"] == 0) | (table["video_name"] == "clip01.mp4")]
    made = made_of(few)
    assert made.figures["auc_clean"] is not None
    assert made.figures["auc_clean_ci_low"] is made.figures["auc_worst_ci_high"] is None
    assert "two clips of each class" in made.notes["auc_clean_ci_low"][0]
    assert "no interval" in made.notes["drop_mild"][0]
    assert made.rows[0]["low"] is None
