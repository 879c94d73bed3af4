"""Several detectors as one: windows to the logits of their mean probability."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from avfake.model.detector import Detector
from avfake.model.streams import Pairs


class Ensemble(Detector):
    """Detectors of one architecture; the probability of fake is the mean over them.

    It is asked as a detector is. Each member's tensors are named `members.<number>.<name>`.

    Args:
        members: at least one.
    """

    def __init__(self, members: Sequence[Detector]) -> None:
        nn.Module.__init__(self)  # no branch and no head of its own
        self.members = nn.ModuleList(members)
        self.modality = members[0].modality
        self.pooling = members[0].pooling

    def __iter__(self) -> Iterator[Detector]:
        """The members."""
        return iter(self.members)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.members)

    def example(self, shape: tuple[int, int, int], device: torch.device) -> Tensor | Pairs:
        """As that of a member."""
        first: Detector = self.members[0]  # type: ignore[assignment]
        return first.example(shape, device)

    def forward(self, *inputs: Tensor | Pairs) -> Tensor:
        """Log probabilities float [B, 2] (real, fake), whose softmax is the members' mean.

        Args:
            inputs: what a member takes.
        """
        each = torch.stack([functional.log_softmax(member(*inputs).float(), dim=1) for member in self])
        return torch.logsumexp(each, dim=0) - math.log(len(self))


def members_of(detector: Detector) -> list[Detector]:
    """The members of an ensemble; of any other detector, itself."""
    return list(detector) if isinstance(detector, Ensemble) else [detector]
