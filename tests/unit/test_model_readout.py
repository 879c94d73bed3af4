"""Features from the middle of a backbone, band by band."""

import numpy as np
import pytest
import timm
import torch

from avfake.errors import UserError
from avfake.model import budget
from avfake.model.detector import build
from avfake.model.pretrained import load_pretrained
from avfake.model.saved import load_model, save_model
from avfake.params.train import ReadoutParams

TOY = "test_efficientnet"
SHAPE = (2, 64, 96)


def readout(stages=(2, 3), bands=2) -> ReadoutParams:
    return ReadoutParams(stages=list(stages), bands=bands)


def windows(n=3, shape=SHAPE):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, *shape)).astype(np.uint8))


def made(shape=SHAPE, **values):
    torch.manual_seed(0)
    return build(TOY, shape, readout(**values))


def test_each_stage_is_averaged_over_time_in_ranges_of_bands():
    detector = made(shape=(1, 64, 96))
    with torch.inference_mode():
        features = detector.audio(windows(shape=(1, 64, 96)))
        images = (windows(shape=(1, 64, 96)).float() / 255 - detector.audio.mean) / detector.audio.std
        maps = detector.audio.backbone.maps(images)
    assert [layer.shape[2] for layer in maps] == [8, 4]
    low, high = maps[0][:, :, :4].mean((2, 3)), maps[0][:, :, 4:].mean((2, 3))
    first = torch.stack([low, high], dim=2).reshape(3, -1)
    torch.testing.assert_close(features[:, : first.shape[1]], first)
    assert features.shape[1] == 2 * sum(layer.shape[1] for layer in maps) == detector.head.in_features


def test_channels_are_looked_at_one_by_one():
    detector = made()
    swapped = windows().flip(1)
    with torch.inference_mode():
        a, b = detector.audio(windows()), detector.audio(swapped)
    half = a.shape[1] // 2
    assert not torch.allclose(a, b)
    first, second = (x.reshape(3, 2, -1) for x in (detector.audio.backbone(torch.zeros(3, *SHAPE)), a))
    assert first.shape == second.shape
    assert half * 2 == a.shape[1]


def test_nothing_behind_the_last_stage_is_kept():
    short, whole = made(stages=(1,)), build(TOY, SHAPE)
    assert budget.measure(short, SHAPE).parameters < budget.measure(whole, SHAPE).parameters / 2
    assert budget.measure(short, SHAPE).parameters_thop == budget.measure(short, SHAPE).parameters


def test_published_weights_arrive_and_the_first_layer_sums_the_colours(tmp_path):
    torch.manual_seed(1)
    published = timm.create_model(TOY)
    path = tmp_path / "weights.pth"
    torch.save(published.state_dict(), path)
    detector = made()
    load_pretrained(detector, TOY, str(path), SHAPE)
    found = detector.audio.backbone.network.state_dict()
    assert len(found) > 10
    for key, value in found.items():
        expected = published.state_dict()[key]
        if key == "conv_stem.weight":
            expected = expected.sum(1, keepdim=True)
        torch.testing.assert_close(value, expected)


def test_a_saved_detector_is_built_again_as_it_was(tmp_path):
    detector = made()
    train = {"readout": readout().model_dump(), "pooling": "log_odds"}
    facts = {"backbone": TOY, "features": {"shape": list(SHAPE)}, "train": train, "prior": 0.5}
    save_model(tmp_path, detector, facts)
    loaded = load_model(tmp_path).detector
    assert loaded.pooling == "log_odds"
    with torch.inference_mode():
        torch.testing.assert_close(loaded(windows()), detector(windows()))


@pytest.mark.parametrize(
    ("backbone", "values", "message"),
    [
        (TOY, {"stages": (9,)}, "has stages 0 to 4, not 9"),
        (TOY, {"stages": (3,), "bands": 3}, "its map of 4 rows cannot be cut into 3 ranges"),
        ("avfake_lcnn", {}, "`avfake_lcnn` has no stages that can be read"),
    ],
)
def test_a_readout_that_cannot_be_is_refused(backbone, values, message):
    with pytest.raises(UserError, match=message):
        build(backbone, SHAPE, readout(**values))


def test_stages_must_rise():
    with pytest.raises(ValueError, match="each once, the finest first"):
        readout(stages=(3, 2))
