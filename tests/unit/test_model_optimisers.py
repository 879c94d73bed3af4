import itertools
import warnings

import pytest
import torch
from torch import nn

from avfake.errors import UserError
from avfake.model.optimisers import WARMUP_START, make_optimiser, make_schedule
from train_params import train_params

UPDATES = 5  # of an epoch


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def step(model: nn.Module, optimiser: torch.optim.Optimizer, number: int) -> None:
    inputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(number))
    optimiser.zero_grad()
    nn.functional.cross_entropy(model(inputs), torch.tensor([0, 1] * 3)).backward()
    optimiser.step()


def rates(epochs: int = 8, updates: int = UPDATES, **values: object) -> list[list[float]]:
    """The learning rate of every update, by epoch."""
    params = train_params(epochs=epochs, **values)
    model = network()
    optimiser = make_optimiser(model, params)
    schedule = make_schedule(optimiser, params, [updates] * epochs)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for epoch in range(1, epochs + 1):
            found.append([])
            for number in range(updates):
                schedule.before_update(epoch, number / updates)
                found[-1].append(optimiser.param_groups[0]["lr"])
                step(model, optimiser, number)
                schedule.after_update()
    return found


def test_the_default_is_plain_adam():
    one, other = network(), network()
    adam = torch.optim.Adam(other.parameters(), lr=0.003)
    optimiser = make_optimiser(one, train_params(lr=0.003))
    assert type(optimiser) is torch.optim.Adam
    for number in range(10):
        step(one, optimiser, number)
        step(other, adam, number)
    for mine, plain in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, plain)


@pytest.mark.parametrize("gamma", [0.5, 0.85])
def test_step_is_the_arithmetic_of_steplr(gamma):
    adam = torch.optim.Adam(network().parameters(), lr=0.003)
    plain = torch.optim.lr_scheduler.StepLR(adam, 3, gamma)
    for epoch in rates(lr=0.003, lr_step=3, lr_gamma=gamma):
        assert epoch == pytest.approx([plain.get_last_lr()[0]] * UPDATES, rel=1e-14)
        adam.step()
        plain.step()


def test_cosine_falls_from_update_to_update_to_almost_nothing():
    flat = list(itertools.chain(*rates(schedule="cosine", lr=0.01)))
    assert flat[0] == 0.01
    assert flat[len(flat) // 2] == pytest.approx(0.005)
    assert flat == sorted(flat, reverse=True)
    assert len(set(flat)) == len(flat)
    assert 0 < flat[-1] < 0.0001


def test_constant_is_constant():
    assert set(itertools.chain(*rates(schedule="constant", lr=0.01))) == {0.01}


@pytest.mark.parametrize("schedule", ["step", "cosine", "constant"])
def test_a_warm_up_rises_and_the_schedule_begins_after_it(schedule):
    found = rates(schedule=schedule, warmup_epochs=2, lr=0.01, lr_step=3)
    rise = list(itertools.chain(*found[:2]))
    assert rise[0] == pytest.approx(0.01 * WARMUP_START)
    assert rise == sorted(rise)
    assert max(rise) < 0.01
    whole = rates(epochs=6, schedule=schedule, lr=0.01, lr_step=3)
    assert list(itertools.chain(*found[2:])) == pytest.approx(list(itertools.chain(*whole)))


@pytest.mark.parametrize(("warmup", "top"), [(0, 0.3), (4, 0.5)])
def test_one_cycle_rises_and_falls_with_the_updates(warmup, top):
    flat = list(itertools.chain(*rates(schedule="one_cycle", warmup_epochs=warmup, lr=0.01)))
    peak = flat.index(max(flat))
    assert peak == round(top * len(flat)) - 1
    assert max(flat) == pytest.approx(0.01)
    assert flat[0] == pytest.approx(0.01 / 25)
    assert flat[-1] < 1e-6


def test_one_cycle_moves_momentum_where_there_is_one():
    for name, key in (("adam", "betas"), ("sgd", "momentum"), ("adagrad", None)):
        params = train_params(schedule="one_cycle", optimiser=name)
        optimiser = make_optimiser(network(), params)
        make_schedule(optimiser, params, [10] * 8)
        if key:
            value = optimiser.param_groups[0][key]
            assert (value if key == "momentum" else value[0]) == pytest.approx(0.95)


def test_biases_norms_and_what_a_part_lists_do_not_decay():
    class Backbone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.zeros(2, 2))
            self.inner = network()

        def no_weight_decay(self) -> set[str]:
            return {"table"}

    model = nn.Sequential(Backbone(), nn.Linear(2, 2))
    kept, decayed = make_optimiser(model, train_params(weight_decay=0.05)).param_groups
    assert (kept["weight_decay"], decayed["weight_decay"]) == (0.0, 0.05)
    expected = {id(p) for name, p in model.named_parameters() if p.ndim == 2 and "table" not in name}
    assert {id(p) for p in decayed["params"]} == expected
    assert len(kept["params"]) + len(decayed["params"]) == len(list(model.parameters()))


@pytest.mark.parametrize("name", ["adamw", "radam", "sgd", "lookahead_adam", "AdamW"])
def test_optimisers_of_timm_by_name(name):
    model = network()
    before = [p.detach().clone() for p in model.parameters()]
    optimiser = make_optimiser(model, train_params(optimiser=name, lr=0.01))
    for number in range(8):
        step(model, optimiser, number)
    assert all(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("adamx", "timm has no optimiser `adamx`", "adamw"),
        ("lookback_adam", "timm has no optimiser `lookback_adam`", ""),
        ("zzzzz", "timm has no optimiser `zzzzz`", "list_optimizers"),
        ("adahessian", "needs second derivatives", "adamw"),
        ("fusedadam", "`fusedadam` cannot be made", "adamw"),
    ],
)
def test_an_optimiser_that_cannot_be_had(name, message, remedy):
    with pytest.raises(UserError, match=message) as caught:
        make_optimiser(network(), train_params(optimiser=name))
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 2


def test_one_cycle_of_too_few_updates():
    params = train_params(schedule="one_cycle", epochs=3)
    with pytest.raises(UserError, match="one_cycle has 3 updates in all"):
        make_schedule(make_optimiser(network(), params), params, [1, 1, 1])
