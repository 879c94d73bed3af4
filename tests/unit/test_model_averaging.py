import pytest
import torch
from torch import nn

from avfake.model.averaging import make_averaging
from train_params import train_params

WINDOWS = torch.randint(0, 256, (12, 3), generator=torch.Generator().manual_seed(0)).float()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def batches():
    return WINDOWS.split(6)


def moved(model: nn.Module, value: float) -> None:
    """All weights become one value; statistics of normalisation become twice that."""
    with torch.no_grad():
        for weights in model.parameters():
            weights.fill_(value)
        model[1].running_mean.fill_(2 * value)
        model[1].num_batches_tracked.fill_(int(value))


def weight_of(model: nn.Module) -> float:
    """The one value that all weights have."""
    values = torch.cat([weights.detach().flatten() for weights in model.parameters()])
    assert values.max() - values.min() < 1e-5
    return values.mean().item()


def test_without_averaging_the_detector_stands_for_itself():
    model = network()
    averaging = make_averaging(model, train_params())
    averaging.after_update()
    averaging.after_epoch(1, batches)
    assert averaging.kept is model
    assert averaging.state_dict() == {}


def test_a_moving_average_moves_by_what_the_decay_leaves():
    model = network()
    averaging = make_averaging(model, train_params(averaging="ema", ema_decay=0.5))
    moved(model, 1.0)
    averaging.after_update()
    assert weight_of(averaging.kept) == 1.0  # the random weights before it are gone
    first = 1 - 2 ** (-2 / 3)  # below 0.5: the decay is still rising
    moved(model, 3.0)
    averaging.after_update()
    second = first * 1 + (1 - first) * 3
    assert weight_of(averaging.kept) == pytest.approx(second, abs=1e-5)
    assert averaging.kept[1].running_mean.tolist() == pytest.approx([2 * second] * 4, abs=1e-5)
    moved(model, 0.0)
    averaging.after_update()
    assert weight_of(averaging.kept) == pytest.approx(second * 0.5, abs=1e-5)
    assert averaging.kept[1].num_batches_tracked == 0
    assert not averaging.kept.training
    assert weight_of(model) == 0.0


def test_a_stochastic_average_is_the_mean_of_the_later_epochs_with_statistics_of_its_own():
    model = network()
    averaging = make_averaging(model, train_params(averaging="swa", swa_start=0.5, epochs=4))
    for epoch, value in enumerate((7.0, 9.0), 1):
        moved(model, value)
        averaging.after_epoch(epoch, batches)
        assert averaging.kept is model
    for epoch, value in enumerate((1.0, 4.0), 3):
        moved(model, value)
        averaging.after_epoch(epoch, batches)
        assert averaging.kept is not model
    assert weight_of(averaging.kept) == 2.5
    seen = 2.5 * WINDOWS.sum(1) + 2.5
    statistics = averaging.kept[1]
    halves = torch.stack([half.mean() for half in seen.split(6)]).mean().item()
    assert statistics.running_mean.tolist() == pytest.approx([halves] * 4, rel=1e-5)
    assert statistics.num_batches_tracked == 2
    assert model[1].running_mean.tolist() == [8.0] * 4
    assert statistics.momentum == model[1].momentum


@pytest.mark.parametrize("name", ["ema", "swa"])
def test_what_was_stored_goes_on_alike(name):
    params = train_params(averaging=name, swa_start=0.0, epochs=4)
    one, other = network(), network()
    first, second = make_averaging(one, params), make_averaging(other, params)
    for epoch, value in enumerate((1.0, 2.0, 5.0), 1):
        if epoch == 3:
            second.load_state_dict(first.state_dict())
        for model, averaging in ((one, first), (other, second)):
            if epoch == 3 or averaging is first:
                moved(model, value)
                averaging.after_update()
                averaging.after_epoch(epoch, batches)
    for key, value in first.kept.state_dict().items():
        assert torch.equal(value, second.kept.state_dict()[key])
