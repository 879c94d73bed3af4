"""How the windows of a clip become one score: their mean, or attention that is learned.

Gated attention for multiple instance learning (Ilse, Tomczak and Welling, arXiv 1802.04712): the features h_k
of a clip's windows are averaged with shares a_k = softmax_k(w . (tanh(V h_k) * sigmoid(U h_k))), and the
linear head judges that average. It is linear, so that the clip's logits are the same average of the windows'
own logits: what a window says by itself and what share it has can be shown apart.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avfake.model.detector import Detector
from avfake.model.views import View, identity

MEAN, ATTENTION = "mean", "attention"
HIDDEN = 128  # rows of V and U, as in the paper
Some = TypeVar("Some", bound=Detector)
Floats = NDArray[np.float64]


class AttentiveHead(nn.Module):
    """The linear head, and beside it what says how much a window counts among those of its clip.

    Args:
        linear: features [.., F] to logits [.., 2].
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.content = nn.Linear(linear.in_features, HIDDEN)
        self.gate = nn.Linear(linear.in_features, HIDDEN)
        # Without a bias: the softmax would not notice it.
        self.weight = nn.Linear(HIDDEN, 1, bias=False)

    def forward(self, features: Tensor, bags: Tensor | None = None) -> Tensor:
        """Logits of each bag, float [bags, 2]; without bags, each window is judged by itself, [B, 2].

        Args:
            features: float [B, F].
            bags: int64 [B], the bag of each window: 0, 1, ... without a gap.
        """
        logits, relevance = self.parts(features)
        if bags is None:  # a window by itself has the share 1
            return logits
        return pooled(logits, relevance, bags)

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, 2] of windows by themselves, and what the softmax over a clip makes shares of, [B]."""
        gated = torch.tanh(self.content(features)) * torch.sigmoid(self.gate(features))
        return self.linear(features), self.weight(gated)[:, 0]


def pooled(logits: Tensor, relevance: Tensor, bags: Tensor) -> Tensor:
    """Averages of logits [B, 2] over bags int64 [B], weighted by the softmax of relevance [B] within each.

    By a matrix of bags and windows: a batch is small, and sums over an index have no fixed order on a GPU.
    """
    own = bags[None, :] == torch.arange(int(bags.max()) + 1, device=bags.device)[:, None]
    shares = relevance.float().expand(own.shape).masked_fill(~own, -torch.inf).softmax(dim=1)
    return shares @ logits.float()


def with_pooling(detector: Some, pooling: str) -> Some:
    """The detector itself; for `attention` with a head that has it, on random weights (torch's generator)."""
    if pooling == ATTENTION:
        detector.head = AttentiveHead(detector.head)  # type: ignore[assignment]
    return detector


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
