"""The heat of a detector that reads maps from the middle of its backbone."""

import numpy as np
import pytest
import torch

from avfake.explain.readout_heat import reads_stages, stage_heat
from avfake.model.detector import build
from avfake.model.inference import window_logits
from avfake.params.train import ReadoutParams

SHAPE = (2, 64, 96)


@pytest.mark.parametrize("stages", [[2], [2, 3]])
def test_the_mean_of_the_heat_and_the_bias_are_the_log_odds(stages):
    torch.manual_seed(0)
    detector = build("test_efficientnet", SHAPE, ReadoutParams(stages=stages, bands=4))
    windows = np.random.default_rng(0).integers(0, 256, (3, *SHAPE)).astype(np.uint8)
    heat = stage_heat(detector, windows, batch_size=2)
    logits = window_logits(detector, windows, 2, torch.device("cpu"))
    bias = float(detector.head.bias[1] - detector.head.bias[0])
    assert heat.shape == (3, 8, 12)
    np.testing.assert_allclose(heat.mean(axis=(1, 2)) + bias, logits[:, 1] - logits[:, 0], atol=1e-5)
    assert heat.std() > 0


def test_a_band_that_the_head_looks_at_alone_has_all_the_heat():
    torch.manual_seed(0)
    detector = build("test_efficientnet", (1, 64, 96), ReadoutParams(stages=[2], bands=4))
    with torch.no_grad():
        weight = detector.head.weight.zero_()
        weight[1].reshape(-1, 4)[:, 2] = 1.0
    windows = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 96)).astype(np.uint8)
    rows = np.abs(stage_heat(detector, windows, 2)).max(axis=(0, 2))
    assert (rows[4:6] > 0).all()
    assert not np.delete(rows, [4, 5]).any()


def test_other_detectors_have_none():
    assert not reads_stages(build("test_efficientnet", SHAPE))
