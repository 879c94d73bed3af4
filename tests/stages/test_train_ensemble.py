"""Ensembles and teachers, through the stages themselves on toy features."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avfake.dataset.predictions import read_predictions
from avfake.errors import UserError
from avfake.model import training
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import open_inputs, select_training
from avfake.model.detector import build
from avfake.model.distillation import Teacher
from avfake.model.ensemble import Ensemble, members_of
from avfake.model.inference import clip_score, deterministic
from avfake.model.saved import load_model, save_model
from avfake.params import TrainParams, load, load_all
from avfake.stages import predict, train
from toy_resplit import make_labelled
from train_params import neutral
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")
TWO = {"train.ensemble.members": 2}
TAUGHT = {"train.ensemble.members": 1, "train.distil.teacher": "teachers/two"}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_labelled(tmp_path, contrast=8)
    set_params(tmp_path, neutral() | {"train.epochs": 2, "train.lr": 0.003})
    return tmp_path


def facts() -> dict:
    return json.loads(Path("models/model.json").read_text())


def read_data() -> training.Data:
    features, labels = open_inputs("data/features", "data/resplit")
    return training.Data(features, *select_training(features.index, labels))


def test_members_are_the_trainings_with_the_next_seeds_and_are_scored_by_their_mean(workspace):
    set_params(workspace, TWO | {"train.seed": 4})
    train.main()
    predict.main()
    whole, found, data = load_model("models"), facts(), read_data()
    assert isinstance(whole.detector, Ensemble)
    assert [member["seed"] for member in found["ensemble"]["members"]] == [4, 5]
    _, auc = training.validate(whole.detector, data, 8, torch.device("cpu"))
    assert found["val_auc"] == auc
    assert found["best_epoch"] == [member["best_epoch"] for member in found["ensemble"]["members"]]
    shutil.move("models", "both")
    scores = []
    for seed, member in zip((4, 5), whole.detector, strict=True):
        set_params(workspace, {"train.ensemble.members": 1, "train.seed": seed})
        train.main()
        alone = load_model("models")
        for key, value in alone.detector.state_dict().items():
            assert torch.equal(value, member.state_dict()[key]), (seed, key)
        assert found["parameters"] == 2 * alone.facts["parameters"]
        assert found["parameters_thop"] == 2 * alone.facts["parameters_thop"]
        assert alone.facts["val_auc"] == found["ensemble"]["members"][seed - 4]["val_auc"]
        scores.append(
            [
                clip_score(alone.detector, data.features.windows(row), 8, torch.device("cpu"))
                for row in data.val.rows
            ]
        )
    table = read_predictions("data/predictions/prediction.csv").set_index("video_name")["score"]
    np.testing.assert_allclose(table[data.val.names], np.mean(scores, axis=0), atol=1e-6)


def test_killed_it_goes_on_with_the_member_it_was_at_and_ends_with_the_same_bytes(
    workspace, monkeypatch, capsys
):
    values = {"train.ensemble.members": 3, "train.ensemble.bagging": "clips"}
    set_params(workspace, values)
    train.main()
    expected = hashes(workspace, *OUTPUTS)
    with Path("data/training/members.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["member"], row["epoch"]) for row in rows] == [(m, e) for m in "123" for e in "12"]
    assert len({member["n_clips"] for member in facts()["ensemble"]["members"]}) == 1
    assert not Path(".memo/train").exists()

    shutil.rmtree(".memo")
    save, saved = Checkpoint.save, []

    def end(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        saved.append(len(state["rows"]))
        if len(saved) == 3:  # the first epoch of the second member
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", end)
        with pytest.raises(KeyboardInterrupt):
            train.main()
    capsys.readouterr()
    train.main()
    said = capsys.readouterr().out
    assert said.count("from the memo") == 1
    assert "resumed after epoch 1 of 2" in said
    assert hashes(workspace, *OUTPUTS) == expected

    set_params(workspace, {"train.ensemble.members": 4})
    train.main()
    said = capsys.readouterr().out
    assert said.count("from the memo") == 3
    assert said.count("epoch 2/2") == 1
    set_params(workspace, {"train.ensemble.members": 1, "train.ensemble.bagging": "none"})
    train.main()
    assert not Path("data/training/members.csv").exists()
    assert facts()["ensemble"] is None


def test_bags_of_sources_chosen_by_folds(workspace, capsys):
    set_params(
        workspace,
        TWO | {"train.ensemble.bagging": "sources", "train.selection": "generators", "train.epochs": 1},
    )
    train.main()
    members = facts()["ensemble"]["members"]
    assert capsys.readouterr().out.count("fold 3 of 3") == 2
    assert [len(member["selection"]["folds"]) for member in members] == [3, 3]


def test_a_taught_model_is_one_and_names_its_teacher(workspace):
    set_params(workspace, TWO | {"train.epochs": 1})
    train.main()
    shutil.copytree("models", "teachers/two")
    set_params(workspace, TAUGHT)
    train.main()
    taught, untaught = load_model("models").detector, members_of(load_model("teachers/two").detector)[0]
    assert members_of(taught) == [taught]
    assert not torch.equal(taught.head.weight, untaught.head.weight)
    record = facts()["teacher"]
    teacher = json.loads(Path("teachers/two/model.json").read_text())
    assert record["model"] == teacher
    assert (record["folder"], record["sha256"], record["members"]) == ("teachers/two", teacher["sha256"], 2)


def test_with_the_teachers_scores_alone_wrong_labels_do_no_harm(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_labelled(tmp_path, contrast=60)
    set_params(tmp_path, neutral() | {"train.epochs": 3, "train.lr": 0.01})
    train.main()
    data, params, device = read_data(), load(TrainParams), torch.device("cpu")
    wrong = replace(data, train=replace(data.train, targets=1 - data.train.targets))
    found = {}
    with deterministic(1):
        for weight in (0.0, 1.0):
            torch.manual_seed(0)
            detector = build(params.backbone, data.features.shape)
            teacher = Teacher("models", load_model("models"), weight, 2.0)
            place = Checkpoint("memo", str(weight))
            progress = training.fit(detector, wrong, params, device, place, teacher=teacher)
            found[weight] = progress.rows[-1]["val_auc"]
    assert found[0.0] < 0.3
    assert found[1.0] > 0.9


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda: shutil.rmtree("teachers/two"), "teachers/two/model.json: no such file"),
        (lambda: change(features={"shape": [1, 2, 3]}), "other windows|does not fit"),
        (lambda: change(generators=["comb", "of the test"]), "must not know: of the test"),
        (lambda: Path("teachers/two/model.safetensors").write_bytes(b"x"), "damaged"),
    ],
)
def test_a_teacher_that_cannot_teach_is_refused_before_anything_is_trained(
    workspace, teacher, break_it, words
):
    break_it()
    with pytest.raises(UserError, match=words) as raised:
        train.main()
    assert raised.value.message.startswith("train.distil.teacher: ")


@pytest.fixture
def teacher(workspace):
    """An ensemble of two that has learned nothing, as teacher."""
    data, params = read_data(), load(TrainParams)
    ensemble = Ensemble([build(params.backbone, data.features.shape) for _ in range(2)])
    known = {
        "backbone": params.backbone,
        "features": data.features.info,
        "train": {"readout": {"stages": [], "bands": 4}, "pooling": "mean"},
        "prior": 0.5,
        "generators": ["comb"],
        "ensemble": {"bagging": "none", "members": [{}, {}]},
    }
    save_model("teachers/two", ensemble, known)
    set_params(workspace, TAUGHT)


def change(**values: object) -> None:
    path = Path("teachers/two/model.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_an_ensemble_is_nothing_to_start_from(workspace, teacher):
    set_params(
        workspace,
        {"train.pretrained": "teachers/two/model.safetensors", "train.distil.teacher": "teachers/none"},
    )
    with pytest.raises(UserError, match="is an ensemble, of which no one detector can start"):
        train.main()


def test_all_members_together_keep_the_limit_of_parameters(workspace, capsys):
    train.main()
    set_params(workspace, TWO | {"rules.max_parameters": facts()["parameters"] + 1})
    with pytest.raises(UserError, match="`2 x test_efficientnet`"):
        train.main()
    assert "member 1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"train.ensemble.bagging": "clips"}, "several members"),
        ({"train.frozen_head": "linear", "train.ensemble.members": 2}, "its members need bagging"),
        ({"train.frozen_head": "linear", "train.distil.teacher": "teachers/two"}, "cannot be taught"),
        ({"train.ensemble.members": 0}, "train.ensemble.members"),
        ({"train.distil.weight": 0.0}, "train.distil.weight"),
    ],
)
def test_choices_that_cannot_be(workspace, values, words):
    set_params(workspace, values)
    with pytest.raises(UserError, match=words):
        load_all()
