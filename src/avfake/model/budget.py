"""How big a detector is, by counting and as thop counts."""

import copy
import warnings
from dataclasses import dataclass

import torch
from torch import nn

from avfake.errors import UserError
from avfake.model.detector import Detector

with warnings.catch_warnings():
    # thop compares versions with distutils, which warns on import
    warnings.simplefilter("ignore", DeprecationWarning)
    import thop
    from thop.profile import register_hooks


@dataclass(frozen=True)
class Size:
    """Parameters as torch and as thop count them, and thop's multiply-accumulates for one window."""

    parameters: int
    parameters_thop: int
    macs_thop: int

    def times(self, n: int) -> "Size":
        """The size of `n` detectors like this one."""
        return Size(n * self.parameters, n * self.parameters_thop, n * self.macs_thop)


def measure(detector: Detector, shape: tuple[int, int, int]) -> Size:
    """Counts the parameters and the operations of a detector for one window of `shape` (C, H, W), or one
    pair.

    thop adds buffers to what it profiles (Lyken17/pytorch-OpCounter#96): it gets a copy that is thrown away.
    """
    throwaway = copy.deepcopy(detector)
    # On the device `meta` a detector has shapes and no numbers: it can be counted and not be moved.
    device = next(throwaway.parameters()).device
    if device.type != "meta":
        device = torch.device("cpu")
        throwaway = throwaway.cpu().float()
    inputs = (throwaway.example(shape, device),)
    macs, parameters = thop.profile(throwaway, inputs, custom_ops=_rules(throwaway), verbose=False)
    return Size(sum(p.numel() for p in detector.parameters()), int(parameters), int(macs))


def check(size: Size, backbone: str, limit: int) -> None:
    """Raises UserError above `limit` parameters by either count."""
    largest = max(size.parameters, size.parameters_thop)
    if largest > limit:
        raise UserError(
            f"train.backbone: `{backbone}` makes a detector of {largest / 1e6:.1f} million parameters,"
            f" rules.max_parameters allows {limit / 1e6:.1f} million",
            "choose a smaller backbone, or write down another contest's limit",
        )


def _rules(model: nn.Module) -> dict[type[nn.Module], object]:
    """Rules of the parents for subclasses such as timm's Conv2dSame: thop skips all but the exact types."""
    rules = {}
    for kind in {type(module) for module in model.modules()} - register_hooks.keys():
        parent = next((base for base in kind.__mro__ if base in register_hooks), None)
        if parent is not None:
            rules[kind] = register_hooks[parent]
    return rules
