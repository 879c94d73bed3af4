import json
import os

import pytest
import torch

from avfake.errors import UserError
from avfake.model.checkpoint import KEPT_OTHERS, Checkpoint
from avfake.model.detector import build
from avfake.model.saved import load_model, save_model

SHAPE = (1, 32, 32)
FACTS = {
    "backbone": "test_efficientnet",
    "features": {"shape": list(SHAPE)},
    "train": {"readout": {"stages": [], "bands": 4}, "pooling": "mean"},
    "prior": 0.25,
}


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(1)
    detector = build("test_efficientnet", SHAPE)
    save_model(tmp_path / "models", detector, FACTS)
    return tmp_path / "models", detector


def test_what_is_loaded_is_what_was_saved(model):
    folder, detector = model
    saved = load_model(folder)
    assert saved.prior == 0.25
    assert saved.shape == SHAPE
    windows = torch.randint(0, 256, (2, *SHAPE), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(saved.detector(windows), detector(windows))


def test_the_same_model_gives_the_same_bytes(model, tmp_path):
    folder, detector = model
    save_model(tmp_path / "again", detector.to(memory_format=torch.channels_last), FACTS)
    for name in ("model.safetensors", "model.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_one_flipped_bit_is_noticed(model):
    folder, _ = model
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged") as caught:
        load_model(folder)
    assert "dvc repro train" in caught.value.remedy


def test_weights_of_another_training_are_noticed(model):
    folder, _ = model
    torch.manual_seed(2)
    save_model(folder.parent / "other", build("test_efficientnet", SHAPE), FACTS)
    (folder.parent / "other/model.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(UserError, match="another training"):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_missing_file(model, name):
    folder, _ = model
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name}: no such file"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"backbone": "test_resnet"}, "does not fit"),
        ({"prior": None}, "`prior`"),
    ],
)
def test_facts_that_cannot_be_used(model, change, message):
    folder, _ = model
    path = folder / "model.json"
    facts = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in facts.items() if value is not None}))
    with pytest.raises(UserError, match=message):
        load_model(folder)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_facts_that_are_none(model, text):
    folder, _ = model
    (folder / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"model\.json"):
        load_model(folder)


def test_a_checkpoint_comes_back(tmp_path):
    checkpoint = Checkpoint(tmp_path, "abc")
    assert checkpoint.load() is None
    checkpoint.save({"weights": {"a": torch.arange(3.0)}, "rows": [{"epoch": 1, "val_auc": 0.5}]})
    stored = checkpoint.load()
    assert torch.equal(stored["weights"]["a"], torch.arange(3.0))
    assert stored["rows"] == [{"epoch": 1, "val_auc": 0.5}]
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", [0, 10, 500])
def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path, capsys, keep):
    checkpoint = Checkpoint(tmp_path, "abc")
    checkpoint.save({"weights": torch.arange(1000)})
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:keep])
    assert checkpoint.load() is None
    assert "damaged" in capsys.readouterr().err


def test_old_checkpoints_do_not_pile_up(tmp_path):
    for number in range(KEPT_OTHERS + 3):
        other = Checkpoint(tmp_path, f"other{number}")
        other.save({})
        os.utime(other.folder, (number, number))
    own = Checkpoint(tmp_path, "own")
    own.save({})
    own.remove_stale()
    left = sorted(path.name for path in own.root.iterdir())
    assert left == [f"other{KEPT_OTHERS + 1}", f"other{KEPT_OTHERS + 2}", "own"]
