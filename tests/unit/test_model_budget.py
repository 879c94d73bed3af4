from pathlib import Path

import pytest
import torch
from torch import nn

from avfake.errors import UserError
from avfake.model import budget
from avfake.model.detector import AudioBranch, Detector, build
from avfake.params import RulesParams, load

ROOT = Path(__file__).parents[2]
SHAPE = (1, 32, 32)


def test_both_counts_agree_and_the_model_is_left_alone():
    detector = build(
        "tf_efficientnet_lite0", SHAPE
    )  # timm's own convolutions and norms, which thop does not know
    before = {key: value.clone() for key, value in detector.state_dict().items()}
    size = budget.measure(detector, SHAPE)
    assert size.parameters == size.parameters_thop == sum(p.numel() for p in detector.parameters())
    assert size.macs_thop > 1e6
    after = detector.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_too_many_parameters():
    toy = Detector(AudioBranch(nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 10)), 0.5, 0.5), 10)
    size = budget.measure(toy, SHAPE)
    assert size.parameters == size.parameters_thop == (32 * 32 + 1) * 10 + (10 + 1) * 2
    budget.check(size, "toy", size.parameters)
    with pytest.raises(UserError, match="toy"):
        budget.check(size, "toy", size.parameters - 1)


def test_either_count_may_be_too_large():
    limit = load(RulesParams, ROOT / "params.yaml").max_parameters
    assert limit == 200_000_000  # the contest's
    budget.check(budget.Size(limit, limit, 0), "just right", limit)
    for size in (budget.Size(200_000_001, 0, 0), budget.Size(0, 200_000_001, 0)):
        with pytest.raises(UserError, match=r"rules\.max_parameters allows 200\.0 million"):
            budget.check(size, "too big", limit)
