"""How a detector that weighs windows by attention judges clips: the bags of a batch, and whole clips."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avfake.model.attention import AttentiveHead
from avfake.model.detector import Detector
from avfake.model.views import View, identity

Floats = NDArray[np.float64]


def is_attentive(detector: Detector) -> bool:
    """Whether it weighs the windows of a clip."""
    return isinstance(getattr(detector, "head", None), AttentiveHead)


def bag_logits(detector: Detector, windows: Tensor, bags: NDArray[np.int64]) -> Tensor:
    """Logits float [bags, 2] of windows [B, C, H, W] and their bags int64 [B], by an attentive detector."""
    logits: Tensor = detector.head(detector.audio(windows), torch.from_numpy(bags).to(windows.device))
    return logits


@dataclass(frozen=True)
class Attended:
    """The windows of a clip.

    Attributes:
        logits: float64 [n, 2], of each by itself.
        shares: float64 [n], how much each counts; their sum is 1.
    """

    logits: Floats
    shares: Floats

    @property
    def clip(self) -> Floats:
        """Logits of the clip, float64 [1, 2]."""
        whole: Floats = self.shares[None] @ self.logits
        return whole


def attend(
    detector: Detector,
    windows: NDArray[np.uint8],
    batch_size: int,
    device: torch.device,
    view: View = identity,
) -> Attended:
    """What an attentive detector makes of the windows uint8 [n, C, H, W] of one clip.

    Args:
        detector: in evaluation mode, on `device`.
        windows: of one clip.
        batch_size: windows at once; the shares are of all of them.
        device: where the detector is.
        view: what is done to the windows first.
    """
    logits: list[Floats] = []
    relevance: list[Floats] = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            # A copy: maps are read-only.
            batch = torch.from_numpy(np.array(windows[start : start + batch_size])).to(device)
            parts = detector.head.parts(detector.audio(view(batch)))  # type: ignore[operator]
            for kept, part in zip((logits, relevance), parts, strict=True):
                kept.append(part.double().cpu().numpy())
    whole = np.concatenate(relevance)
    shares = np.exp(whole - whole.max())
    return Attended(np.concatenate(logits), shares / shares.sum())
