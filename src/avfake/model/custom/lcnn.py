"""Light CNN with Max-Feature-Map (Wu et al., arXiv 1511.02683), as anti-spoofing uses it.

The layers are those of the LFCC-LCNN baseline of ASVspoof 2021 (Wang and Yamagishi, arXiv 2103.11326; first
in Lavrentyeva et al., arXiv 1904.05576) up to the third pooling; behind it they have the 128 maps of
LightCNN-9 in place of 64 and 32. The end is the mean over time of arXiv 2103.11326, without its LSTM. Heights
differ among front ends, so the rows of the map are averaged into four bands, and one more Max-Feature-Map
makes features of them.
"""

from typing import Any

import torch
from timm.models import build_model_with_cfg, register_model
from torch import Tensor, nn

from avfake.model.custom.backbone import Backbone
from avfake.model.custom.backbone import default_cfgs as make_cfgs

default_cfgs = make_cfgs(
    "avfake_lcnn",
    "layers.0",
    "A Light CNN for Deep Face Representation with Noisy Labels",
    "arXiv:1511.02683",
)

_MAP, _BANDS, _FEATURES = 128, 4, 80
_DROP = 0.7


class MaxFeatureMap(nn.Module):
    """The larger of two halves of the channels: a choice between filters instead of a threshold."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, 2 C, ...] to [B, C, ...]."""
        return torch.maximum(*x.chunk(2, dim=1))


class Lcnn(Backbone):
    """Images float [B, C, H >= 16, W >= 16] to logits, or to 80 features.

    Args:
        num_classes: 0: features.
        in_chans: C.
        drop_rate: dropout in front of the features, of the averaged map; there is none behind them.
    """

    def __init__(self, num_classes: int = 2, in_chans: int = 1, drop_rate: float = _DROP) -> None:
        super().__init__(_MAP, _FEATURES, num_classes, drop_rate=0.0)
        self.layers = nn.Sequential(
            *_convolution(in_chans, 32, 5), _halve(),
            *_convolution(32, 32, 1), _norm(32), *_convolution(32, 48, 3), _halve(), _norm(48),
            *_convolution(48, 48, 1), _norm(48), *_convolution(48, 64, 3), _halve(),
            *_convolution(64, 64, 1), _norm(64), *_convolution(64, _MAP, 3), _norm(_MAP),
            *_convolution(_MAP, _MAP, 1), _norm(_MAP), *_convolution(_MAP, _MAP, 3), _halve(),
        )  # fmt: skip
        self.drop = nn.Dropout(drop_rate)
        self.embed = nn.Sequential(
            nn.Linear(_MAP * _BANDS, 2 * _FEATURES), MaxFeatureMap(), nn.BatchNorm1d(_FEATURES)
        )

    def forward_features(self, x: Tensor) -> Tensor:
        """Images [B, C, H, W] to a map [B, 128, H / 16, W / 16], both rounded down."""
        features: Tensor = self.layers(x)
        return features

    def pool(self, x: Tensor) -> Tensor:
        """A map [B, 128, h, w] to features [B, 80]."""
        bands = x.mean(dim=3) @ band_means(x.shape[2]).to(x)
        features: Tensor = self.embed(self.drop(bands).flatten(1))
        return features


def band_means(n: int) -> Tensor:
    """Weights float [n, 4] that average `n` rows into four bands, each of n / 4 rows or of a part of one.

    A product with them, because adaptive pooling has no deterministic gradient on a GPU.
    """
    edges = torch.arange(_BANDS + 1) * n / _BANDS
    rows = torch.arange(n)[:, None]
    overlap = torch.minimum(edges[1:], rows + 1) - torch.maximum(edges[:-1], rows)
    return overlap.clamp(min=0) * _BANDS / n


def _convolution(n_in: int, n_out: int, size: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(n_in, 2 * n_out, size, padding=size // 2), MaxFeatureMap()


def _norm(n: int) -> nn.Module:
    return nn.BatchNorm2d(n, affine=False)


def _halve() -> nn.Module:
    return nn.MaxPool2d(2)


@register_model
def avfake_lcnn(pretrained: bool = False, **kwargs: Any) -> Lcnn:
    """`Lcnn` for timm's registry; there are no published weights."""
    network: Lcnn = build_model_with_cfg(Lcnn, "avfake_lcnn", pretrained, **kwargs)
    return network
