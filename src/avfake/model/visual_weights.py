"""Weights for the backbone of the visual branch: as those of the sound, under the names of its parameters."""

from pathlib import Path

from avfake.model.assembly import said_of_visual
from avfake.model.detector import Detector
from avfake.model.pretrained import VISUAL_PREFIX, find, load_branch, origin
from avfake.params import VisualParams


def load_visual(detector: Detector, params: VisualParams) -> str | None:
    """Loads weights into the visual branch, as `load_pretrained` does into the sound branch."""
    side = detector.visual.size
    with said_of_visual():
        return load_branch(
            detector.visual, VISUAL_PREFIX, params.backbone, params.pretrained, (3, side, side)
        )


def visual_origin(params: VisualParams) -> dict[str, str | None]:
    """What the weights of the visual branch are; as `origin`."""
    with said_of_visual():
        return origin(params.pretrained, params.backbone)


def find_visual(params: VisualParams) -> Path:
    """The file of weights of the visual branch; as `find`."""
    with said_of_visual():
        return find(params.pretrained, params.backbone)
