"""The branch that looks at faces, and what is said of it in params.yaml and model.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avfake.model.streams import SOUND, check_faces
from avfake.params import TrainParams

GREY_LEVELS = 255.0


@dataclass(frozen=True)
class Sight:
    """What a detector with eyes is built of, beside its sound branch.

    Attributes:
        modality: `picture` (faces alone) or `both`.
        backbone: a name that timm knows.
        face_size: pixels, height and width of a crop.
        image_size: pixels that crops are brought to; None: they stay as they are.
        fusion: how `both` become one; see avfake.model.fusion.
    """

    modality: str
    backbone: str
    face_size: int
    image_size: int | None
    fusion: str

    @classmethod
    def of(cls, params: TrainParams, info: Mapping[str, Any]) -> "Sight | None":
        """From the section `train` and features.json; None for sound alone.

        Raises:
            UserError: the features hold no faces.
        """
        if params.modality == SOUND:
            return None
        check_faces(info)
        visual = params.visual
        return cls(params.modality, visual.backbone, info["face_size"], visual.image_size, params.fusion)

    @classmethod
    def read(cls, facts: Mapping[str, Any] | None) -> "Sight | None":
        """From `visual` of model.json; None where there is none."""
        if facts is None:
            return None
        return cls(**{name: facts[name] for name in cls.__dataclass_fields__})

    @classmethod
    def modality_of(cls, facts: Mapping[str, Any]) -> str:
        """The modality of the model that a model.json is about."""
        sight = cls.read(facts.get("visual"))
        return SOUND if sight is None else sight.modality

    def facts(self) -> dict[str, Any]:
        """For `visual` of model.json."""
        return asdict(self)


class VisualBranch(nn.Module):
    """Face crops to features: brought to size and to the range that the backbone was made for, then the
    backbone.

    Args:
        backbone: maps float [B, 3, S, S] to features [B, F].
        mean: of each colour that the backbone was made for, after division by the highest level.
        std: likewise.
        face_size: pixels of a crop.
        image_size: pixels that crops are brought to; None: as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        face_size: int,
        image_size: int | None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.face_size = face_size
        self.size = image_size or face_size
        # Buffers, so that the numbers travel with the weights and not with the installed timm.
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def forward(self, faces: Tensor) -> Tensor:
        """Faces [B, S, S, 3], uint8 or float on the scale 0 to 255, to features [B, F]."""
        images = faces.permute(0, 3, 1, 2).float() / GREY_LEVELS
        if images.shape[-1] != self.size:
            images = F.interpolate(images, (self.size, self.size), mode="bilinear", antialias=True)
        features: Tensor = self.backbone((images - self.mean) / self.std)
        return features
