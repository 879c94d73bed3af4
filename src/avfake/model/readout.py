"""Features from the middle of a backbone, read band by band.

What forging leaves in a spectrogram is texture, and where in frequency it lies tells as much as what it is
like. The end of a network trained on photographs has averaged both away; maps from its middle still have
them (linear probes by depth: Alain and Bengio, arXiv 1610.01644). So each map is averaged over time and over
ranges of bands, and every channel of every range is a feature. Channels of a window (front ends) go through
the same network one by one, so that its first layer stays as it was trained.
"""

import torch
from torch import Tensor, nn

from avfake.errors import UserError
from avfake.params.train import ReadoutParams

_REMEDY = "correct train.readout, or set its stages to [] for the features at the network's end"


class StageReadout(nn.Module):
    """Images [B, C, H, W] to features [B, C * ranges * (channels of the maps)].

    Args:
        network: a timm model for one input channel; what comes after the last stage that is read is cut off.
        name: of the network, for errors.
        readout: which of its feature stages are read, and in how many ranges of bands each.

    Raises:
        UserError: the network has no such stages.
    """

    def __init__(self, network: nn.Module, name: str, readout: ReadoutParams) -> None:
        super().__init__()
        self.stages, self.bands = list(readout.stages), readout.bands
        if not (hasattr(network, "forward_intermediates") and hasattr(network, "prune_intermediate_layers")):
            raise UserError(f"train.readout.stages: `{name}` has no stages that can be read", _REMEDY)
        n_stages = len(network.feature_info)  # type: ignore[arg-type]
        if max(self.stages) >= n_stages:
            raise UserError(
                f"train.readout.stages: `{name}` has stages 0 to {n_stages - 1}, not {max(self.stages)}",
                _REMEDY,
            )
        network.prune_intermediate_layers(self.stages, prune_head=True)  # type: ignore[operator]
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Float [B, C, H, W] to features float [B, F]."""
        batch, _, height, width = images.shape
        maps = self.maps(images.reshape(-1, 1, height, width))
        return torch.cat([self._pooled(layer).reshape(batch, -1) for layer in maps], dim=1)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Float [N, 1, H, W] to the map [N, F, h, w] of each stage that is read, finest first."""
        found: list[Tensor] = self.network.forward_intermediates(  # type: ignore[operator]
            images, indices=self.stages, stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        return found

    def _pooled(self, layer: Tensor) -> Tensor:
        """A map [N, F, h, w] to means [N, F, bands]. Raises RuntimeError if it has no `bands` ranges."""
        n, depth, height, width = layer.shape
        if height % self.bands:
            raise RuntimeError(
                f"its map of {height} rows cannot be cut into {self.bands} ranges (train.readout.bands)"
            )
        # Not adaptive pooling: that has no repeatable gradient on a GPU.
        return layer.reshape(n, depth, self.bands, height // self.bands, width).mean((3, 4))
