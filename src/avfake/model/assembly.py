"""Building a detector of sound, of the picture, or of both."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from avfake.errors import RunError, UserError
from avfake.model.detector import Detector, build, make_backbone
from avfake.model.fusion import FUSIONS
from avfake.model.streams import PICTURE
from avfake.model.visual import Sight, VisualBranch
from avfake.params.train import ReadoutParams


def assemble(
    backbone: str,
    shape: tuple[int, int, int],
    sight: Sight | None = None,
    readout: ReadoutParams | None = None,
    pooling: str = "mean",
    lines: bool = False,
) -> Detector:
    """A detector on random weights (drawn from torch's global generator), in evaluation mode.

    Args:
        backbone: of the sound branch, where there is one.
        shape: channels, height and width of a window.
        sight: what the visual branch is made of; None: the detector listens only.
        readout: of the sound branch; see `build`.
        pooling: of a clip's windows, faces or pairs: `mean` or `log_odds`.
        lines: whether the last channel of a window is that of `frame_lines`.

    Raises:
        UserError: timm knows no such backbone, or it cannot take windows or faces of this size.
    """
    if sight is None:
        return build(backbone, shape, readout, pooling, lines)
    if sight.modality == PICTURE:
        visual, n_picture = build_visual(sight)
        return Detector(None, n_picture, pooling, visual).eval()
    listens = build(backbone, shape, readout, lines=lines)
    visual, n_picture = build_visual(sight)
    fusion = FUSIONS[sight.fusion](listens.head.in_features, n_picture)
    return Detector(listens.audio, 0, pooling, visual, fusion).eval()


def build_visual(sight: Sight) -> tuple[VisualBranch, int]:
    """The visual branch on random weights, and how many features it makes of a face.

    Raises:
        UserError: timm knows no such backbone, or it cannot take faces of this size.
    """
    side = sight.image_size or sight.face_size
    with said_of_visual():
        network = make_backbone(sight.backbone, (3, side, side))
        config = network.pretrained_cfg
        visual = VisualBranch(
            network,
            config["mean"],  # type: ignore[index,arg-type]
            config["std"],  # type: ignore[index,arg-type]
            sight.face_size,
            sight.image_size,
        ).eval()
        try:
            with torch.inference_mode():
                face = torch.zeros(1, sight.face_size, sight.face_size, 3)
                n_features = visual(face).shape[1]
        except (RuntimeError, AssertionError, ValueError) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise UserError(
                f"train.backbone: `{sight.backbone}` cannot take faces of {side} pixels: {lines[0]}",
                "choose another backbone, or another train.visual.image_size",
            ) from None
    return visual, n_features


@contextmanager
def said_of_visual() -> Iterator[None]:
    """Errors about a backbone and its weights name the parameters of the visual branch."""
    try:
        yield
    except (UserError, RunError) as error:
        raise type(error)(_renamed(error.message), _renamed(error.remedy)) from None


def _renamed(text: str) -> str:
    for name in ("backbone", "pretrained"):
        text = text.replace(f"train.{name}", f"train.visual.{name}")
    return text.replace("another window size in `featurize`", "another train.visual.image_size")
