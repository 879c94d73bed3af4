"""The contest's rules on a detector with eyes: both branches count, and both start from allowed weights."""

import dataclasses
import json

import pytest

from avfake.model.saved import read_facts
from avfake.model.visual import Sight
from avfake.rules import parameters, pretraining
from judged import a_subject
from toy_detector import make_model

SIGHT = Sight("both", "test_efficientnet", 32, None, "attention")
LISTED = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
OTHER = "f" * 64
NONE = {"kind": "none"}


def test_both_branches_are_counted_from_the_file(tmp_path):
    make_model(tmp_path / "models", sight=SIGHT)
    model = read_facts(tmp_path / "models")
    _, size = parameters.counted(model)
    said = {"parameters": size.parameters, "parameters_thop": size.parameters_thop}
    assert parameters.judge(a_subject(tmp_path, model=model | said)).faults == ()
    _, alone = parameters.counted(model | {"visual": None})
    assert size.parameters > alone.parameters
    limits = {"max_parameters": size.parameters - 1}
    assert len(parameters.judge(a_subject(tmp_path, model=model | said, limits=limits)).faults) >= 1


def test_a_model_json_that_hides_a_branch_is_found(tmp_path):
    make_model(tmp_path / "models", sight=SIGHT)
    hidden = read_facts(tmp_path / "models") | {"visual": None}
    faults = parameters.judge(a_subject(tmp_path, model=hidden)).faults
    assert any("is no test_resnet" in fault for fault in faults)


def judged(folder, modality: str, source: str, sha256: str | None, sound: str = "none"):
    visual = dataclasses.asdict(dataclasses.replace(SIGHT, modality=modality))
    record = NONE if source == "none" else {"kind": "file", "name": source}
    model = {
        "backbone": "test_resnet", "pretrained": NONE, "pretrained_sha256": None, "sha256": "0" * 64,
        "train": {
            "modality": modality, "backbone": "test_resnet", "pretrained": sound,
            "visual": {"backbone": "test_efficientnet", "pretrained": source},
        },
        "visual": visual | {"pretrained": record, "pretrained_sha256": sha256},
    }  # fmt: skip
    return pretraining.judge(a_subject(folder, model=model))


@pytest.mark.parametrize(("source", "sha256"), [("none", None), ("faces.pth", LISTED)])
def test_weights_of_faces_that_are_allowed(tmp_path, source, sha256):
    assert judged(tmp_path, "both", source, sha256).faults == ()


@pytest.mark.parametrize("modality", ["both", "picture"])
def test_weights_of_faces_that_nobody_knows(tmp_path, modality):
    faults = judged(tmp_path, modality, "faces.pth", OTHER).faults
    assert len(faults) == 1
    assert "faces.pth" in faults[0]
    assert OTHER in faults[0]


def test_what_the_sound_would_start_from_is_nothing_to_a_detector_of_the_picture(tmp_path):
    assert judged(tmp_path, "picture", "none", None, sound="imagenet1k").faults == ()
    assert judged(tmp_path, "both", "none", None, sound="imagenet1k").faults != ()


def test_the_lock_is_compared_branch_by_branch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path / "models", sight=SIGHT)
    path = tmp_path / "models/model.json"
    model = json.loads(path.read_text())
    train = {
        "modality": "both", "backbone": "test_resnet", "pretrained": "none",
        "visual": {"backbone": "test_efficientnet", "pretrained": "none"},
    }  # fmt: skip
    model |= {"train": train, "pretrained": NONE, "visual": model["visual"] | {"pretrained": NONE}}
    path.write_text(json.dumps(model))
    locked = train | {"modality": "sound", "visual": train["visual"] | {"pretrained": "faces.pth"}}
    entry = {"params": {"params.yaml": {"train": locked}}}
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"train": entry}}))
    faults = pretraining.judge(a_subject(tmp_path, model=model)).faults
    assert faults == (
        "model.json says train.modality: both, dvc.lock says sound",
        "model.json says train.visual.pretrained: none, dvc.lock says faces.pth",
    )
