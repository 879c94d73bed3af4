"""The detector: one module from spectrogram windows to a pair of logits (real, fake).

A timm backbone with an input channel per front end looks at each window; its pooled features go through one
linear layer. A clip's score is the mean probability of fake over its windows (avfake.model.inference). A
second branch may look at faces, alone or together with the first (avfake.model.assembly builds such ones).
"""

import difflib
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn

import avfake.model.custom  # noqa: F401 - makes our own networks known to timm
from avfake.errors import UserError
from avfake.model.attention import ATTENTION, AttentiveHead
from avfake.model.fusion import Fusion
from avfake.model.readout import StageReadout
from avfake.model.streams import BOTH, MISSING, PICTURE, SOUND, Pairs
from avfake.model.visual import VisualBranch
from avfake.params.train import ReadoutParams

GREY_LEVELS = 255.0
# Standard deviations that all grey levels of a line are worth (avfake.features.frame_lines).
LINE_SCALE = 10.0
REAL, FAKE = 0, 1


class AudioBranch(nn.Module):
    """Windows to features: grey levels to the range that the backbone was made for, then the backbone.

    Args:
        backbone: maps float [B, C, H, W] to features [B, F].
        mean: of the input that the backbone was made for, after division by the highest grey level.
        std: likewise.
        lines: whether the last channel is that of the front end `frame_lines`: no picture, but a number per
            row. The backbone does not get it; its largest row is one more feature, the last.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, mean: float, std: float, lines: bool = False) -> None:
        super().__init__()
        self.backbone = backbone
        self.lines = lines
        # Buffers, so that the numbers travel with the weights and not with the installed timm.
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def forward(self, windows: Tensor) -> Tensor:
        """Windows [B, C, H, W], uint8 or float on the scale 0 to 255, to features [B, F]."""
        features: Tensor = self.backbone(self.images(windows))
        if self.lines:
            features = torch.cat([features, strongest_line(windows[:, -1])], dim=1)
        return features

    def images(self, windows: Tensor) -> Tensor:
        """What the backbone gets of windows [B, C, H, W]: float, without the channel of lines."""
        pictures = windows[:, :-1] if self.lines else windows
        return (pictures.float() / GREY_LEVELS - self.mean) / self.std


def strongest_line(levels: Tensor) -> Tensor:
    """The channel of `frame_lines` [B, H, W] as its largest row, float [B, 1] from 0 to 10."""
    return levels.float().mean(dim=2).amax(dim=1, keepdim=True) * (LINE_SCALE / GREY_LEVELS)


@dataclass(frozen=True, eq=False)
class Seen:
    """Features of a batch of pairs: sound float [B, F_s], picture float [B, F_p], and which of them are
    there.

    `sound` is None where the detector does not listen; features of what a pair lacks are zero.
    """

    sound: Tensor | None
    heard: Tensor
    picture: Tensor
    seen: Tensor


class Detector(nn.Module):
    """Windows [B, C, H, W] (uint8, or float from 0 to 255) or pairs to logits [B, 2]: real, fake.

    Args:
        audio: None where the detector does not listen.
        n_features: of the one branch there is; without a meaning where there is a fusion.
        pooling: how the windows (faces, pairs) of a clip become one score (train.pooling):
            avfake.model.inference.
        visual: None where the detector does not look.
        fusion: of both branches; None where there is one.

    Attributes:
        modality: `sound`, `picture` or `both`.
        audio, visual: the branches; None, where the modality has no such.
        head: the linear layer after the one branch; there is none beside a fusion.
    """

    audio: AudioBranch
    visual: VisualBranch
    head: nn.Linear

    def __init__(
        self,
        audio: AudioBranch | None,
        n_features: int,
        pooling: str = "mean",
        visual: VisualBranch | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self.modality = SOUND if visual is None else PICTURE if audio is None else BOTH
        self.audio = audio  # type: ignore[assignment]
        self.visual = visual  # type: ignore[assignment]
        self.fusion = fusion
        if fusion is None:
            self.head = nn.Linear(n_features, 2)
            if pooling == ATTENTION:
                self.head = AttentiveHead(self.head)  # type: ignore[assignment]

    def forward(self, inputs: Tensor | Pairs) -> Tensor:
        """Logits, float [B, 2]. Windows are taken by a detector that listens only, pairs by the others."""
        if isinstance(inputs, Tensor):
            logits: Tensor = self.head(self.audio(inputs))
            return logits
        return self.judge(self.look(inputs))

    def look(self, pairs: Pairs) -> Seen:
        """Features of pairs; each window and each face goes through its branch once."""
        picture = self._of_pairs(self.visual, pairs.faces, pairs.face_of)
        sound = self._of_pairs(self.audio, pairs.windows, pairs.window_of) if self.fusion else None
        return Seen(sound, pairs.window_of != MISSING, picture, pairs.face_of != MISSING)

    def judge(self, features: Seen) -> Tensor:
        """Logits, float [B, 2], of features of pairs."""
        logits: Tensor
        if self.fusion is None:
            logits = self.head(features.picture)
        else:
            logits = self.fusion(features.sound, features.heard, features.picture, features.seen)
        return logits

    def example(self, shape: tuple[int, int, int], device: torch.device) -> Tensor | Pairs:
        """Zeros as input: one window of `shape`, one pair."""
        window = torch.zeros(1, *shape, device=device)
        if self.modality == SOUND:
            return window
        side = self.visual.face_size
        first = torch.zeros(1, dtype=torch.int64, device=device)
        return Pairs(window, torch.zeros(1, side, side, 3, device=device), first, first)

    def _of_pairs(self, branch: nn.Module, parts: Tensor, places: Tensor) -> Tensor:
        """Features float [B, F] of the parts that pairs have; zero where a pair has none."""
        if len(parts) == 0:
            width = self.fusion.n_picture if branch is self.visual else self.fusion.n_sound  # type: ignore[union-attr]
            return next(branch.parameters()).new_zeros(len(places), width)
        features: Tensor
        if self.training and len(parts) == 1:
            # Batch normalisation has no variance over one value, where the last map has one cell.
            features = branch(torch.cat([parts, parts]))[:1]
        else:
            features = branch(parts)
        own = features.index_select(0, places.clamp(min=0))
        return torch.where((places != MISSING)[:, None], own, torch.zeros_like(own))


def build(
    backbone: str,
    shape: tuple[int, int, int],
    readout: ReadoutParams | None = None,
    pooling: str = "mean",
    lines: bool = False,
) -> Detector:
    """A detector on random weights (drawn from torch's global generator), in evaluation mode.

    Args:
        backbone: a name that timm knows.
        shape: channels, height and width of a window.
        readout: where in the backbone features are read; None, or without stages: at its end.
        pooling: of a clip's windows: `mean`, `log_odds` or `attention`.
        lines: whether the last channel is that of `frame_lines`.

    Raises:
        UserError: timm knows no such backbone, or it cannot take windows of this shape.
    """
    if readout is None or not readout.stages:
        network = make_backbone(backbone, (shape[0] - lines, *shape[1:]))
        mean, std = _normalisation(network)
    else:
        whole = make_backbone(backbone, (1, *shape[1:]))
        mean, std = _normalisation(whole)
        network = StageReadout(whole, backbone, readout)
    audio = AudioBranch(network, mean, std, lines).eval()
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
