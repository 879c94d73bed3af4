"""`avfake audit rules` on a small repository: it passes, and each broken rule fails by name."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from avfake import scoring
from avfake.cli.audit_rules import rules
from avfake.dataset.predictions import read_predictions, write_predictions
from avfake.rules.verdict import MAY_BE_UNCHECKED, TITLES
from clips import make_clip
from judged import build, change_json, write_lock
from workspace import DATA, label_rows, once, set_params

CLIPS = Path("data/training/clips.csv")
APP = typer.Typer()
APP.command()(rules)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return once(tmp_path_factory, "judged", build)


@pytest.fixture
def place(built, tmp_path, monkeypatch):
    """A copy of the repository to break."""
    shutil.copytree(built, tmp_path / "place", symlinks=True)
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def asked(*arguments: str, code: int) -> str:
    done = CliRunner().invoke(APP, list(arguments))
    assert done.exit_code == code, done.output
    return done.stdout


def failing() -> dict[str, str]:
    """The rules that fail, each with its faults as one text."""
    report = json.loads(asked("--json", code=1))
    assert report["passed"] is False
    return {item["rule"]: " ".join(item["faults"]) for item in report["rules"] if item["status"] == "fail"}


def clip_of(split: str) -> Path:
    return Path(DATA) / f"{split}set" / label_rows(Path(DATA) / f"{split}_label.txt")[1][0]


def add_to_list(name: str) -> None:
    CLIPS.write_text(f"{CLIPS.read_text()}{name}\n")


def test_a_model_that_keeps_every_rule(place):
    text = asked(code=0)
    assert "rules: passed; not checked: container built and run" in text
    report = json.loads(asked("--json", code=0))
    assert [item["rule"] for item in report["rules"]] == list(TITLES)
    assert {item["rule"] for item in report["rules"] if item["status"] != "pass"} == MAY_BE_UNCHECKED
    evidence = {item["rule"]: " ".join(item["evidence"]) for item in report["rules"]}
    facts = json.loads(Path("models/model.json").read_text())
    assert "opened model.json, model.safetensors, and no other weights" in evidence["one_model"]
    assert f"{facts['parameters']:,} parameters by counting" in evidence["parameters"]
    assert "random weights" in evidence["pretraining"]
    assert "4 clips trained on, compared" in evidence["validation"]
    assert "8 of 8 files" in evidence["external_data"]
    assert "no derived clips" in evidence["extra_samples"]
    assert "in data/predictions/prediction.csv" in evidence["scoring_function"]
    assert 'entry point is ["avfake"]' in evidence["container"]


def test_a_second_file_of_weights(place):
    shutil.copy("models/model.safetensors", "models/other.pth")
    assert failing().keys() == {"one_model", "container"}
    (place / "models/other.pth").unlink()
    (place / "models/deeper").mkdir()
    (place / "models/deeper/table").write_bytes(b"weights under no name of weights")
    assert "models/deeper/table" in failing()["one_model"]
    set_params(place, {"rules.one_model": False})
    write_lock(place)
    asked(code=0)


def test_an_export_is_a_second_file_whatever_its_record_says(place):
    Path("models/model.onnx").write_bytes(b"said to be the same model")
    Path("models/model_onnx.json").write_text("{}")
    found = failing()
    assert "models/model.onnx" in found["one_model"]
    assert "models/model.onnx" in found["container"]


def test_weights_that_are_not_those_of_the_record(place):
    path = Path("models/model.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    found = failing()
    assert "SHA-256" in found["one_model"]
    assert "damaged" in found["scoring_function"]
    assert "dvc.lock says" in found["container"]


def test_a_scorer_that_opens_other_weights(place, monkeypatch):
    shutil.copy("models/model.safetensors", "second.safetensors")
    plain = scoring.Scorer.score

    def two_models(self: scoring.Scorer, path: str) -> float:
        import safetensors.torch

        safetensors.torch.load_file("second.safetensors")
        return plain(self, path)

    monkeypatch.setattr(scoring.Scorer, "score", two_models)
    assert "second.safetensors" in failing()["one_model"]


def test_a_model_of_imagenet21k(place):
    change_json(Path("models/model.json"), backbone="vit_tiny_patch16_224.augreg_in21k")
    found = failing()
    assert "`in21k` in `vit_tiny_patch16_224.augreg_in21k` stands for ImageNet-21K" in found["pretraining"]
    assert "dvc.lock says" in found["container"]


def test_validation_by_name(place):
    name = clip_of("val").name
    add_to_list(name)
    found = failing()
    assert name in found["validation"]
    assert "is not the list that the model was trained on" in found["validation"]
    assert name in found["external_data"]


def test_validation_under_another_name(place):
    """A training clip's file is replaced by one of validation; only its content tells."""
    shutil.copy(clip_of("val"), clip_of("train"))
    found = failing()
    assert f"{clip_of('train').name} = {clip_of('val').name} (val)" in found["validation"]
    assert "changed since they were read" in found["external_data"]


def test_a_list_from_which_a_clip_was_taken(place):
    CLIPS.write_text("".join(CLIPS.read_text().splitlines(keepends=True)[:-1]))
    assert failing().keys() == {"validation"}


def test_features_of_another_training(place):
    path = next(Path("data/features/train").glob("*.npy"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([255 - data[-1]]))
    assert "are not what the model was trained on" in failing()["validation"]


def test_an_external_clip(place):
    """Its label was there for the training and is gone: whoever hands in the label file hands in another."""
    labels = Path(DATA) / "train_label.txt"
    gone = clip_of("train").name
    labels.write_text(
        "".join(line for line in labels.read_text().splitlines(keepends=True) if gone not in line)
    )
    found = failing()
    assert found.keys() == {"external_data"}
    assert f"1 training clip in neither {labels} nor the manifest: {gone}" in found["external_data"]


def test_a_score_above_one(place, monkeypatch):
    monkeypatch.setattr(scoring, "score", lambda path, model="models": 1.5)  # noqa: ARG005
    found = failing()
    assert found.keys() == {"scoring_function"}
    assert "avfake.score returned 1.5, a score lies from 0 to 1" in found["scoring_function"]


def test_predictions_of_something_else(place):
    path = Path("data/predictions/prediction.csv")
    table = read_predictions(path)
    write_predictions(path, [(name, 1 - score) for name, score in table.itertuples(index=False)])
    assert "by the function" in failing()["scoring_function"]
    set_params(place, {"predict.tta": 2})
    asked(code=0)


def test_a_clip_of_ones_own(place, tmp_path):
    path = make_clip(tmp_path / "own.mp4", kind="speech")
    assert "own.mp4 is no clip of data/facts that has a prediction" in " ".join(
        asked("--clip", str(path), code=0).split()
    )
    (tmp_path / "none.mp4").write_text("no clip")
    assert "none.mp4" in asked("--clip", str(tmp_path / "none.mp4"), code=1)


def test_a_model_elsewhere(place):
    shutil.copytree("models", "handed-in")
    assert "handed-in holds 1 file of weights" in asked("--model", "handed-in", code=0)
    change_json(Path("models/model.json"), sha256="0" * 64)
    text = " ".join(asked("--model", "handed-in", code=1).split())
    assert "not compared with data/predictions: they were made with the model in models/" in text


@pytest.mark.parametrize(
    "path", ["models/model.json", "models/model.safetensors", "data/facts/facts.parquet", DATA, "params.yaml"]
)
def test_what_cannot_be_judged(place, path):
    (shutil.rmtree if Path(path).is_dir() else Path.unlink)(Path(path))
    done = CliRunner().invoke(APP, [])
    assert done.exit_code == 2
    assert "remedy: " in done.stderr
