"""A search on toy features: real trainings, the file of the study, params.yaml."""

import json
import re
import subprocess
from contextlib import chdir

import numpy as np
import pytest

from avfake.cli.tune import app
from avfake.params import TrainParams, load
from avfake.stages import train
from avfake.tune.study import VALUES, open_study
from avfake.tune.table import make_table
from killed import killed
from tuned import make_searchable, tune
from workspace import run

STUDY = ".memo/tune/toy.db"


def rows():
    """What the trials came to, without their times and those that were interrupted."""
    table = make_table(open_study(STUDY, "toy"))
    return (
        table[table["state"] != "interrupted"].drop(columns=["trial", "seconds", "note"]).to_dict("records")
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A repository in which four trials were made."""
    folder = make_searchable(tmp_path_factory.mktemp("done"))
    (folder / ".dvc").mkdir()
    for words in (["init", "-q"], ["add", "*.yaml"], ["commit", "-q", "-m", "One"]):
        run(folder, "git", *words)
    for key in ("user.name", "user.email"):
        run(folder, "git", "config", key, "test@example.org")
    with chdir(folder):
        said = tune("--trials", "4")
    return folder, said


def test_a_search_begins_with_the_recipe_and_leaves_no_checkpoint(done, monkeypatch):
    folder, said = done
    monkeypatch.chdir(folder)
    base = load(TrainParams)
    study = open_study(STUDY, "toy")
    assert len(study.ended()) == 4
    assert study.trials()[0].user_attrs[VALUES]["train.lr"] == base.lr
    assert study.facts["train"]["epochs"] == 2
    assert "lr" not in study.facts["train"]
    assert re.search(r"best: trial \d; `avfake tune show`", said)
    refs = run(folder, "git", "for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").stdout.split()
    assert refs == sorted(f"tune-toy-{trial.number:03d}" for trial in study.complete())
    assert f"experiment: {refs[0]}" in said
    assert sorted(path.name for path in folder.rglob(".memo/**/*")) == ["toy.db", "toy.lock", "tune"]


def test_the_table_is_shown_and_written(done, monkeypatch):
    folder, _ = done
    monkeypatch.chdir(folder)
    shown = tune("show", "--csv", "trials.csv")
    header, *lines = (folder / "trials.csv").read_text().splitlines()
    assert header == "trial,state,auc,best_epoch,epochs,seconds,train.lr,train.windows_per_clip,note"
    assert len(lines) == 4
    assert shown.splitlines()[0].split() == [
        "trial", "state", "auc", "best_epoch", "epochs", "seconds", "lr", "windows_per_clip", "note",
    ]  # fmt: skip
    first = shown.splitlines()[1].split()
    assert first[0] == lines[0].split(",")[0]


def test_an_applied_trial_is_the_training_that_it_was(tmp_path, done, monkeypatch):
    folder = tmp_path / "applied"
    subprocess.run(["cp", "-r", str(done[0]), str(folder)], check=True)
    monkeypatch.chdir(folder)
    before = (folder / "params.yaml").read_text()
    best = open_study(STUDY, "toy").complete()[0]
    assert f"trial {best.number}, auc" in tune("apply")
    after = (folder / "params.yaml").read_text()
    assert re.sub(r"(?m)^  (lr|windows_per_clip): .*", "", after) == re.sub(
        r"(?m)^  (lr|windows_per_clip): .*", "", before
    )
    assert load(TrainParams).lr == best.user_attrs[VALUES]["train.lr"]
    train.main()
    facts = json.loads((folder / "models/model.json").read_text())
    assert facts["val_auc"] == best.value
    other = next(trial.number for trial in open_study(STUDY, "toy").complete() if trial.number != best.number)
    (folder / "params.yaml").write_text(after.replace("epochs: 2", "epochs: 3"))
    said = tune("apply", str(other))
    assert "note: `train.epochs` is not what the trials were trained with" in said
    said = tune("--trials", "9", "--no-experiments", exit_code=2)
    assert "the study `toy` was begun with other values of train.epochs" in said


def test_killed_and_run_again_goes_on_after_the_last_epoch(tmp_path, done, monkeypatch):
    """It comes to the same although its test split is another: no trial reads that."""
    folder = make_searchable(tmp_path / "killed")
    path = folder / "data/features/test/shard-00.npy"
    np.save(path, 255 - np.load(path))
    said = []

    def in_the_second(line: str) -> bool:
        said.append(line)
        return line.startswith("epoch 2/2") and any(old.startswith("trial 1 (") for old in said)

    killed(folder, lambda: app(["--trials", "4", "--no-experiments"]), in_the_second)
    monkeypatch.chdir(folder)
    said = tune("--trials", "4", "--no-experiments")
    assert "trial 1 was interrupted: its values are tried again" in said
    assert re.search(r"resumed after epoch [12] of 2", said)
    again = rows()
    monkeypatch.chdir(done[0])
    assert again == rows()
