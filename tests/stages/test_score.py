"""One clip's score from the file alone is the pipeline's score of that clip."""

import csv
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

import avfake
from avfake.cli import app
from avfake.cli.score import SOME_UNREADABLE
from avfake.errors import UserError
from avfake.media.errors import ClipError
from avfake.stages import extract, featurize, predict, resplit, train
from clips import make_clip, make_root
from workspace import DATA, ROOT, SMALL, set_params


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder in which the stages ran from clips to predictions; some test clips cannot be read."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(folder, SMALL | {"train.epochs": 1, "extract.n_faces": 0, "data.max_unreadable": 1.0})
    make_root(folder / DATA, n_train=4, n_val=2, n_test=4, seconds=1.3)
    (folder / DATA / "testset/text.mp4").write_text("no clip")
    make_clip(folder / DATA / "testset/mute.mp4", audio=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in (extract, featurize, resplit, train, predict):
            stage.main()
    return folder


@pytest.fixture
def folder(built, monkeypatch):
    monkeypatch.chdir(built)
    return built


def predictions(name: str = "prediction_test.csv") -> dict[str, str]:
    with (Path("data/predictions") / name).open(newline="") as file:
        return {row["video_name"]: row["score"] for row in csv.DictReader(file)}


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


UNREADABLE = ("mute.mp4", "text.mp4")


def test_scorer_and_pipeline_agree(folder):
    scorer = avfake.Scorer("models")
    scores = predictions()
    assert len(scores) == 6
    for name, expected in scores.items():
        if name not in UNREADABLE:
            score = scorer.score(folder / DATA / "testset" / name)
            assert isinstance(score, float)
            assert f"{score:.6f}" == expected
            assert avfake.score(folder / DATA / "testset" / name) == score


def test_a_model_trained_anew_is_loaded_anew(folder, tmp_path):
    clip = next((folder / DATA / "valset").iterdir())
    model = tmp_path / "models"
    model.mkdir()
    for path in (folder / "models").iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    before = avfake.score(clip, model)
    facts = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps(facts | {"sha256": "0" * 64}))
    os.utime(model / "model.json", (1, 1))
    with pytest.raises(UserError, match="damaged"):
        avfake.score(clip, model)
    assert 0 <= before <= 1


@pytest.mark.parametrize(
    ("name", "reason"), [("text.mp4", "."), ("mute.mp4", "no audio stream"), ("none.mp4", "no such file")]
)
def test_what_cannot_be_read_is_an_error_with_its_reason(folder, name, reason):
    with pytest.raises(ClipError, match=reason) as caught:
        avfake.score(folder / DATA / "testset" / name)
    assert caught.value.reason
    assert name not in caught.value.reason


def test_no_model(tmp_path):
    with pytest.raises(UserError, match=r"model\.json: no such file"):
        avfake.Scorer(tmp_path)


def test_another_version_of_the_front_end(folder, tmp_path):
    for path in (folder / "models").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    facts = json.loads((tmp_path / "model.json").read_text())
    facts["features"]["version"] = "of another year"
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="of another year"):
        avfake.Scorer(tmp_path)


def test_csv_of_a_folder_is_the_prediction_file(folder):
    done = run("score", "--csv", "--model", "models", f"{DATA}/testset")
    assert done.exit_code == SOME_UNREADABLE
    assert done.stdout == Path("data/predictions/prediction_test.csv").read_text()
    for name in UNREADABLE:
        assert f"not scored: {DATA}/testset/{name}: " in done.stderr


def test_json_says_why(folder):
    done = run("score", "--json", f"{DATA}/testset")
    assert done.exit_code == SOME_UNREADABLE
    items = {item["video_name"]: item for item in map(json.loads, done.stdout.splitlines())}
    scores = predictions()
    assert list(items) == sorted(scores)
    assert items["mute.mp4"] == {
        "video_name": "mute.mp4",
        "path": f"{DATA}/testset/mute.mp4",
        "score": None,
        "error": "no audio stream",
    }
    for name in scores.keys() - set(UNREADABLE):
        assert f"{items[name]['score']:.6f}" == scores[name]


def test_a_table_of_readable_files_ends_well(folder):
    names = [name for name in predictions() if name not in UNREADABLE][:2]
    done = run("score", *(f"{DATA}/testset/{name}" for name in reversed(names)))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["score", "clip"]
    assert lines[1:] == [f"{predictions()[name]}  {DATA}/testset/{name}" for name in reversed(names)]
    assert done.stderr == ""


def test_odd_names(folder, tmp_path):
    source = next((folder / DATA / "valset").iterdir())
    name = "žluťoučký, kůň 1.mp4"
    (tmp_path / name).write_bytes(source.read_bytes())
    (tmp_path / "notes.txt").write_text("not a clip")
    (tmp_path / "below").mkdir()
    done = run("score", "--csv", tmp_path)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1:] == [f'"{name}",{predictions("prediction.csv")[source.name]}']


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such/folder"], "no/such/folder: no such file or folder"),
        (["models"], "models: no media file"),
        (["--csv", "--json", DATA], "exclude each other"),
        (["--model", "nowhere", f"{DATA}/valset"], "nowhere/model.json: no such file"),
        (["--device", "tpu", f"{DATA}/valset"], "device"),
    ],
)
def test_wrong_arguments(folder, arguments, message):
    done = run("score", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
