"""What `train` lets be chosen, through the stage itself on toy features."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avfake.model import training, views
from avfake.model.batches import draw_epoch, read_batches
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import open_inputs, select_training
from avfake.model.detector import build
from avfake.model.inference import deterministic
from avfake.model.provenance import data_hash
from avfake.model.recipe import train_detector
from avfake.model.saved import load_model
from avfake.params import RulesParams, TrainParams, load
from avfake.stages import predict, train
from toy_resplit import make_labelled
from train_params import neutral
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")
HARD = 4  # grey levels between real and fake: epochs differ in AUC
MUCH = {
    "train.balance": "source",
    "train.loss": "focal",
    "train.label_smoothing": 0.1,
    "train.class_weights": "balanced",
    "train.optimiser": "lookahead_adamw",
    "train.weight_decay": 0.01,
    "train.schedule": "cosine",
    "train.warmup_epochs": 1,
    "train.averaging": "ema",
    "train.ema_decay": 0.8,
    **{f"train.augmentation.{name}": True for name in ("flip_time", "flip_frequency")},
    **{f"train.augmentation.{name}": 1 for name in ("time_masks", "band_masks")},
    **{f"train.augmentation.{name}": 0.5 for name in ("high_cut", "tilt_db", "gain_db", "noise_db")},
    **{f"train.augmentation.{name}": 0.2 for name in ("mixup", "cutmix")},
}
ALSO = {
    "train.balance": "generator",
    "train.loss": "auc",
    "train.optimiser": "sgd",
    "train.schedule": "one_cycle",
    "train.averaging": "swa",
    "train.swa_start": 0.25,
    "train.augmentation.cutmix": 1.0,
}


def made(folder: Path, values: dict[str, object]) -> Path:
    make_labelled(folder, contrast=HARD)
    set_params(folder, neutral() | {"train.epochs": 3, "train.lr": 0.003} | values)
    return folder


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return made(tmp_path, {})


def read_data() -> training.Data:
    features, labels = open_inputs("data/features", "data/resplit")
    return training.Data(features, *select_training(features.index, labels))


def epochs() -> list[dict[str, float]]:
    with Path("data/training/epochs.csv").open(newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def interrupted_after(epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains and ends when the checkpoint of this epoch is written."""
    save = Checkpoint.save

    def end(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        if len(state["rows"]) == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", end)
        with pytest.raises(KeyboardInterrupt):
            train.main()


def test_neutral_values_are_plain_adam_steplr_and_cross_entropy(workspace):
    set_params(workspace, {"train.lr_step": 2, "train.lr_gamma": 0.5})
    train.main()
    params, data = load(TrainParams), read_data()
    with deterministic(1):
        torch.manual_seed(params.seed)
        detector = build(params.backbone, data.features.shape).to(memory_format=torch.channels_last)
        optimiser = torch.optim.Adam(detector.parameters(), lr=params.lr)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, 2, params.lr_gamma)
        plain, losses = {}, []
        for epoch in (1, 2, 3):
            detector.train()
            torch.manual_seed(int(np.random.default_rng([params.seed, epoch, 1]).integers(2**63)))
            drawn = draw_epoch(data.train, params, epoch)
            losses.append(0.0)
            for windows, targets in read_batches(data.features, data.train, drawn, params.batch_size):
                loss = torch.nn.CrossEntropyLoss()(
                    detector(torch.from_numpy(windows)), torch.from_numpy(targets)
                )
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                losses[-1] += loss.item() * len(targets) / len(drawn)
            schedule.step()
            plain[epoch] = {key: value.clone() for key, value in detector.state_dict().items()}
    saved = load_model("models")
    for key, value in saved.detector.state_dict().items():
        assert torch.equal(value, plain[saved.facts["best_epoch"]][key]), key
    assert [row["train_loss"] for row in epochs()] == pytest.approx(losses, rel=1e-5)
    assert [row["lr"] for row in epochs()] == [0.003, 0.003, 0.0015]


@pytest.mark.parametrize("values", [MUCH, ALSO], ids=["much", "also"])
def test_an_interrupted_training_ends_with_the_same_bytes(tmp_path, monkeypatch, capsys, values):
    monkeypatch.chdir(made(tmp_path, values))
    train.main()
    undisturbed = hashes(tmp_path, *OUTPUTS)
    assert len({row["train_loss"] for row in epochs()}) == 3
    interrupted_after(2, monkeypatch)
    train.main()
    assert "resumed after epoch 2 of 3" in capsys.readouterr().out
    assert hashes(tmp_path, *OUTPUTS) == undisturbed


def test_the_figure_and_the_weights_are_those_of_the_mean(workspace):
    train.main()
    alone = epochs()
    for averaging, start in (("ema", 0), ("swa", 1)):
        set_params(workspace, {"train.averaging": averaging, "train.swa_start": 0.5})
        train.main()
        rows = epochs()
        # The mean does not change how the weights are trained.
        assert [row["train_loss"] for row in rows] == [row["train_loss"] for row in alone]
        differs = [row["val_loss"] != other["val_loss"] for row, other in zip(rows, alone, strict=True)]
        assert differs == [epoch > start for epoch in range(1, 4)]
        saved = load_model("models")
        loss, auc = training.validate(saved.detector, read_data(), 8, torch.device("cpu"))
        assert auc == saved.facts["val_auc"]
        assert loss == pytest.approx(rows[saved.facts["best_epoch"] - 1]["val_loss"], rel=1e-4)


def test_statistics_of_the_mean_are_measured_on_windows_as_they_are(workspace, monkeypatch):
    set_params(
        workspace, ALSO | {"train.epochs": 2, "train.swa_start": 0.5, "train.augmentation.flip_time": True}
    )
    measured = []
    monkeypatch.setattr("avfake.model.averaging.update_bn", lambda batches, _: measured.extend(batches))
    train.main()
    data = read_data()
    known = {window.tobytes() for row in data.train.rows for window in data.features.windows(int(row))}
    assert len(measured) > 1
    assert all(window.numpy().tobytes() in known for batch in measured for window in batch)


def test_training_ends_when_nothing_better_came(workspace, monkeypatch, capsys):
    set_params(workspace, {"train.epochs": 6, "train.lr": 0.02})
    train.main()
    whole = epochs()
    order = [(row["val_auc"], -row["val_loss"]) for row in whole]
    best_so_far = [order.index(max(order[: epoch + 1])) for epoch in range(len(whole))]
    last = next(epoch for epoch in range(len(whole)) if epoch > best_so_far[epoch])
    assert last < len(whole) - 1
    set_params(workspace, {"train.patience": 1})
    interrupted_after(last + 1, monkeypatch)  # between the end of the last epoch and that of the stage
    assert epochs() == whole  # of the training before
    capsys.readouterr()
    train.main()
    assert "ended: nothing better in 1 epochs after epoch" in capsys.readouterr().out
    assert epochs() == whole[: last + 1]
    facts = json.loads(Path("models/model.json").read_text())
    assert facts["best_epoch"] == best_so_far[last] + 1
    interrupted = hashes(workspace, *OUTPUTS)
    train.main()
    assert hashes(workspace, *OUTPUTS) == interrupted


@pytest.mark.parametrize("loss", ["dice", "one_class_softmax"])
def test_a_loss_of_its_own_kind_learns(tmp_path, monkeypatch, loss):
    monkeypatch.chdir(made(tmp_path, {"train.loss": loss}))
    for split in ("train", "val"):
        brighten(Path(f"data/features/{split}/shard-00.npy"), split)
    train.main()
    assert max(row["val_auc"] for row in epochs()) > 0.8
    assert epochs()[-1]["train_loss"] < epochs()[0]["train_loss"]


def brighten(path: Path, split: str) -> None:
    """Makes a band of the fakes so bright that a few epochs find it."""
    features, labels = open_inputs("data/features", "data/resplit")
    fakes = set(labels.loc[(labels["split"] == split) & (labels["target"] == 1), "video_name"])
    windows = np.load(path)
    for row in features.index[features.index["split"] == split].itertuples():
        if row.video_name in fakes:
            windows[row.start : row.start + row.count, :, :8] += 80
    np.save(path, windows)


def test_other_sources_are_another_training(workspace, monkeypatch):
    """The checkpoint of a training is not taken up by one that would draw otherwise."""
    data, params, fingerprints = read_data(), load(TrainParams), []

    def refuse(folder: str, name: str) -> None:
        fingerprints.append(name)
        raise KeyboardInterrupt

    monkeypatch.setattr("avfake.model.recipe.Checkpoint", refuse)
    for sources in (data.train.sources, data.train.sources, [None] * len(data.train)):
        data.train.sources[:] = sources
        with pytest.raises(KeyboardInterrupt):
            train_detector(data, params, "memo", "same")
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_rows_are_told_as_they_come_and_again_after_an_interruption(workspace, monkeypatch):
    set_params(workspace, {"train.epochs": 2})
    interrupted_after(1, monkeypatch)
    told = []
    data, params, rules = read_data(), load(TrainParams), load(RulesParams)
    content = data_hash(train.FEATURES, data.features, {"train": data.train, "val": data.val})
    with deterministic(1):
        done = train_detector(data, params, ".memo", content, rules.max_parameters, told.append)
    assert told == done.progress.rows
    assert [row["epoch"] for row in told] == [1, 2]


def test_prediction_mirrors_as_training_did(workspace, monkeypatch):
    set_params(workspace, {"train.augmentation.flip_time": True, "train.epochs": 1, "predict.tta": 2})
    train.main()
    asked = []
    make = views.make_views
    monkeypatch.setattr(views, "make_views", lambda *given: asked.append(given) or make(*given))
    predict.main()
    assert asked == [(2, True, False)]
