"""Parameters, counted from the model's file: 201 million fail, whatever model.json says."""

import json
import math
from pathlib import Path

import pytest
from timm.models import _registry
from torch import Tensor, nn

from avfake.rules import parameters
from judged import a_subject

WIDE, SHAPE = "toy_wide", (1, 32, 64)
TRAIN = {"readout": {"stages": [], "bands": 4}, "pooling": "mean"}


class Wide(nn.Module):
    """One linear layer from a window to `n_features`."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.pretrained_cfg = {"mean": (0.5,), "std": (0.5,)}
        self.layer = nn.Linear(math.prod(SHAPE), n_features)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.flatten(1))


def write_zeros(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A safetensors file of zeros that takes no room on the disk: all behind the header is a hole."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + end)


def judged(folder, monkeypatch, n_features: int, **said):
    monkeypatch.setitem(_registry._model_entrypoints, WIDE, lambda **_: Wide(n_features))
    n_inputs = math.prod(SHAPE)
    shapes = {
        "audio.mean": (), "audio.std": (), "audio.backbone.layer.weight": (n_features, n_inputs),
        "audio.backbone.layer.bias": (n_features,), "head.weight": (2, n_features), "head.bias": (2,),
    }  # fmt: skip
    write_zeros(folder / "models/model.safetensors", shapes | said.pop("shapes", {}))
    count = (n_inputs + 1 + 2) * n_features + 2
    model = {
        "backbone": WIDE,
        "features": {"shape": list(SHAPE)},
        "train": TRAIN,
        "parameters": count,
        "parameters_thop": count,
    }
    return count, parameters.judge(a_subject(folder, model=model | said))


def test_two_hundred_and_one_million(tmp_path, monkeypatch):
    count, verdict = judged(tmp_path, monkeypatch, 98_000)
    assert 200_900_000 < count < 201_100_000
    assert verdict.status == "fail"
    assert verdict.faults == (
        f"{count:,} parameters by counting, rules.max_parameters allows 200,000,000",
        f"{count:,} parameters by thop, rules.max_parameters allows 200,000,000",
    )


def test_just_below(tmp_path, monkeypatch):
    count, verdict = judged(tmp_path, monkeypatch, 97_000)
    assert verdict.status == "pass"
    assert f"{count:,} parameters by counting, {count:,} by thop on a copy" in verdict.evidence[1]
    assert f"holds {count + 2:,} numbers in 6 tensors" in verdict.evidence[0]


@pytest.mark.parametrize("key", ["parameters", "parameters_thop"])
def test_model_json_is_not_believed(tmp_path, monkeypatch, key):
    count, verdict = judged(tmp_path, monkeypatch, 98_000, **{key: 1_000_000})
    assert f"{count:,} parameters by counting" in verdict.faults[0]
    assert f"model.json says {key}: 1000000, the model has {count}" in verdict.faults


def test_a_file_of_another_architecture(tmp_path, monkeypatch):
    _, verdict = judged(tmp_path, monkeypatch, 10, shapes={"more.weight": (300_000_000,)})
    assert "more.weight differ in shape or are missing" in verdict.faults[0]
    assert "300,0" in verdict.evidence[0]


def test_a_file_that_is_no_weights(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.safetensors").write_text("no weights at all")
    verdict = parameters.judge(a_subject(tmp_path))
    assert "cannot be read" in verdict.faults[0]


def test_a_backbone_that_looks_at_numbers(tmp_path, monkeypatch):
    """It cannot be built without any: then it is built with them."""

    class Peeking(Wide):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images) * (1 if images.sum().item() > 0 else 2)

    monkeypatch.setitem(_registry._model_entrypoints, WIDE, lambda **_: Peeking(10))
    detector, size = parameters.counted({"backbone": WIDE, "features": {"shape": SHAPE}, "train": TRAIN})
    assert size.parameters == size.parameters_thop == sum(p.numel() for p in detector.parameters())
