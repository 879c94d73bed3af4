"""Attention over the windows of a clip: a head that learns how much each of them counts.

Gated attention for multiple instance learning (Ilse, Tomczak and Welling, arXiv 1802.04712): the features h_k
of a clip's windows are averaged with shares a_k = softmax_k(w . (tanh(V h_k) * sigmoid(U h_k))), and the
linear head judges that average. It is linear, so that the clip's logits are the same average of the windows'
own logits: what a window says by itself and what share it has can be shown apart.
"""

import torch
from torch import Tensor, nn

ATTENTION = "attention"  # of train.pooling
HIDDEN = 128  # rows of V and U, as in the paper


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
