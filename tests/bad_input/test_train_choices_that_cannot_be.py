"""Choices of `train` that do not go together or with the windows: said before anything is trained."""

import json

import pytest

from avfake.errors import UserError
from avfake.stages import train
from toy_features import make_workspace
from toy_resplit import pass_on
from train_params import neutral
from workspace import set_params


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = make_workspace(tmp_path_factory.mktemp("toy"))
    pass_on(folder)
    return folder


@pytest.fixture
def folder(toy, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(toy / "data")
    (tmp_path / "params.yaml").write_text((toy / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(folder, **values):
    set_params(
        folder, neutral() | {f"train.{name.replace('__', '.')}": value for name, value in values.items()}
    )
    with pytest.raises(UserError) as caught:
        train.main()
    assert caught.value.exit_code == 2
    assert not (folder / "models").exists()
    return f"{caught.value.message}\n{caught.value.remedy}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"optimiser": "admw"}, ["timm has no optimiser `admw`", "adamw"]),
        (
            {"schedule": "one_cycle", "epochs": 1, "batch_size": 100},
            ["one_cycle has 1 updates", "train longer"],
        ),
        ({"warmup_epochs": 3, "epochs": 3}, ["params.yaml line", "warmup_epochs must be below epochs"]),
        ({"loss": "hinge"}, ["`train.loss`", "'cross_entropy', 'focal'"]),
        ({"swa_start": 1.0}, ["`train.swa_start`", "less than 1"]),
        ({"patience": 0}, ["`train.patience`", "greater than or equal to 1"]),
        ({"augmentation__mixup": -0.1}, ["`train.augmentation.mixup`", "greater than or equal to 0"]),
        ({"augmentation__time_mask_share": 0.0}, ["`train.augmentation.time_mask_share`", "greater than 0"]),
    ],
)
def test_the_value_is_named(folder, values, words):
    said = refused(folder, **values)
    for word in words:
        assert word in said


def test_a_part_that_is_missing(folder):
    set_params(folder, {"train.augmentation": {}})
    with pytest.raises(UserError, match=r"line \d+: `train\.augmentation\.flip_time`: missing parameter"):
        train.main()


@pytest.mark.parametrize("knob", ["high_cut", "tilt_db"])
def test_frequencies_where_there_are_none(folder, knob):
    features = folder / "data/features/features.json"
    before = features.read_text()
    info = json.loads(before)
    cepstra = {"front_end": ["lfcc"], "params": {"normalise": "peak", "dynamic_range": 80.0}}
    features.write_text(json.dumps(info | cepstra))
    try:
        said = refused(folder, **{f"augmentation__{knob}": 0.5})
    finally:
        features.write_text(before)
    assert f"train.augmentation.{knob}: the rows of lfcc are no frequencies" in said
    assert "featurize.front_end" in said
