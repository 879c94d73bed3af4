"""A training whose detector weighs the windows of a clip."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import open_inputs, select_training
from avfake.model.inference import clip_score
from avfake.model.saved import load_model
from avfake.stages import predict, train
from toy_resplit import make_labelled
from train_params import neutral
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")
ATTENTION = {
    "train.pooling": "attention",
    "train.epochs": 3,
    "train.lr": 0.003,
    "train.batch_size": 6,
    "train.windows_per_clip": 3,
}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(make_labelled(tmp_path, contrast=60))
    set_params(tmp_path, neutral() | ATTENTION)
    return tmp_path


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_learns_and_every_stage_scores_as_validation_did(workspace):
    train.main()
    rows = table("data/training/epochs.csv")
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    facts = json.loads(Path("models/model.json").read_text())
    assert facts["val_auc"] > 0.8
    assert facts["parameters"] == facts["parameters_thop"]
    saved = load_model("models")
    features, labels = open_inputs("data/features", "data/resplit")
    _, val = select_training(features.index, labels)
    scores = [clip_score(saved.detector, features.windows(int(row)), 8, "cpu") for row in val.rows]
    predict.main()
    predicted = table("data/predictions/prediction.csv")
    told = {row["video_name"]: float(row["score"]) for row in predicted}
    assert [told[name] for name in val.names] == pytest.approx(scores, abs=1e-6)
    targets = np.array(scores)
    loss = -np.log(np.where(val.targets == 1, targets, 1 - targets)).mean()
    best = rows[facts["best_epoch"] - 1]
    assert float(best["val_loss"]) == pytest.approx(loss, rel=1e-4)


def test_an_interrupted_training_ends_with_the_same_bytes(workspace, monkeypatch, capsys):
    values = {
        "train.balance": "source", "train.class_weights": "balanced", "train.schedule": "cosine",
        "train.averaging": "swa", "train.swa_start": 0.25, "train.augmentation.flip_time": True,
        "train.augmentation.noise_db": 0.5,
    }  # fmt: skip
    set_params(workspace, values)
    train.main()
    undisturbed = hashes(workspace, *OUTPUTS)
    save = Checkpoint.save

    def end(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        if len(state["rows"]) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", end)
        with pytest.raises(KeyboardInterrupt):
            train.main()
    train.main()
    assert "resumed after epoch 2 of 3" in capsys.readouterr().out
    assert hashes(workspace, *OUTPUTS) == undisturbed
