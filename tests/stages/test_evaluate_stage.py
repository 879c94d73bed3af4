"""The stage in an empty folder with real files around it."""

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from avfake.dataset.predictions import write_predictions
from avfake.errors import UserError
from avfake.files import write_parquet
from avfake.stages import evaluate
from predicted_folder import N, as_predict_leaves, outputs, read, read_notes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return as_predict_leaves(tmp_path)


def test_the_figures_can_be_recomputed_with_pandas(folder: Path) -> None:
    evaluate.main()
    labels = pd.read_parquet("data/resplit/clips.parquet")
    for split, scores, figures in (
        ("val", "prediction.csv", "evaluate"),
        ("test", "prediction_test.csv", "evaluate_test"),
    ):
        known = labels[(labels.split == split) & labels.target.notna()]
        both = known.merge(pd.read_csv(f"data/predictions/{scores}"), on="video_name")
        made = read(f"metrics/{figures}.json")
        assert made["auc"] == pytest.approx(roc_auc_score(both.target, both.score), abs=1e-6)
        assert made["n"] == N
        called = both.score >= made["threshold"]
        assert made["accuracy"] == pytest.approx((called == both.target).mean(), abs=1e-6)
        unseen = both[both.generator != "g1"]
        assert made["auc_unseen"] == pytest.approx(roc_auc_score(unseen.target, unseen.score), abs=1e-6)


def test_the_threshold_of_validation_judges_the_test_split(folder: Path) -> None:
    evaluate.main()
    val, test = read("metrics/evaluate.json"), read("metrics/evaluate_test.json")
    assert val["threshold"] == test["threshold"]
    scores = pd.read_csv("data/predictions/prediction_test.csv")
    scores["score"] = 1 - scores["score"]
    write_predictions("data/predictions/prediction_test.csv", scores.itertuples(index=False))
    evaluate.main()
    again = read("metrics/evaluate_test.json")
    assert again["threshold"] == test["threshold"]
    assert again["auc"] == pytest.approx(1 - test["auc"], abs=2e-6)


def test_notes_name_file_and_figure(folder: Path) -> None:
    evaluate.main()
    notes = read_notes()
    assert "1 scored clips without a label" in notes["evaluate.n"]
    assert "evaluate_test.n" not in notes
    assert read("metrics/evaluate.json")["n_unscored"] == 1
    assert "12 sources" in notes["evaluate_test.auc_ci_low"]
    for name in ("evaluate", "evaluate_test"):
        nulls = {key for key, value in read(f"metrics/{name}.json").items() if value is None}
        assert nulls == {"tpr_at_fpr_1e_2", "tpr_at_fpr_5e_3", "tpr_at_fpr_1e_3"}
        assert {f"{name}.{key}" for key in nulls} <= set(notes)


def test_two_runs_and_another_order_of_rows_give_the_same_bytes(folder: Path) -> None:
    evaluate.main()
    first = outputs(folder)
    assert sorted(first) == [
        "data/evaluation/figures.csv",
        "data/evaluation/groups.csv",
        "data/evaluation/misclassified.csv",
        "metrics/evaluate.json",
        "metrics/evaluate_test.json",
        "metrics/notes.json",
        "plots/calibration.csv",
        "plots/histogram.csv",
        "plots/precision_recall.csv",
        "plots/roc.csv",
    ]
    shutil.rmtree("metrics")
    shutil.rmtree("plots")
    shutil.rmtree("data/evaluation")
    table = pd.read_csv("data/predictions/prediction.csv").sample(frac=1, random_state=1)
    write_predictions("data/predictions/prediction.csv", table.itertuples(index=False), "y_pred")
    evaluate.main()
    assert outputs(folder) == first


@pytest.mark.parametrize("absent", ["file", "rows"])
def test_without_a_test_split_every_figure_is_null_with_its_reason(folder: Path, absent: str) -> None:
    labels = pd.read_parquet("data/resplit/clips.parquet")
    table = pa.Table.from_pandas(labels[labels.split != "test"], preserve_index=False)
    write_parquet(table, "data/resplit/clips.parquet")
    if absent == "file":
        Path("data/predictions/prediction_test.csv").unlink()
    else:
        write_predictions("data/predictions/prediction_test.csv", [])
    evaluate.main()
    made, notes = read("metrics/evaluate_test.json"), read_notes()
    assert made["auc"] is None
    assert notes["evaluate_test.auc"] == "the data root has no test split"
    assert made["n"] == 0
    assert set(pd.read_csv("plots/roc.csv")["split"]) == {"val"}
    assert read("metrics/evaluate.json")["auc"] is not None


def test_a_missing_file_of_a_labelled_test_split_is_an_error(folder: Path) -> None:
    Path("data/predictions/prediction_test.csv").unlink()
    with pytest.raises(UserError, match="prediction_test"):
        evaluate.main()


@pytest.mark.parametrize(
    "name",
    [
        "resplit/clips.parquet",
        "facts/facts.parquet",
        "predictions/prediction.csv",
        "predictions/unscored.csv",
    ],
)
def test_a_missing_input_names_the_file_and_the_remedy(folder: Path, name: str) -> None:
    Path("data", name).unlink()
    with pytest.raises(UserError, match=name) as caught:
        evaluate.main()
    assert "dvc repro evaluate" in caught.value.remedy


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1.5", "-0.1", "", "fake"])
def test_a_bad_score_names_file_and_line_and_writes_nothing(folder: Path, value: str) -> None:
    Path("data/predictions/prediction.csv").write_text(
        f"video_name,score\nval000.mp4,0.5\nval001.mp4,{value}\n"
    )
    with pytest.raises(UserError, match=r"prediction\.csv line 3"):
        evaluate.main()
    assert not Path("metrics").exists()


def test_one_class_in_validation(folder: Path) -> None:
    labels = pd.read_parquet("data/resplit/clips.parquet")
    labels.loc[labels.split == "val", "target"] = 1
    write_parquet(pa.Table.from_pandas(labels, preserve_index=False), "data/resplit/clips.parquet")
    evaluate.main()
    made, notes = read("metrics/evaluate.json"), read_notes()
    assert made["auc"] is made["threshold"] is None
    assert "one class only" in notes["evaluate.auc"]
    test = read("metrics/evaluate_test.json")
    assert test["auc"] is not None
    assert test["f1"] is None
    assert "validation" in notes["evaluate_test.f1"]
    assert set(pd.read_csv("plots/roc.csv")["split"]) == {"test"}
