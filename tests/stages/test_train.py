import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from avfake.dataset.labels import read_labels, write_table
from avfake.errors import RunError, UserError
from avfake.model import training
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import open_inputs, select_training
from avfake.model.saved import load_model
from avfake.stages import train
from killed import killed
from toy_features import SIZES, make_workspace, write_labels
from toy_resplit import make_labelled, pass_on
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")


def made(folder: Path, **params: object) -> Path:
    """Toy features, and their labels as `resplit` passes them on."""
    make_workspace(folder, **params)
    pass_on(folder)
    return folder


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return made(tmp_path)


def epochs(folder: Path) -> list[dict[str, str]]:
    with (folder / "data/training/epochs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_detector_learns_and_says_what_made_it(workspace):
    set_params(workspace, {"train.epochs": 6, "train.lr": 0.002, "train.lr_step": 2, "train.lr_gamma": 0.5})
    train.main()
    rows = epochs(workspace)
    assert list(rows[0]) == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_auc", "lr"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert [float(row["lr"]) for row in rows] == [0.002, 0.002, 0.001, 0.001, 0.0005, 0.0005]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])

    facts = json.loads((workspace / "models/model.json").read_text())
    aucs = [float(row["val_auc"]) for row in rows]
    assert facts["val_auc"] == max(aucs) > 0.8
    assert facts["best_epoch"] == 1 + aucs.index(max(aucs))
    assert facts["prior"] == 0.5
    assert facts["generators"] == ["comb"]
    assert facts["sizes"] == {"n_train": SIZES["train"], "n_val": SIZES["val"] - 1}
    assert facts["parameters"] == facts["parameters_thop"] > 0
    assert facts["features"] == json.loads((workspace / "data/features/features.json").read_text())
    assert facts["train"]["lr"] == 0.002
    assert (workspace / "data/training/clips.csv").read_text().splitlines() == [
        "video_name",
        *(f"train-{i:02d}.mp4" for i in range(SIZES["train"])),
    ]
    assert not (workspace / ".memo").exists() or not list((workspace / ".memo").rglob("*.pt"))


def test_the_kept_weights_are_those_of_the_best_epoch(workspace):
    train.main()
    saved = load_model("models")
    features, labels = open_inputs("data/features", "data/resplit")
    data = training.Data(features, *select_training(features.index, labels))
    loss, auc = training.validate(saved.detector, data, 8, torch.device("cpu"))
    best = epochs(workspace)[saved.facts["best_epoch"] - 1]
    assert auc == saved.facts["val_auc"]
    assert loss == pytest.approx(float(best["val_loss"]), rel=1e-4)


def test_two_runs_give_the_same_bytes_and_another_seed_others(workspace):
    train.main()
    first = hashes(workspace, *OUTPUTS)
    train.main()
    assert hashes(workspace, *OUTPUTS) == first
    set_params(workspace, {"train.seed": 1})
    train.main()
    assert hashes(workspace, *OUTPUTS)["models/model.safetensors"] != first["models/model.safetensors"]


def test_torch_is_left_as_it_was(workspace):
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    train.main()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_the_test_split_does_not_change_the_model(workspace, tmp_path):
    train.main()
    first = hashes(workspace, *OUTPUTS)
    path = workspace / "data/features/test/shard-00.npy"
    np.save(path, 255 - np.load(path))
    rows = read_labels(workspace / "data/labels").to_dict("records")
    write_labels(workspace, [row | ({"target": 1} if row["split"] == "test" else {}) for row in rows])
    pass_on(workspace)
    train.main()
    assert hashes(workspace, *OUTPUTS) == first


def test_killed_and_started_again_gives_the_same_bytes(tmp_path, monkeypatch, capsys):
    # A task too hard to be perfect at, so that the epochs differ in AUC and a late one may be the best.
    hard = {"contrast": 2, "train__epochs": 5, "train__augmentation__flip_time": True, "train__lr_step": 2}
    once = made(tmp_path / "once", **hard)
    monkeypatch.chdir(once)
    train.main()
    undisturbed = hashes(once, *OUTPUTS)
    again = made(tmp_path / "again", **hard)
    killed(again, train.main, lambda line: line.startswith("epoch 3/"))
    assert hashes(again, *OUTPUTS) == {}
    monkeypatch.chdir(again)
    train.main()
    assert re.search(r"resumed after epoch [234] of 5", capsys.readouterr().out)
    assert hashes(again, *OUTPUTS) == undisturbed


def test_a_damaged_checkpoint_costs_time_only(workspace, monkeypatch, capsys):
    train.main()
    first = hashes(workspace, *OUTPUTS)

    def interrupt(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-100])
        raise KeyboardInterrupt

    save = Checkpoint.save
    monkeypatch.setattr(Checkpoint, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train.main()
    monkeypatch.setattr(Checkpoint, "save", save)
    train.main()
    assert "damaged" in capsys.readouterr().err
    assert hashes(workspace, *OUTPUTS) == first


def test_bfloat16_trains(workspace):
    set_params(workspace, {"train.mixed_precision": True, "train.epochs": 1})
    train.main()
    assert 0 < float(epochs(workspace)[0]["train_loss"]) < 5


def test_a_last_batch_of_one_window(workspace):
    set_params(workspace, {"train.batch_size": 15, "train.windows_per_clip": 1, "train.epochs": 1})
    train.main()
    assert len(epochs(workspace)) == 1


def test_one_class_in_validation_is_said_before_training(workspace):
    rows = read_labels(workspace / "data/labels").to_dict("records")
    write_labels(workspace, [row | ({"target": 0} if row["split"] == "val" else {}) for row in rows])
    pass_on(workspace)
    with pytest.raises(UserError, match="split `val`: no labelled fake clip"):
        train.main()
    assert not (workspace / "models").exists()


def test_a_backbone_above_the_limit(workspace):
    set_params(workspace, {"rules.max_parameters": 1000})
    with pytest.raises(UserError, match=r"million parameters, rules\.max_parameters allows 0\.0 million"):
        train.main()


def test_a_loss_that_is_not_finite_stops_the_run(workspace):
    set_params(workspace, {"train.lr": 1e30})
    with pytest.raises(RunError, match="not finite"):
        train.main()
    assert not (workspace / "models").exists()


def test_weights_that_are_missing_stop_the_run(workspace):
    set_params(workspace, {"train.pretrained": "no/such.pth"})
    with pytest.raises(UserError, match="no such file"):
        train.main()


def test_a_table_that_nothing_was_held_out_of_is_the_labels(workspace):
    """A clip's home is its split, and the weights are those of the labels themselves."""
    train.main()
    first = hashes(workspace, *OUTPUTS)
    write_table(read_labels(workspace / "data/labels"), workspace / "data/resplit")
    train.main()
    assert hashes(workspace, *OUTPUTS) == first


def held_out(folder: Path, names: set[str], split: str) -> None:
    labels = read_labels(folder / "data/resplit")
    labels.loc[labels["video_name"].isin(names), "split"] = split
    write_table(labels, folder / "data/resplit")


@pytest.mark.parametrize("split", ["held_out", "unused"])
def test_what_was_held_out_is_not_trained_on(workspace, split):
    held_out(workspace, {"train-02.mp4", "train-05.mp4"}, split)
    train.main()
    first = hashes(workspace, *OUTPUTS)
    names = (workspace / "data/training/clips.csv").read_text().splitlines()[1:]
    assert names == [f"train-{i:02d}.mp4" for i in range(SIZES["train"]) if i not in (2, 5)]
    assert json.loads((workspace / "models/model.json").read_text())["sizes"]["n_train"] == len(names)
    labels = read_labels(workspace / "data/resplit")
    moved = labels["video_name"].isin(["train-02.mp4", "train-05.mp4"])
    labels.loc[moved, "target"] = 1 - labels.loc[moved, "target"]
    write_table(labels, workspace / "data/resplit")
    train.main()
    assert hashes(workspace, *OUTPUTS) == first


def test_a_generator_that_was_held_out_does_not_choose_the_epoch(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(make_labelled(tmp_path, train__epochs=1))
    labels = read_labels("data/resplit")
    hum = labels["generator"] == "hum"
    labels.loc[hum & (labels["split"] == "train"), "split"] = "held_out"
    write_table(labels, "data/resplit")
    train.main()
    assert "nor used to choose the epoch: hum" in capsys.readouterr().out
    facts = json.loads(Path("models/model.json").read_text())
    assert facts["generators"] == ["comb", "warp"]
    # 13 clips of validation, of which the last has no sound and two fakes are by `hum`
    assert facts["sizes"]["n_val"] == 10
    features, labels = open_inputs("data/features", "data/resplit")
    _, val = select_training(features.index, labels)
    assert set(val.generators) == {"real", "comb", "warp"}


def test_without_the_resplit_labels(workspace):
    (workspace / "data/resplit/clips.parquet").unlink()
    with pytest.raises(UserError) as caught:
        train.main()
    assert "dvc repro resplit" in caught.value.remedy
