"""What `avfake explain` is asked for in vain: a message, a remedy, exit code 2, and nothing written."""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from avfake.cli.explain import explain
from avfake.cli.score import SOME_UNREADABLE
from clips import make_root
from toy_detector import leave_unscored, make_model, write_resplit
from workspace import DATA, ROOT, set_params

SPOILS = {
    "nothing": ([], "nothing to explain"),
    "both": (["--worst", "2", "CLIP"], "two things at once"),
    "a split without --worst": (["CLIP", "--split", "test"], "--split goes with --worst"),
    "a folder": ([DATA], "no such file"),
    "no clip": (["nowhere.mp4"], "nowhere.mp4: no such file"),
    "two of one name": (["CLIP", "CLIP"], "two clips are called"),
    "no model": (["CLIP", "--model", "nowhere"], "nowhere/model.json: no such file"),
    "out is a file": (["CLIP", "--out", "params.yaml"], "params.yaml: no folder can be made there"),
    "out is below a file": (["CLIP", "--out", "params.yaml/x"], "params.yaml/x: no folder can be made there"),
    "no predictions": (["--worst", "1"], "prediction.csv: no such file"),
    "no params": (["--worst", "1", "--params", "other.yaml"], "other.yaml: no such file"),
    "an unknown device": (["CLIP", "--device", "tpu"], "`tpu` is unknown"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain_bad")
    roots = make_root(folder / DATA, n_train=0, n_val=2)
    make_model(folder / "models")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    real, fake = roots["val"]
    write_resplit(folder, [("val", real, 0, "real", "a", "val"), ("val", fake, 1, "comb", "a", "val")])
    return folder


@pytest.fixture
def folder(built, monkeypatch):
    monkeypatch.chdir(built)
    return built


def run(*arguments: str):
    app = typer.Typer()
    app.command()(explain)
    return CliRunner().invoke(app, list(arguments))


def clip() -> str:
    return str(min((Path(DATA) / "valset").iterdir()))


@pytest.mark.parametrize("spoil", SPOILS)
def test_wrong_arguments_are_explained(folder, spoil):
    arguments, message = SPOILS[spoil]
    before = sorted(folder.rglob("*"))
    done = run(*(clip() if word == "CLIP" else word for word in arguments))
    assert done.exit_code == 2
    assert message in done.stderr
    assert "remedy: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(folder.rglob("*")) == before


def test_validation_of_one_class_has_no_worst_clips(folder, tmp_path, monkeypatch):
    real = Path(clip()).name
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write_resplit(tmp_path, [("val", real, 0, "real", "a", "val")])
    leave_unscored(tmp_path, [])
    (tmp_path / "data/predictions/prediction.csv").write_text(f"video_name,score\n{real},0.9\n")
    done = run("--worst", "1")
    assert done.exit_code == 2
    assert "without a threshold" in done.stderr
    done = run("--worst", "1", "--split", "test")
    assert done.exit_code == 2
    assert "prediction_test.csv: no such file" in done.stderr


def test_a_name_that_is_no_text_is_explained_all_the_same(folder, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff$x$.mp4"
    shutil.copy(os.fsencode(clip()), path)
    done = run(os.fsdecode(path), "--json", "--out", str(tmp_path / "out"), "--device", "cpu")
    assert done.exit_code == 0, done.output
    (written,) = (tmp_path / "out").glob("*.json")
    assert os.fsencode(written.name) == b"\xff$x$.mp4.json"
    assert json.loads(written.read_text()) == json.loads(done.stdout)


def test_a_clip_that_is_gone_is_a_row_of_the_page(folder, tmp_path, monkeypatch):
    """Predictions outlive clips: the page says so, and the command ends with 3."""
    labels = pq.read_table("data/resplit/clips.parquet").to_pylist()
    real, fake = (next(row["video_name"] for row in labels if row["target"] == target) for target in (0, 1))
    for part in (DATA, "data/resplit", "models"):
        shutil.copytree(folder / part, tmp_path / part)
    shutil.copy(folder / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    leave_unscored(tmp_path, [])
    # every threshold that lets the fake be one calls the real clip fake too
    (tmp_path / "data/predictions/prediction.csv").write_text(f"video_name,score\n{real},0.9\n{fake},0.1\n")
    (tmp_path / DATA / "valset" / real).unlink()
    set_params(tmp_path, {"data.root": DATA})
    done = run("--worst", "2", "--out", "out", "--device", "cpu")
    assert done.exit_code == SOME_UNREADABLE
    assert f"{real}: no such file" in done.stderr
    page = (tmp_path / "out/worst_val.html").read_text()
    assert page.index(f"<h3>{real}</h3>") < page.index("not explained: no such file")
    assert not (tmp_path / "out" / f"{real}.json").exists()
