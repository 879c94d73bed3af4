"""Grad-CAM (Selvaraju et al., arXiv 1610.02391, by captum): where in its input a network saw what it says.

The heat is signed and in units of what it explains, the log-odds log(p / (1 - p)) of fake: above zero a
place speaks for fake, below for real. Where a backbone ends in the mean over its feature map and a linear
layer, the mean of the heat over all cells plus the difference of the layer's biases is the log-odds exactly;
elsewhere it is what the gradient makes of it. Nothing here knows what the input shows, sound or picture.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from numpy.typing import NDArray
from torch import Tensor, nn

from avfake.model.detector import FAKE, REAL

Floats = NDArray[np.float64]


class NoFeatureMap(ValueError):  # noqa: N818 - a statement about the network, not a fault
    """The network has no map over height and width, of which Grad-CAM is made. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def log_odds(logits: Tensor) -> Tensor:
    """Logits [B, 2] (real, fake) as log-odds of fake [B]. The probability itself would saturate near 0 and 1,
    where its gradient vanishes and with it the heat."""
    return logits[:, FAKE] - logits[:, REAL]


def feature_map(network: nn.Module, shape: tuple[int, int, int]) -> tuple[str, nn.Module]:
    """The layer whose output is the network's last feature map [B, F, h, w], and its name.

    Args:
        network: a timm model, or one with the same `forward_features` and `num_features`.
        shape: channels, height and width of its input.

    Raises:
        NoFeatureMap: it has none, as transformers have not, or no layer gives it out as it is.
    """
    if not hasattr(network, "forward_features"):
        raise NoFeatureMap(f"{type(network).__name__} has no feature map")
    outputs: list[tuple[str, nn.Module, object]] = []
    hooks = [
        layer.register_forward_hook(
            # bound as defaults: the loop goes on before a hook runs
            lambda _, __, output, name=name, layer=layer: outputs.append((name, layer, output))
        )
        for name, layer in network.named_modules()
        if name
    ]
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            last = network.forward_features(torch.zeros(1, *shape, device=device))  # type: ignore[operator]
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(last, Tensor) or last.ndim != 4 or last.shape[1] != network.num_features:
        raise NoFeatureMap(f"{type(network).__name__} does not end in a map over bands and time")
    for name, layer, output in reversed(outputs):
        if output is last:
            return name, layer
    raise NoFeatureMap(f"no layer of {type(network).__name__} gives out its last feature map")


def cell_heat(
    forward: Callable[[Tensor], Tensor],
    module: nn.Module,
    layer: nn.Module,
    inputs: NDArray[np.uint8],
    batch_size: int,
) -> Floats:
    """Heat of each cell of the feature map, float64 [n, h, w], in log-odds of fake.

    Args:
        forward: inputs [B, ...] to log-odds [B], through `layer`.
        module: the network that holds `layer`, in evaluation mode.
        layer: what `feature_map` found.
        inputs: uint8 [n >= 1, ...].
        batch_size: inputs at once.
    """
    device = next(module.parameters()).device
    method = LayerGradCam(forward, layer)
    parts = []
    with _frozen(module):
        for start in range(0, len(inputs), batch_size):
            batch = torch.from_numpy(np.array(inputs[start : start + batch_size])).to(device)
            heat = method.attribute(batch)[:, 0].detach()
            # times the cells: their mean is then the log-odds, however many there are
            parts.append((heat * heat[0].numel()).double().cpu().numpy())
    return np.concatenate(parts)


def resample(cells: Floats, size: tuple[int, int]) -> NDArray[np.float32]:
    """Cells [n, h, w] as a map float32 [n, *size] of the input's height and width, bilinear."""
    heat = LayerAttribution.interpolate(torch.from_numpy(cells)[:, None], size, "bilinear")
    return heat[:, 0].float().numpy()


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """No gradients for the weights: nothing in front of the layer is then kept for the way back."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
