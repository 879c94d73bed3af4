"""`train.selection: generators`: the folds choose when training ends, and validation has no say."""

import json

import numpy as np
import pytest

from avfake.dataset.labels import read_labels, write_table
from avfake.errors import UserError
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import Clips
from avfake.model.folds import held_out
from avfake.stages import train
from toy_resplit import make_labelled
from train_params import neutral
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")
EPOCHS = 3


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_labelled(tmp_path, contrast=4)
    set_params(tmp_path, neutral() | {"train.epochs": EPOCHS, "train.lr": 0.003})
    set_params(tmp_path, {"train.selection": "generators", "train.folds": 2})
    return tmp_path


def facts(workspace) -> dict:
    return json.loads((workspace / "models/model.json").read_text())


def test_training_ends_after_the_epoch_that_the_folds_choose(workspace, capsys):
    train.main()
    found = facts(workspace)
    chosen = found["selection"]
    assert found["best_epoch"] == chosen["epoch"]
    rows = (workspace / "data/training/epochs.csv").read_text().splitlines()[1:]
    assert len(rows) == chosen["epoch"] <= EPOCHS
    assert chosen["auc"] == pytest.approx(np.mean([fold["auc"] for fold in chosen["folds"]]))
    names = [set(fold["held_out"]) for fold in chosen["folds"]]
    assert names[0] | names[1] == {"comb", "hum", "warp"}
    assert not names[0] & names[1]
    assert "fold 2 of 2: without" in capsys.readouterr().out


@pytest.mark.parametrize("head", ["linear", "discriminant"])
def test_of_a_frozen_head_the_folds_choose_the_strength(workspace, head):
    set_params(workspace, {"train.frozen_head": head, "train.pooling": "log_odds"})
    train.main()
    found = facts(workspace)
    assert found["best_epoch"] == found["selection"]["epoch"]
    rows = (workspace / "data/training/epochs.csv").read_text().splitlines()[1:]
    assert len(rows) == found["best_epoch"]
    names = [set(fold["held_out"]) for fold in found["selection"]["folds"]]
    assert names[0] | names[1] == {"comb", "hum", "warp"}
    before = hashes(workspace, *OUTPUTS)
    train.main()
    assert hashes(workspace, *OUTPUTS) == before


def test_auto_is_folds_where_labels_name_enough_generators_and_validation_elsewhere(workspace, capsys):
    train.main()
    by_folds = facts(workspace)
    set_params(workspace, {"train.selection": "auto"})
    train.main()
    assert facts(workspace)["sha256"] == by_folds["sha256"]
    set_params(workspace, {"train.folds": 9})
    train.main()
    assert len(facts(workspace)["selection"]["folds"]) == 3
    labels = read_labels("data/resplit")
    labels["generator"] = labels["generator"].where(labels["generator"] != "hum", None)
    write_table(labels, "data/resplit")
    capsys.readouterr()
    train.main()
    assert facts(workspace)["selection"] is None
    assert "chosen by validation: " in capsys.readouterr().out


def test_validation_changes_nothing(workspace):
    train.main()
    before = facts(workspace)["sha256"]
    labels = read_labels("data/resplit")
    of_val = labels["split"] == "val"
    labels.loc[of_val, "target"] = 1 - labels.loc[of_val, "target"]
    write_table(labels, "data/resplit")
    train.main()
    assert facts(workspace)["sha256"] == before


@pytest.mark.parametrize("writes", [2, EPOCHS + 1, 2 * EPOCHS + 1])
def test_a_run_that_is_killed_in_a_fold_or_after_ends_with_the_same_bytes(workspace, monkeypatch, writes):
    train.main()
    undisturbed = hashes(workspace, *OUTPUTS)
    save, done = Checkpoint.save, []

    def end(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        done.append(1)
        if len(done) == writes:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", end)
        with pytest.raises(KeyboardInterrupt):
            train.main()
    train.main()
    assert hashes(workspace, *OUTPUTS) == undisturbed
    assert not list((workspace / ".memo/train").glob("*"))


def test_fewer_generators_than_folds_is_said(workspace):
    set_params(workspace, {"train.folds": 4})
    with pytest.raises(UserError, match="4 folds are asked for, and the training fakes have 3"):
        train.main()


def test_a_derived_clip_is_held_out_with_each_of_its_parents():
    names = ["a", "b", "c", "d", "of-a", "of-a-and-d", "of-nobody"]
    parents = [set()] * 4 + [{"a"}, {"a", "d"}, {"gone"}]
    targets = np.array([1, 1, 0, 0, 1, 1, 1])
    generators = ["x", "y", None, None, "tool", "tool", "tool"]
    n = len(names)
    clips = Clips(
        names, np.arange(n), np.full(n, 1), targets, generators, [None] * n, [frozenset(of) for of in parents]
    )
    held = held_out(clips, 2, 0)
    assert held[:, 4].tolist() == held[:, 0].tolist()
    assert held[:, 5].tolist() == (held[:, 0] | held[:, 3]).tolist()
    assert not held[:, 6].any()
    assert held[:, :4].sum(axis=0).tolist() == [1, 1, 1, 1]
