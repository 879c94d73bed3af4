"""Training, prediction and what is saved of detectors that look at faces, on toy features."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from avfake.errors import UserError
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import open_inputs
from avfake.model.inference import clip_score
from avfake.model.packed import read_clip
from avfake.model.saved import load_model
from avfake.stages import predict, train
from toy_features import make_workspace
from toy_resplit import pass_on
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")
EYES = {
    "train.visual.backbone": "test_resnet", "train.visual.pretrained": "none", "train.epochs": 4,
    "train.windows_per_clip": 3, "train.lr": 0.003,
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """The last clip of val and test has no sound; the one in the middle of each split has no face."""
    monkeypatch.chdir(make_workspace(tmp_path, contrast=100, n_faces=3))
    pass_on(tmp_path)
    set_params(tmp_path, EYES)
    return tmp_path


def scores(folder: Path) -> dict[str, float]:
    with (folder / "data/predictions/prediction.csv").open(newline="") as file:
        return {row["video_name"]: float(row["score"]) for row in csv.DictReader(file)}


def unscored(folder: Path) -> dict[str, str]:
    table = pd.read_csv(folder / "data/predictions/unscored.csv")
    table = table[table["split"] == "val"]
    return dict(zip(table["video_name"], table["reason"], strict=True))


@pytest.mark.parametrize(
    ("modality", "fusion", "lost"),
    [
        ("picture", "score", {"val-04.mp4": "no face found"}),
        ("both", "score", {}),
        ("both", "concatenation", {}),
        ("both", "attention", {}),
    ],
)
def test_a_detector_with_eyes_learns_and_scores_what_has_a_stream(workspace, modality, fusion, lost):
    set_params(workspace, {"train.modality": modality, "train.fusion": fusion})
    train.main()
    predict.main()
    facts = json.loads((workspace / "models/model.json").read_text())
    assert facts["val_auc"] > 0.8
    assert facts["visual"] == {
        "modality": modality, "backbone": "test_resnet", "face_size": 32, "image_size": None,
        "fusion": fusion, "pretrained_sha256": None,
        "pretrained": facts["visual"]["pretrained"],
    }  # fmt: skip
    assert facts["visual"]["pretrained"]["kind"] == "none"
    assert facts["backbone"] == ("test_resnet" if modality == "picture" else "test_efficientnet")
    assert facts["parameters"] == facts["parameters_thop"]
    assert unscored(workspace) == lost
    found = scores(workspace)
    assert len(found) == 9
    model = load_model("models")
    assert model.modality == modality
    features, _ = open_inputs("data/features", "data/resplit")
    val = features.index.index[features.index["split"] == "val"]
    for row in val[[0, 1, 8]].tolist():
        looks = read_clip(features, row, modality)
        name = features.index["video_name"][row]
        assert found[name] == pytest.approx(
            clip_score(model.detector, looks, 32, torch.device("cpu")), abs=2e-6
        )


@pytest.mark.parametrize(("head", "pooling"), [("linear", "mean"), ("discriminant", "log_odds")])
def test_a_head_on_frozen_features_of_faces(workspace, head, pooling):
    set_params(workspace, {"train.modality": "picture", "train.frozen_head": head, "train.pooling": pooling})
    train.main()
    predict.main()
    assert json.loads((workspace / "models/model.json").read_text())["val_auc"] > 0.8
    model = load_model("models")
    features, _ = open_inputs("data/features", "data/resplit")
    row = int(features.index.index[features.index["split"] == "val"][2])
    score = clip_score(model.detector, read_clip(features, row, "picture"), 32, torch.device("cpu"))
    assert scores(workspace)["val-02.mp4"] == pytest.approx(score, abs=2e-6)


def test_a_killed_training_with_everything_on_ends_with_the_same_bytes(workspace, monkeypatch):
    set_params(
        workspace,
        {"train.modality": "both", "train.fusion": "attention", "train.modality_dropout": 0.3,
         "train.offset_head": 0.5, "train.averaging": "swa", "train.epochs": 3},
    )  # fmt: skip
    train.main()
    first = hashes(workspace, *OUTPUTS)
    saved = []

    def stop(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        saved.append(state)
        if len(saved) == 2:
            raise KeyboardInterrupt

    save = Checkpoint.save
    monkeypatch.setattr(Checkpoint, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        train.main()
    monkeypatch.setattr(Checkpoint, "save", save)
    assert any(key.startswith("sound.") for key in saved[0]["offset"])
    train.main()
    assert hashes(workspace, *OUTPUTS) == first
    state = load_model("models").detector.state_dict()
    assert not any("offset" in key for key in state)  # the head is trained beside it


def test_the_offset_head_changes_the_weights_of_both_branches(workspace):
    set_params(workspace, {"train.modality": "both", "train.epochs": 1})
    train.main()
    before = load_model("models").detector.state_dict()
    set_params(workspace, {"train.offset_head": 1.0})
    train.main()
    after = load_model("models").detector.state_dict()
    for branch in ("audio.backbone", "visual.backbone"):
        assert any(not torch.equal(before[key], after[key]) for key in before if key.startswith(branch))


def test_nothing_of_the_faces_reaches_a_detector_of_the_sound(workspace):
    set_params(workspace, {"train.epochs": 1})
    train.main()
    first = (workspace / "models/model.safetensors").read_bytes()
    assert json.loads((workspace / "models/model.json").read_text())["visual"] is None
    set_params(
        workspace,
        {"train.fusion": "attention", "train.visual.backbone": "resnet81", "train.visual.image_size": 64},
    )
    for path in (workspace / "data/features").rglob("*.faces.npy"):
        np.save(path, 255 - np.load(path))
    train.main()
    assert (workspace / "models/model.safetensors").read_bytes() == first


def test_the_hash_of_the_data_is_of_the_faces_too(workspace):
    set_params(workspace, {"train.modality": "picture", "train.epochs": 1})
    found = set()
    for value in (0, 1):
        path = workspace / "data/features/train/shard-00.faces.npy"
        faces = np.load(path)
        faces[0, 0, 0, 0] = value
        np.save(path, faces)
        train.main()
        found.add(json.loads((workspace / "models/model.json").read_text())["data_sha256"])
    assert len(found) == 2


def test_a_branch_starts_from_that_of_a_detector_trained_before(workspace):
    set_params(workspace, {"train.modality": "picture", "train.epochs": 1})
    train.main()
    (workspace / "models").rename(workspace / "seen")
    weights = "seen/model.safetensors"
    set_params(workspace, {"train.modality": "both", "train.visual.pretrained": weights, "train.lr": 1e-9})
    train.main()
    facts = json.loads((workspace / "models/model.json").read_text())
    assert facts["visual"]["pretrained"] == {
        "kind": "detector", "name": weights, "tag": None, "repository": None, "licence": None,
    }  # fmt: skip
    before, after = (load_model(folder).detector.visual.backbone for folder in ("seen", "models"))
    for one, other in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    set_params(workspace, {"train.pretrained": weights})
    with pytest.raises(UserError, match=r"train\.pretrained: seen/.* does not listen"):
        train.main()


def test_weights_that_are_not_there_name_the_branch(workspace):
    set_params(workspace, {"train.modality": "both", "train.visual.pretrained": "no/such.pth"})
    with pytest.raises(UserError, match=r"train\.visual\.pretrained: no such file"):
        train.main()


def test_features_without_faces(tmp_path, monkeypatch):
    monkeypatch.chdir(make_workspace(tmp_path, train__modality="both"))
    pass_on(tmp_path)
    with pytest.raises(UserError, match="hold no faces") as caught:
        train.main()
    assert "extract.n_faces" in caught.value.remedy


def test_more_views_than_a_face_has(workspace):
    set_params(workspace, {"train.modality": "picture", "train.epochs": 1, "predict.tta": 3})
    train.main()
    with pytest.raises(UserError, match=r"predict\.tta: 3 views"):
        predict.main()


def test_members_look_as_one_and_teach_who_looks_as_they_do(workspace):
    set_params(workspace, {"train.modality": "both", "train.epochs": 1, "train.ensemble.members": 2})
    train.main()
    predict.main()
    together = load_model("models")
    assert together.modality == "both"
    features, _ = open_inputs("data/features", "data/resplit")
    row = int(features.index.index[features.index["split"] == "val"][0])
    looks = read_clip(features, row, "both")
    device = torch.device("cpu")
    each = [clip_score(member, looks, 32, device) for member in together.detector]
    assert each[0] != each[1]
    assert scores(workspace)["val-00.mp4"] == pytest.approx(np.mean(each), abs=2e-6)
    assert together.facts["parameters"] == together.facts["parameters_thop"]

    (workspace / "models").rename(workspace / "teacher")
    set_params(workspace, {"train.ensemble.members": 1, "train.distil.teacher": "teacher"})
    train.main()
    assert json.loads((workspace / "models/model.json").read_text())["teacher"]["members"] == 2
    set_params(workspace, {"train.modality": "picture"})
    with pytest.raises(
        UserError, match=r"teacher: teacher is of train\.modality: both, the learner of picture"
    ):
        train.main()
