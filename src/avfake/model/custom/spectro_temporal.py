"""A small spectro-temporal network of the AASIST kind (Jung et al., arXiv 2110.01200), on spectrograms.

AASIST learns its own filters on the wave; here the front end has made the spectrogram, so that a light
residual encoder takes it in. Its map becomes two graphs: the maximum over time leaves a node per band, the
maximum over bands a node per stretch of time. Each goes through attention of its own; then two branches mix
both kinds in heterogeneous attention with a stack node, the larger of the two counts, and the nodes are read
out by their maximum and mean. A forgery that shows in some bands and one that shows at some moments both have
nodes.
"""

import math
from typing import Any

import torch
from timm.models import build_model_with_cfg, register_model
from timm.models.resnet import BasicBlock, downsample_conv
from torch import Tensor, nn

from avfake.model.custom.backbone import Backbone
from avfake.model.custom.backbone import default_cfgs as make_cfgs
from avfake.model.custom.graph import GraphAttention, GraphPool, HeterogeneousAttention

default_cfgs = make_cfgs(
    "avfake_spectro_temporal",
    "encoder.0",
    "AASIST: Audio Anti-Spoofing using Integrated Spectro-Temporal Graph Attention Networks",
    "arXiv:2110.01200",
)

# Channels and stride of the residual blocks behind a stem of stride 2: a node for 8 bands, one for 8 frames.
_STEM = 24
_BLOCKS = ((32, 2), (32, 1), (48, 2), (48, 1), (64, 1), (64, 1))
# As in AASIST's configuration: features of a node, shares of nodes kept, temperatures, dropout.
_NODE, _MIXED = 64, 32
_KEEP_BANDS, _KEEP_TIMES, _KEEP_MIXED = 0.5, 0.7, 0.5
_TEMPERATURE, _MIXED_TEMPERATURE = 2.0, 100.0
_BRANCH_DROP, _HEAD_DROP = 0.2, 0.5
# Cosines that tell a band where it lies.
_COSINES = 16


class SpectroTemporal(Backbone):
    """Images float [B, C, H, W] of any height and width to logits, or to 160 features.

    Args:
        num_classes: 0: features.
        in_chans: C.
        drop_rate: dropout in front of the classifier.
    """

    def __init__(self, num_classes: int = 2, in_chans: int = 1, drop_rate: float = _HEAD_DROP) -> None:
        n_map = _BLOCKS[-1][0]
        super().__init__(n_map, 5 * _MIXED, num_classes, drop_rate)
        self.encoder = nn.Sequential(
            nn.Conv2d(in_chans, _STEM, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(_STEM),
            nn.ReLU(inplace=True),
            *_blocks(),
        )
        self.place = nn.Linear(_COSINES, n_map, bias=False)
        self.bands = GraphAttention(n_map, _NODE, _TEMPERATURE)
        self.times = GraphAttention(n_map, _NODE, _TEMPERATURE)
        self.pool_bands = GraphPool(_NODE, _KEEP_BANDS)
        self.pool_times = GraphPool(_NODE, _KEEP_TIMES)
        self.branches = nn.ModuleList([_Branch(), _Branch()])
        self.drop = nn.Dropout(_BRANCH_DROP)

    def forward_features(self, x: Tensor) -> Tensor:
        """Images [B, C, H, W] to a map [B, 64, H / 8, W / 8], both rounded up."""
        features: Tensor = self.encoder(x)
        return features

    def pool(self, x: Tensor) -> Tensor:
        """A map [B, 64, h, w] to features [B, 160]: maximum and mean of both kinds of nodes, stack node."""
        # amax shares the gradient among equals, so that no index and no order decides.
        bands, times = x.amax(dim=3).transpose(1, 2), x.amax(dim=2).transpose(1, 2)
        bands = bands + self.place(band_places(bands.shape[1]).to(bands))
        bands, times = self.pool_bands(self.bands(bands)), self.pool_times(self.times(times))
        one, other = (branch(times, bands) for branch in self.branches)
        times, bands, stack = (
            torch.maximum(self.drop(a), self.drop(b)) for a, b in zip(one, other, strict=True)
        )
        parts = [times.abs().amax(1), times.mean(1), bands.abs().amax(1), bands.mean(1), stack.squeeze(1)]
        return torch.cat(parts, dim=1)


class _Branch(nn.Module):
    """Two heterogeneous attentions, the second added to the first, pooling between them, and a stack node."""

    def __init__(self) -> None:
        super().__init__()
        # The stack node's beginning, as the weights of a layer that is given a one: thop counts layers.
        self.stack = nn.Linear(1, _NODE, bias=False)
        nn.init.normal_(self.stack.weight)
        self.mix = HeterogeneousAttention(_NODE, _MIXED, _MIXED_TEMPERATURE)
        self.pool_times = GraphPool(_MIXED, _KEEP_MIXED)
        self.pool_bands = GraphPool(_MIXED, _KEEP_MIXED)
        self.again = HeterogeneousAttention(_MIXED, _MIXED, _MIXED_TEMPERATURE)

    def forward(self, times: Tensor, bands: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes [B, N, 64] and [B, M, 64] to [B, N / 2, 32], [B, M / 2, 32]; the stack node [B, 1, 32]."""
        stack = self.stack(times.new_ones(len(times), 1, 1))
        times, bands, stack = self.mix(times, bands, stack)
        times, bands = self.pool_times(times), self.pool_bands(bands)
        more = self.again(times, bands, stack)
        return times + more[0], bands + more[1], stack + more[2]


def band_places(n: int) -> Tensor:
    """Where each of `n` bands lies, float [n, 16]: cosines of 1 to 16 half turns over the image's height.

    AASIST learns a vector for each of its 23 bands; a linear layer on cosines does so for any number.
    """
    position = (torch.arange(n) + 0.5) / n
    return torch.cos(math.pi * position[:, None] * torch.arange(1, _COSINES + 1))


def _blocks() -> list[nn.Module]:
    """The residual blocks of the encoder, those of ResNet-18 (He et al., arXiv 1512.03385)."""
    blocks: list[nn.Module] = []
    n_in = _STEM
    for n_out, stride in _BLOCKS:
        shortcut = None
        if stride != 1 or n_in != n_out:
            shortcut = downsample_conv(n_in, n_out, kernel_size=1, stride=stride)
        blocks.append(BasicBlock(n_in, n_out, stride, shortcut))
        n_in = n_out
    return blocks


@register_model
def avfake_spectro_temporal(pretrained: bool = False, **kwargs: Any) -> SpectroTemporal:
    """`SpectroTemporal` for timm's registry; there are no published weights."""
    network: SpectroTemporal = build_model_with_cfg(
        SpectroTemporal, "avfake_spectro_temporal", pretrained, **kwargs
    )
    return network
