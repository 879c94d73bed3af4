"""What `evaluate` writes to data/evaluation, and the clips that `resplit` held out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from avfake.dataset.predictions import write_predictions
from avfake.errors import UserError
from avfake.files import write_parquet
from avfake.stages import evaluate
from predicted_folder import N, as_predict_leaves, hold_out, outputs, read, read_notes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return as_predict_leaves(tmp_path)


@pytest.fixture
def held_out(folder: Path) -> Path:
    return hold_out(folder)


def test_every_figure_stands_in_the_table_beside_its_interval(folder: Path) -> None:
    evaluate.main()
    table = pd.read_csv("data/evaluation/figures.csv").set_index(["split", "figure"])
    for split, name in (("val", "evaluate"), ("test", "evaluate_test")):
        made = read(f"metrics/{name}.json")
        rows = table.loc[split]
        assert list(rows.index) == [key for key in made if key in rows.index]
        assert {"auc", "f1", "accuracy", "tpr_at_fpr_1e_2", "min_dcf", "auc_unseen"} <= set(rows.index)
        for key, row in rows.iterrows():
            assert row["note"]
            assert (made[key] is None) == np.isnan(row["value"])
            if made[key] is not None:
                assert row["value"] == pytest.approx(made[key], abs=1e-6)
                assert row["ci_low"] < row["ci_high"]
            if f"{key}_ci_low" in made and made[key] is not None:
                assert row["ci_low"] == made[f"{key}_ci_low"]


def test_groups_can_be_recomputed_with_pandas(folder: Path) -> None:
    evaluate.main()
    table = pd.read_csv("data/evaluation/groups.csv", keep_default_na=False)
    assert list(dict.fromkeys(zip(table["split"], table["column"], strict=True))) == [
        (split, column) for split in ("val", "test") for column in ("generator", "source", "duration")
    ]
    labels = pd.read_parquet("data/resplit/clips.parquet")
    both = labels[labels.split == "val"].merge(
        pd.read_csv("data/predictions/prediction.csv"), on="video_name"
    )
    of_g2 = both[both.generator.isin(["g2", "real"])]
    [row] = table[(table.split == "val") & (table.group == "g2")].to_dict("records")
    assert float(row["auc"]) == pytest.approx(roc_auc_score(of_g2.target.astype(int), of_g2.score), abs=1e-6)
    [row] = table[(table.split == "val") & (table.column == "duration") & (table.group == "(none)")].to_dict(
        "records"
    )
    assert (int(row["n"]), row["auc"]) == (1, "")
    assert "clips without sound" in row["note"]


def test_misclassified_clips_are_as_many_as_the_accuracy_says(folder: Path) -> None:
    evaluate.main()
    table = pd.read_csv("data/evaluation/misclassified.csv")
    for split, name in (("val", "evaluate"), ("test", "evaluate_test")):
        made, of_split = read(f"metrics/{name}.json"), table[table.split == split]
        assert len(of_split) == round((1 - made["accuracy"]) * N)
        assert ((of_split.score >= made["threshold"]) != (of_split.target == 1)).all()
    facts = pd.read_parquet("data/facts/facts.parquet")
    both = table.merge(facts, on=["split", "video_name"], suffixes=("", "_of_facts"))
    assert len(both) == len(table)
    np.testing.assert_array_equal(both["sound_seconds"], both["sound_seconds_of_facts"])


def test_held_out_clips_are_the_unseen_ones_of_validation(held_out: Path) -> None:
    evaluate.main()
    labels = pd.read_parquet("data/resplit/clips.parquet")
    both = labels[labels.split == "held_out"].merge(
        pd.read_csv("data/predictions/prediction_held_out.csv"), on="video_name"
    )
    made, notes = read("metrics/evaluate.json"), read_notes()
    assert made["auc_unseen"] == pytest.approx(roc_auc_score(both.target.astype(int), both.score), abs=1e-6)
    assert made["n_unseen_fake"] == 20
    assert "20 held-out forgeries against 20 held-out real clips" in notes["evaluate.auc_unseen"]
    # a test has forgeries of its own: those whose generator training never saw
    test = read("metrics/evaluate_test.json")
    assert test["n_unseen_fake"] == 30
    assert "held_out" not in notes.get("evaluate_test.auc_unseen", "")
    assert not any(key.startswith("held_out") for key in notes)
    groups = pd.read_csv("data/evaluation/groups.csv", keep_default_na=False)
    of_held = groups[(groups.split == "held_out") & (groups.column == "generator")]
    assert list(of_held["group"]) == ["g7", "g8"]
    for name in ("figures", "misclassified"):
        assert set(pd.read_csv(f"data/evaluation/{name}.csv")["split"]) == {"val", "test", "held_out"}
    for name in ("roc", "histogram", "calibration"):
        assert set(pd.read_csv(f"plots/{name}.csv")["split"]) == {"val", "test", "held_out"}
    wrong = pd.read_csv("data/evaluation/misclassified.csv")
    assert wrong.loc[wrong.split == "held_out", "sound_seconds"].notna().all()


def test_held_out_labels_without_scores_are_an_error(held_out: Path) -> None:
    Path("data/predictions/prediction_held_out.csv").unlink()
    with pytest.raises(UserError, match="prediction_held_out"):
        evaluate.main()


def test_scores_of_an_earlier_hold_out_are_not_read(folder: Path) -> None:
    evaluate.main()
    first = outputs(folder)
    write_predictions("data/predictions/prediction_held_out.csv", [("train001.mp4", 0.5)])
    evaluate.main()
    assert outputs(folder) == first


@pytest.mark.parametrize("column", ["generator", "source"])
def test_labels_without_a_column_have_groups_that_say_so(folder: Path, column: str) -> None:
    labels = pd.read_parquet("data/resplit/clips.parquet")
    labels[column] = pd.Series([None] * len(labels), dtype=object)
    table = pa.Table.from_pandas(labels, preserve_index=False)
    place = table.column_names.index(column)
    table = table.set_column(place, column, pa.nulls(len(labels), pa.string()))
    write_parquet(table, "data/resplit/clips.parquet")
    evaluate.main()
    groups = pd.read_csv("data/evaluation/groups.csv", keep_default_na=False)
    of_column = groups[groups.column == column]
    assert len(of_column) == 2
    assert of_column["note"].str.contains(f"has a `{column}`").all()
    made, notes = read("metrics/evaluate.json"), read_notes()
    assert made["auc"] is not None
    assert (made["auc_unseen"] is None) == (column == "generator")
    assert ("DeLong" in notes["evaluate.auc_ci_low"]) == (column == "source")


def test_names_that_differ_by_case_are_two_clips(folder: Path) -> None:
    labels = pd.read_parquet("data/resplit/clips.parquet")
    names = {"val000.mp4": "Clip.mp4", "val001.mp4": "clip.mp4"}  # real, fake
    labels["video_name"] = labels["video_name"].replace(names)
    write_parquet(pa.Table.from_pandas(labels, preserve_index=False), "data/resplit/clips.parquet")
    scores = pd.read_csv("data/predictions/prediction.csv")
    scores["video_name"] = scores["video_name"].replace(names)
    scores.loc[scores.video_name == "Clip.mp4", "score"] = 0.999999
    scores.loc[scores.video_name == "clip.mp4", "score"] = 0.000001
    write_predictions("data/predictions/prediction.csv", scores.itertuples(index=False))
    evaluate.main()
    wrong = pd.read_csv("data/evaluation/misclassified.csv")
    assert wrong[["video_name", "target", "score"]].head(2).to_numpy().tolist() == [
        ["Clip.mp4", 0, 0.999999],
        ["clip.mp4", 1, 0.000001],
    ]
    assert read("metrics/evaluate.json")["n"] == N
