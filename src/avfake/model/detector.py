"""The detector: one module from spectrogram windows to a pair of logits (real, fake).

A timm backbone with an input channel per front end looks at each window; its pooled features go through one
linear layer. A clip's score is the mean probability of fake over its windows (avfake.model.inference). The
head sees features and not spectrograms, so that a branch for another kind of input can join in front of it.
"""

import difflib
from typing import Any

import timm
import torch
from torch import Tensor, nn

import avfake.model.custom  # noqa: F401 - makes our own networks known to timm
from avfake.errors import UserError
from avfake.model.readout import StageReadout
from avfake.params.train import ReadoutParams

GREY_LEVELS = 255.0
REAL, FAKE = 0, 1


class AudioBranch(nn.Module):
    """Windows to features: grey levels to the range that the backbone was made for, then the backbone.

    Args:
        backbone: maps float [B, C, H, W] to features [B, F].
        mean: of the input that the backbone was made for, after division by the highest grey level.
        std: likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.backbone = backbone
        # Buffers, so that the numbers travel with the weights and not with the installed timm.
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def forward(self, windows: Tensor) -> Tensor:
        """Windows [B, C, H, W], uint8 or float on the scale 0 to 255, to features [B, F]."""
        images = (windows.float() / GREY_LEVELS - self.mean) / self.std
        features: Tensor = self.backbone(images)
        return features


class Detector(nn.Module):
    """Windows [B, C, H, W] (uint8, or float from 0 to 255) to logits [B, 2]: real, fake.

    `pooling` (train.pooling) says how the windows of a clip become one score: avfake.model.inference.
    """

    def __init__(self, audio: AudioBranch, n_features: int, pooling: str = "mean") -> None:
        super().__init__()
        self.pooling = pooling
        self.audio = audio
        self.head = nn.Linear(n_features, 2)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits, float [B, 2]."""
        logits: Tensor = self.head(self.audio(windows))
        return logits


def build(
    backbone: str,
    shape: tuple[int, int, int],
    readout: ReadoutParams | None = None,
    pooling: str = "mean",
) -> Detector:
    """A detector on random weights (drawn from torch's global generator), in evaluation mode.

    Args:
        backbone: a name that timm knows.
        shape: channels, height and width of a window.
        readout: where in the backbone features are read; None, or without stages: at its end.
        pooling: of a clip's windows: `mean` or `log_odds`.

    Raises:
        UserError: timm knows no such backbone, or it cannot take windows of this shape.
    """
    if readout is None or not readout.stages:
        network = make_backbone(backbone, shape)
        mean, std = _normalisation(network)
    else:
        whole = make_backbone(backbone, (1, *shape[1:]))
        mean, std = _normalisation(whole)
        network = StageReadout(whole, backbone, readout)
    audio = AudioBranch(network, mean, std).eval()
    try:
        with torch.inference_mode():
            n_features = audio(torch.zeros(1, *shape)).shape[1]
    except (RuntimeError, AssertionError, ValueError) as error:
        raise UserError(
            f"train.backbone: `{backbone}` cannot take {_times(shape)} windows: {_first_line(error)}",
            "choose another backbone, or another window size in `featurize`",
        ) from None
    return Detector(audio, n_features, pooling).eval()


def make_backbone(name: str, shape: tuple[int, int, int], num_classes: int = 0, **more: Any) -> nn.Module:
    """A timm model by name for input [B, *shape]; with `num_classes=0` it ends in pooled features.

    `more` goes to timm.
    """
    check_name(name)
    config = timm.get_pretrained_cfg(name)
    if (
        config is not None and config.fixed_input_size
    ):  # transformers whose position table has the size of the input
        more["img_size"] = shape[1:]
    try:
        network: nn.Module = timm.create_model(name, in_chans=shape[0], num_classes=num_classes, **more)
    except (TypeError, AssertionError, ValueError) as error:
        raise UserError(
            f"train.backbone: timm cannot build `{name}` for {_times(shape)}: {_first_line(error)}",
            "choose another backbone, or another window size in `featurize`",
        ) from None
    return network


def check_name(name: str) -> None:
    """Raises UserError, with the nearest names, if timm knows no such backbone."""
    if timm.is_model(name):
        return
    near = difflib.get_close_matches(name, timm.list_models(), n=5, cutoff=0.5)
    raise UserError(
        f"train.backbone: timm has no model `{name}`",
        f"did you mean: {', '.join(near)}?" if near else "take one of `timm.list_models()`, e.g. resnet18",
    )


def _normalisation(network: nn.Module) -> tuple[float, float]:
    """Mean over the colour channels of what the backbone's published weights were trained with."""
    config = network.pretrained_cfg
    mean, std = config["mean"], config["std"]  # type: ignore[index]
    return sum(mean) / len(mean), sum(std) / len(std)


def _times(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, shape))


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
