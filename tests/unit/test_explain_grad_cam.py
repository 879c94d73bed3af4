"""Grad-CAM against networks whose answer is known by hand, and its sum on real backbones."""

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from avfake.explain.grad_cam import NoFeatureMap, cell_heat, feature_map, log_odds, resample

CELL = 8


class Bright(nn.Module):
    """Mean brightness of each block of 8x8, and nothing else."""

    num_features = 2

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Conv2d(1, 2, CELL, CELL, bias=False)
        with torch.no_grad():
            self.blocks.weight.zero_()
            self.blocks.weight[0] = 1 / CELL**2

    def forward_features(self, images: Tensor) -> Tensor:
        return self.blocks(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_features(images).mean((2, 3))


class Judge(nn.Module):
    """A backbone and a linear head on grey levels, as the detector is."""

    def __init__(self, backbone: nn.Module, n_features: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(n_features, 2)

    def forward(self, windows: Tensor) -> Tensor:
        return self.head(self.backbone(windows.float() / 255))


def bright_judge() -> Judge:
    judge = Judge(Bright(), 2).eval()
    with torch.no_grad():
        judge.head.weight.copy_(torch.tensor([[0.0, 5.0], [10.0, 5.0]]))
        judge.head.bias.copy_(torch.tensor([1.0, -2.0]))
    return judge


def heat_of(judge: Judge, windows: np.ndarray, batch_size: int = 2) -> np.ndarray:
    _, layer = feature_map(judge.backbone, windows.shape[1:])
    return cell_heat(lambda batch: log_odds(judge(batch)), judge, layer, windows, batch_size)


def test_the_heat_is_where_the_evidence_is_and_in_log_odds():
    windows = np.zeros((3, 1, 16, 32), np.uint8)
    windows[1, 0, 8:16, 24:32] = 255
    heat = heat_of(bright_judge(), windows)
    expected = np.zeros((3, 2, 4))
    # 10 of the head times a brightness of 1; the feature that speaks for both classes alike is in neither
    expected[1, 1, 3] = 10
    np.testing.assert_allclose(heat, expected, atol=1e-5)


def test_evidence_for_real_is_below_zero():
    judge = bright_judge()
    with torch.no_grad():
        judge.head.weight.neg_()
    windows = np.full((1, 1, 16, 32), 255, np.uint8)
    np.testing.assert_allclose(heat_of(judge, windows), np.full((1, 2, 4), -10.0), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "layer"),
    [("test_resnet", "layer4"), ("test_efficientnet", "bn2"), ("test_byobnet", "final_conv")],
)
def test_heat_and_bias_add_up_to_the_log_odds_of_a_backbone_that_ends_in_a_mean(name, layer):
    torch.manual_seed(3)
    backbone = timm.create_model(name, in_chans=2, num_classes=0).eval()
    judge = Judge(backbone, backbone.num_features).eval()
    assert feature_map(backbone, (2, 64, 96))[0] == layer
    windows = np.random.default_rng(0).integers(0, 256, (3, 2, 64, 96)).astype(np.uint8)
    with torch.no_grad():
        expected = log_odds(judge(torch.from_numpy(windows))).numpy()
        bias = float(judge.head.bias[1] - judge.head.bias[0])
    cells = heat_of(judge, windows)
    assert cells.shape[1] * cells.shape[2] > 1
    np.testing.assert_allclose(cells.mean((1, 2)) + bias, expected, rtol=1e-4, atol=1e-5)
    # doubling a map and the like keep its mean
    whole = resample(cells, (cells.shape[1] * 8, cells.shape[2] * 8))
    np.testing.assert_allclose(whole.mean((1, 2)), cells.mean((1, 2)), rtol=1e-4, atol=1e-5)


def test_the_network_is_left_as_it_was():
    judge = bright_judge()
    before = {key: value.clone() for key, value in judge.state_dict().items()}
    windows = np.full((5, 1, 16, 32), 9, np.uint8)
    first, second = heat_of(judge, windows), heat_of(judge, windows, batch_size=5)
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert heat_of(judge, windows).tobytes() == first.tobytes()
    assert all(weight.requires_grad and weight.grad is None for weight in judge.parameters())
    assert all(torch.equal(value, before[key]) for key, value in judge.state_dict().items())
    assert all(not layer._forward_hooks and not layer._backward_hooks for layer in judge.modules())


@pytest.mark.parametrize(
    "network",
    [
        lambda: timm.create_model("test_vit", in_chans=1, num_classes=0, img_size=(32, 32)),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(1024, 4)),
    ],
    ids=["a transformer", "no timm model"],
)
def test_what_has_no_feature_map_says_so(network):
    with pytest.raises(NoFeatureMap, match="map"):
        feature_map(network().eval(), (1, 32, 32))
