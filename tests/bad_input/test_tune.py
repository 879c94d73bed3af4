"""What `avfake tune` says of plans, budgets and studies that cannot be, before anything is trained."""

import subprocess

import pytest

from tuned import PLAN, tune
from workspace import ROOT


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "tune.yaml").write_text(PLAN)
    return tmp_path


def refused(*words: str) -> str:
    """What is said of a command that must fail as wrong input."""
    said = tune(*words, exit_code=2)
    assert said.startswith("error: ")
    assert "\nremedy: " in said
    return said


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("train.lr:", "train.lrr:", ["tune.yaml line 8: `train.lrr`: no such parameter", "are: train.lr"]),
        ("train.lr:", "predict.tta:", ["line 8: `predict.tta`: only parameters of `train` are searched"]),
        ("high: 3e-3", "high: 1e-5", ["line 8: `train.lr`: low must be below high"]),
        ("low: 1e-4", "low: -1", ["line 8: `train.lr`"]),
        ("seed: 0", "seed: zero", ["`seed`: Input should be a valid integer, got 'zero'"]),
        ("name: toy", "name: ../toy", ["`name`: String should match pattern"]),
        ("random_trials: 2", "", ["`random_trials`: missing"]),
        ("seed: 0", "seed: 0\nsampler: gp", ["`sampler`: unknown key"]),
        ("after_epochs: 1", "after_epochs: 0", ["`pruning.after_epochs`"]),
        ("seed: 0", "seed: 0\nseed: 1", ["line 3: not valid YAML"]),
        ("ranges:", "ranges: {", ["not valid YAML"]),
        (PLAN, "- a list", ["expected keys such as `ranges:`"]),
        (PLAN, "", ["expected keys such as `ranges:`"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_plan_that_cannot_be(place, old, new, messages):
    (place / "tune.yaml").write_text(PLAN.replace(old, new))
    said = refused("--trials", "2", "--no-experiments")
    for message in messages:
        assert message in said


def test_every_range_that_is_wrong_is_named(place):
    text = PLAN.replace("train.lr", "train.l").replace(
        "windows_per_clip: {choices: [1, 2]}", "epochs: {low: 0, high: 3}"
    )
    (place / "tune.yaml").write_text(text)
    said = refused("--trials", "2", "--no-experiments")
    assert "line 8: `train.l`" in said
    assert "line 9: `train.epochs`" in said


def test_files_that_are_not_there(place):
    assert "none.yaml: no such file" in refused("--ranges", "none.yaml", "--trials", "2")
    assert "none.yaml: no such file" in refused("--params", "none.yaml", "--trials", "2")
    said = refused("--trials", "2", "--no-experiments")
    assert "data/features/features.json: no such file" in said
    assert "dvc repro featurize" in said
    assert not list(place.rglob("*.db"))


def test_a_search_without_an_end():
    assert "neither --trials nor --minutes" in refused()
    assert "must be above 0" in refused("--minutes", "0")
    assert "must be above 0" in refused("--minutes", "nan")


def test_experiments_need_a_repository(place):
    said = refused("--trials", "2")
    assert "not a Git repository" in said
    assert said.endswith("or search with --no-experiments\n")
    subprocess.run(["git", "init", "-q"], check=True)
    assert "no DVC repository" in refused("--trials", "2")
    (place / "mine.yaml").write_text((place / "params.yaml").read_text())
    said = refused("--trials", "2", "--params", "mine.yaml")
    assert "experiments of DVC are written of params.yaml alone" in said


@pytest.mark.parametrize("command", ["show", "apply", "export"])
def test_there_is_no_study(command):
    said = refused(command)
    assert ".memo/tune/toy.db: no study `toy`" in said
    assert "avfake tune --trials 20" in said


def test_who_interrupts_is_told_that_it_goes_on(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("avfake.tune.command.search", interrupted)
    said = tune("--trials", "2", exit_code=130)
    assert said == "error: interrupted\nremedy: run it again: it goes on where it was\n"
