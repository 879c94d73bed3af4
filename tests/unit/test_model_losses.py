import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from avfake.model.losses import balanced_weights, make_loss
from train_params import train_params

NAMES = ["cross_entropy", "focal", "dice", "one_class_softmax", "auc"]
HARD = torch.tensor([0, 1, 1, 0, 1])


def some_logits(scale: float = 1.0) -> torch.Tensor:
    made = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)) * scale
    return made.requires_grad_()


def loss_of(name: str, logits, targets=HARD, class_weights=None, **values):
    return make_loss(train_params(loss=name, **values), class_weights)(logits, targets)


def odds(*values: float) -> torch.Tensor:
    """Logits whose log-odds of fake are these, on some level."""
    given = torch.tensor(values)
    return torch.stack([3 - given / 2, 3 + given / 2], dim=1).requires_grad_()


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_falls_along_its_gradient_for_hard_and_soft_targets(name):
    for targets in (HARD, torch.tensor([0.1, 0.9, 0.6, 0.0, 1.0])):
        logits = some_logits()
        loss = loss_of(name, logits, targets)
        assert loss.ndim == 0
        loss.backward()
        assert torch.isfinite(logits.grad).all()
        better = loss_of(name, logits - 0.01 * logits.grad / logits.grad.norm(), targets)
        assert better < loss


@pytest.mark.parametrize("name", NAMES)
def test_the_right_side_costs_less_and_extremes_stay_finite(name):
    right, wrong = odds(-4.0, 4.0, 4.0, -4.0, 4.0), odds(4.0, -4.0, -4.0, 4.0, -4.0)
    assert loss_of(name, right) < loss_of(name, wrong)
    far = odds(300.0, -300.0, 300.0, -300.0, 300.0)
    loss_of(name, far, focal_gamma=0.5).backward()
    assert torch.isfinite(far.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_targets_of_one_kind_as_numbers_or_as_shares_are_the_same(name):
    weights = torch.tensor([0.5, 2.0])
    for class_weights in (None, weights):
        hard = loss_of(name, some_logits(), HARD, class_weights)
        assert torch.allclose(hard, loss_of(name, some_logits(), HARD.float(), class_weights))


@pytest.mark.parametrize("name", NAMES)
def test_label_smoothing_makes_certainty_cost(name):
    sure = odds(-9.0, 9.0, 9.0, -9.0, 9.0)
    assert loss_of(name, sure, label_smoothing=0.2) > loss_of(name, sure) + 1e-3


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "dice", "one_class_softmax"])
def test_class_weights_move_the_loss_towards_the_weighty_class(name):
    reals_wrong = odds(2.0, 2.0, 2.0, 2.0, 2.0)
    of_reals, of_fakes = (
        loss_of(name, reals_wrong, HARD, torch.tensor(weights)) for weights in ([3.0, 1.0], [1.0, 3.0])
    )
    assert of_fakes < loss_of(name, reals_wrong) < of_reals


def test_cross_entropy_is_torchs():
    logits = some_logits()
    weights = torch.tensor([0.5, 2.0])
    assert torch.equal(loss_of("cross_entropy", logits), torch.nn.CrossEntropyLoss()(logits, HARD))
    weighted = torch.nn.CrossEntropyLoss(weights)(logits, HARD)
    assert torch.equal(loss_of("cross_entropy", logits, HARD, weights), weighted)
    smooth = F.cross_entropy(logits, HARD, label_smoothing=0.1)
    assert torch.allclose(loss_of("cross_entropy", logits, label_smoothing=0.1), smooth)
    shares = torch.tensor([0.1, 0.9, 0.6, 0.0, 1.0])
    soft = F.cross_entropy(logits, torch.stack([1 - shares, shares], 1))
    assert torch.allclose(loss_of("cross_entropy", logits, shares), soft)


def test_focal_forgets_what_is_right():
    logits = some_logits(2.0)
    assert torch.allclose(loss_of("focal", logits, focal_gamma=0.0), F.cross_entropy(logits, HARD))
    right = logits.softmax(1)[torch.arange(5), HARD]
    by_hand = (-((1 - right) ** 2) * right.log()).mean()
    assert torch.allclose(loss_of("focal", logits, focal_gamma=2.0), by_hand)


def test_dice_is_nothing_where_all_is_right_and_whole_where_nothing_is():
    sure = odds(-60.0, 60.0, 60.0, -60.0, 60.0)
    assert loss_of("dice", sure) < 1e-6
    assert loss_of("dice", -sure) > 0.7  # the smoothing keeps it from one in a batch of five
    assert torch.isfinite(loss_of("dice", odds(5.0, 5.0), torch.tensor([1, 1])))


def test_one_class_softmax_has_the_margins_of_the_paper():
    # tanh(-d / 2 + atanh(0.55)) is 0.9 and 0.2 at these odds of fake.
    shift = math.atanh(0.55)
    at_real, at_fake = 2 * (shift - math.atanh(0.9)), 2 * (shift - math.atanh(0.2))
    at_margins = loss_of("one_class_softmax", odds(at_real, at_fake), torch.tensor([0, 1]))
    assert torch.allclose(at_margins, torch.tensor(math.log(2)))
    assert at_real < 0 < at_fake
    # Beyond its margin a fake hardly counts, however far it is; a real clip between the margins does.
    near, far = (loss_of("one_class_softmax", odds(d), torch.tensor([1])) for d in (at_fake + 1, at_fake + 9))
    assert near < 0.01
    assert near - far < 0.01
    assert loss_of("one_class_softmax", odds(0.0), torch.tensor([0])) > 5


def test_auc_looks_at_the_order_only():
    base = odds(-1.0, 0.5, -2.0, 0.3, 1.0)
    lifted = odds(6.0, 7.5, 5.0, 7.3, 8.0)
    assert torch.allclose(loss_of("auc", base), loss_of("auc", lifted), atol=1e-5)
    pairs = [(fake, real) for fake in (0.5, -2.0, 1.0) for real in (-1.0, 0.3)]
    by_hand = np.mean([math.log1p(math.exp(real - fake)) for fake, real in pairs])
    assert loss_of("auc", base).item() == pytest.approx(by_hand, rel=1e-6)
    alone = odds(1.0, 2.0)
    loss = loss_of("auc", alone, torch.tensor([1, 1]))
    loss.backward()
    assert loss == 0
    assert (alone.grad == 0).all()


def test_balanced_weights_give_both_classes_the_same_sum():
    weights = balanced_weights(np.array([0, 1, 1, 1]))
    assert weights.tolist() == [2.0, pytest.approx(2 / 3)]
