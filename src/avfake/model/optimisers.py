"""Optimisers by timm's factory, and schedules of the learning rate by timm's and torch's."""

import difflib
from collections.abc import Sequence
from typing import Any, Protocol

import timm.optim
import timm.scheduler
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from avfake.errors import UserError
from avfake.params import TrainParams

# Share of the learning rate that a warm-up starts from: an update at rate 0 would be wasted.
WARMUP_START = 0.01
# Share of a one-cycle schedule in which the rate rises, where no warm-up is given (torch's own value).
ONE_CYCLE_RISE = 0.3
_WRAPPER = "lookahead"


def make_optimiser(model: nn.Module, params: TrainParams) -> Optimizer:
    """The optimiser that `params` name (`optimiser`, `lr`, `weight_decay`), as timm makes it.

    Biases, parameters of norms and those that a part of the model lists by `no_weight_decay` do not decay.

    Raises:
        UserError: timm has no such optimiser, or it cannot be used here.
    """
    name = params.optimiser.lower()
    info = timm.optim.get_optimizer_info(_known(name))
    if info.second_order:
        raise UserError(
            f"train.optimiser: `{name}` needs second derivatives, which this training does not compute",
            "take another one, e.g. adamw",
        )
    groups = timm.optim.param_groups_weight_decay(
        model, params.weight_decay, no_weight_decay_list=_undecayed(model)
    )
    try:
        return timm.optim.create_optimizer_v2(groups, name, lr=params.lr)
    except (AssertionError, ImportError, ValueError) as error:
        raise UserError(
            f"train.optimiser: `{name}` cannot be made: {error}", "take another one, e.g. adamw"
        ) from None


class Schedule(Protocol):
    """What sets the learning rate of an optimiser, update by update."""

    def before_update(self, epoch: int, done: float) -> None:
        """Sets the rate of the next update, of epoch 1, 2 ... of which the share `done` is over."""

    def after_update(self) -> None:
        """Counts an update."""

    def state_dict(self) -> dict[str, Any]:
        """What cannot be had from the epoch."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""


def make_schedule(optimiser: Optimizer, params: TrainParams, updates: Sequence[int]) -> Schedule:
    """The schedule that `params` name.

    - step: the rate is multiplied by `lr_gamma` every `lr_step` epochs;
    - cosine: half a cosine from `lr` to 0 (Loshchilov and Hutter, arXiv 1608.03983);
    - constant: `lr`;
    - one_cycle: up to `lr` and down to almost 0 within the training, momentum the other way (Smith and
      Topin, arXiv 1708.07120; torch's defaults).

    A warm-up rises linearly from `WARMUP_START` of `lr`, before the others begin; in one_cycle it is the part
    that rises. Steps are taken between epochs, all else changes from update to update.

    Args:
        optimiser: whose rate is set.
        params: `schedule`, `lr`, `lr_step`, `lr_gamma`, `warmup_epochs`, `epochs`.
        updates: of each epoch.

    Raises:
        UserError: one_cycle has fewer than two updates to rise in.
    """
    if params.schedule == "one_cycle":
        return _OneCycle(optimiser, params, sum(updates))
    return _ByEpoch(optimiser, params)


class _ByEpoch:
    """A schedule of timm's, which is a function of the epoch: there is nothing to store."""

    def __init__(self, optimiser: Optimizer, params: TrainParams) -> None:
        self._schedule, _ = timm.scheduler.create_scheduler_v2(
            optimiser,
            params.schedule,
            num_epochs=params.epochs - params.warmup_epochs,
            decay_epochs=params.lr_step,
            decay_rate=params.lr_gamma,
            warmup_lr=WARMUP_START * params.lr,
            warmup_epochs=params.warmup_epochs,
            warmup_prefix=True,
        )

    def before_update(self, epoch: int, done: float) -> None:
        self._schedule.step(epoch - 1 + done)

    def after_update(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class _OneCycle:
    """torch's OneCycleLR, which counts updates."""

    def __init__(self, optimiser: Optimizer, params: TrainParams, updates: int) -> None:
        rise = params.warmup_epochs / params.epochs or ONE_CYCLE_RISE
        if rise * updates <= 1:
            raise UserError(
                f"train.schedule: one_cycle has {updates} updates in all, too few for a rise and a fall",
                "train longer, with smaller batches, or take another schedule",
            )
        self._schedule = OneCycleLR(
            optimiser, params.lr, updates, pct_start=rise, cycle_momentum=_has_momentum(optimiser)
        )

    def before_update(self, epoch: int, done: float) -> None:
        pass

    def after_update(self) -> None:
        self._schedule.step()

    def state_dict(self) -> dict[str, Any]:
        return self._schedule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._schedule.load_state_dict(state)


def _known(name: str) -> str:
    """The name without a wrapper. Raises UserError, with the nearest names, if timm does not know it."""
    wrapper, _, bare = name.rpartition("_")
    names = timm.optim.list_optimizers()
    if bare in names and wrapper in ("", _WRAPPER):
        return bare
    near = difflib.get_close_matches(name, names, n=5, cutoff=0.5)
    raise UserError(
        f"train.optimiser: timm has no optimiser `{name}`",
        f"did you mean: {', '.join(near)}?"
        if near
        else "take one of `timm.optim.list_optimizers()`, e.g. adam",
    )


def _undecayed(model: nn.Module) -> set[str]:
    """Full names of the parameters that parts of the model ask not to decay, e.g. tables of positions."""
    names = set()
    for path, part in model.named_modules():
        listed = getattr(part, "no_weight_decay", None)
        if callable(listed):
            names |= {f"{path}.{name}" if path else name for name in listed()}
    return names


def _has_momentum(optimiser: Optimizer) -> bool:
    """Whether there is a momentum (or first beta) for a cycle to move."""
    defaults = optimiser.defaults
    return bool(defaults["betas"]) if "betas" in defaults else "momentum" in defaults
