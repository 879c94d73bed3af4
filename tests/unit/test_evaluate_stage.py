"""The stage in an empty folder with real files around it, and the tables of the plots."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from avfake.dataset.predictions import Unscored, write_predictions, write_unscored
from avfake.errors import UserError
from avfake.evaluation import plots
from avfake.files import write_parquet
from avfake.stages import evaluate

PARAMS = Path(__file__).parents[2] / "params.yaml"
N = 120


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as `predict` leaves it: three splits, an unlabelled clip, an unreadable clip."""
    rng = np.random.default_rng(0)
    shutil.copy(PARAMS, tmp_path)
    rows: list[tuple] = []
    for split in ("train", "val", "test"):
        for i in range(N):
            target = i % 2
            generator = ("g1" if split == "train" or i % 4 == 1 else "g2") if target else "real"
            rows.append((split, f"{split}{i:03}.mp4", target, generator, f"{split}-s{i % 12}"))
    rows.append(("val", "val-unlabelled.mp4", None, None, None))
    names = ["split", "video_name", "target", "generator", "source"]
    types = [pa.string(), pa.string(), pa.int8(), pa.string(), pa.string()]
    columns = zip(names, types, zip(*rows, strict=True), strict=True)
    write_parquet(
        pa.table({n: pa.array(v, t) for n, t, v in columns}), tmp_path / "data/labels/clips.parquet"
    )
    for split, name in (("val", "prediction.csv"), ("test", "prediction_test.csv")):
        scores = [
            (row[1], float(np.clip(rng.normal(0.4 + 0.2 * (row[2] or 0), 0.2), 0, 1)))
            for row in rows
            if row[0] == split
        ]
        write_predictions(tmp_path / "data/predictions" / name, scores[::-1])
    write_unscored(tmp_path / "data/predictions/unscored.csv", [Unscored("val", "val003.mp4", "no sound")])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path: str) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_notes() -> dict[str, str]:
    return {key: " ".join(texts) for key, texts in read("metrics/notes.json").items()}


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in ("metrics", "plots")
        for path in sorted((folder / part).iterdir())
    }


def test_the_figures_can_be_recomputed_with_pandas(folder: Path) -> None:
    evaluate.main()
    labels = pd.read_parquet("data/labels/clips.parquet")
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
    table = pd.read_csv("data/predictions/prediction.csv").sample(frac=1, random_state=1)
    write_predictions("data/predictions/prediction.csv", table.itertuples(index=False), "y_pred")
    evaluate.main()
    assert outputs(folder) == first


@pytest.mark.parametrize("absent", ["file", "rows"])
def test_without_a_test_split_every_figure_is_null_with_its_reason(folder: Path, absent: str) -> None:
    labels = pd.read_parquet("data/labels/clips.parquet")
    table = pa.Table.from_pandas(labels[labels.split != "test"], preserve_index=False)
    write_parquet(table, "data/labels/clips.parquet")
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
    "name", ["labels/clips.parquet", "predictions/prediction.csv", "predictions/unscored.csv"]
)
def test_a_missing_input_names_the_file_and_the_remedy(folder: Path, name: str) -> None:
    Path("data", name).unlink()
    with pytest.raises(UserError, match=name) as caught:
        evaluate.main()
    assert "dvc repro evaluate" in caught.value.remedy


@pytest.mark.parametrize("value", ["nan", "1.5", "-0.1", "", "fake"])
def test_a_bad_score_names_file_and_line_and_writes_nothing(folder: Path, value: str) -> None:
    Path("data/predictions/prediction.csv").write_text(
        f"video_name,score\nval000.mp4,0.5\nval001.mp4,{value}\n"
    )
    with pytest.raises(UserError, match=r"prediction\.csv line 3"):
        evaluate.main()
    assert not Path("metrics").exists()


def test_one_class_in_validation(folder: Path) -> None:
    labels = pd.read_parquet("data/labels/clips.parquet")
    labels.loc[labels.split == "val", "target"] = 1
    write_parquet(pa.Table.from_pandas(labels, preserve_index=False), "data/labels/clips.parquet")
    evaluate.main()
    made, notes = read("metrics/evaluate.json"), read_notes()
    assert made["auc"] is made["threshold"] is None
    assert "one class only" in notes["evaluate.auc"]
    test = read("metrics/evaluate_test.json")
    assert test["auc"] is not None
    assert test["f1"] is None
    assert "validation" in notes["evaluate_test.f1"]
    assert set(pd.read_csv("plots/roc.csv")["split"]) == {"test"}


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
