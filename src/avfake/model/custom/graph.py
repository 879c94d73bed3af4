"""Attention over the nodes of a graph, after AASIST (Jung et al., arXiv 2110.01200).

Nodes are rows [B, N, D]; every node is joined to every other. How much a node takes from another depends on
the product of the two, element by element. All learned numbers lie in linear layers, which thop can count.
"""

import torch
from torch import Tensor, nn

INPUT_DROP, POOL_DROP = 0.2, 0.3


class _Update(nn.Module):
    """What every attention ends in: the nodes, and what they gathered, to normalised new nodes."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.gathered = nn.Linear(n_in, n_out)
        self.own = nn.Linear(n_in, n_out)
        self.norm = nn.BatchNorm1d(n_out)
        self.act = nn.SELU()

    def forward(self, nodes: Tensor, gathered: Tensor) -> Tensor:
        """Two of [B, N, n_in] to [B, N, n_out]."""
        x = self.gathered(gathered) + self.own(nodes)
        updated: Tensor = self.act(self.norm(x.flatten(0, 1)).view_as(x))
        return updated


class GraphAttention(nn.Module):
    """Attention among nodes of one kind, as AASIST's graph module has it (Jung et al., arXiv 2110.01200).

    Args:
        n_in: features of a node.
        n_out: features of a node afterwards.
        temperature: the higher, the more alike the weights.
    """

    def __init__(self, n_in: int, n_out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.drop = nn.Dropout(INPUT_DROP)
        self.pair = nn.Linear(n_in, n_out)
        self.score = _scores(n_out, 1)
        self.update = _Update(n_in, n_out)

    def forward(self, nodes: Tensor) -> Tensor:
        """Nodes [B, N, n_in] to [B, N, n_out]."""
        nodes = self.drop(nodes)
        scores = self.score(torch.tanh(self.pair(_products(nodes)))).squeeze(-1)
        weights = torch.softmax(scores / self.temperature, dim=-1)
        updated: Tensor = self.update(nodes, weights @ nodes)
        return updated


class HeterogeneousAttention(nn.Module):
    """Attention among nodes of two kinds, and of a stack node that takes from all and gives to none.

    The heterogeneous stacking graph attention layer of AASIST: pairs of the one kind, of the other and of
    both have weights of their own.

    Args:
        n_in: features of a node of either kind, and of the stack node.
        n_out: features of each afterwards.
        temperature: the higher, the more alike the weights.
    """

    def __init__(self, n_in: int, n_out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.first, self.second = nn.Linear(n_in, n_in), nn.Linear(n_in, n_in)
        self.drop = nn.Dropout(INPUT_DROP)
        self.pair = nn.Linear(n_in, n_out)
        self.score = _scores(n_out, 3)
        self.update = _Update(n_in, n_out)
        self.stack_pair = nn.Linear(n_in, n_out)
        self.stack_score = _scores(n_out, 1)
        self.stack_gathered = nn.Linear(n_in, n_out)
        self.stack_own = nn.Linear(n_in, n_out)

    def forward(self, first: Tensor, second: Tensor, stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes [B, N, n_in] and [B, M, n_in] and the stack node [B, 1, n_in], each to n_out features."""
        n = first.shape[1]
        nodes = self.drop(torch.cat([self.first(first), self.second(second)], dim=1))
        scores = self._by_kind(self.score(torch.tanh(self.pair(_products(nodes)))), n)
        weights = torch.softmax(scores / self.temperature, dim=-1)

        taken = self.stack_score(torch.tanh(self.stack_pair(nodes * stack))).transpose(1, 2)
        taken = torch.softmax(taken / self.temperature, dim=-1)
        stack = self.stack_gathered(taken @ nodes) + self.stack_own(stack)

        updated: Tensor = self.update(nodes, weights @ nodes)
        return updated[:, :n], updated[:, n:], stack

    @staticmethod
    def _by_kind(scores: Tensor, n: int) -> Tensor:
        """Of three scores per pair [B, N + M, N + M, 3] its own: both first, both second, mixed."""
        above = torch.cat([scores[:, :n, :n, 0], scores[:, :n, n:, 2]], dim=2)
        below = torch.cat([scores[:, n:, :n, 2], scores[:, n:, n:, 1]], dim=2)
        return torch.cat([above, below], dim=1)


class GraphPool(nn.Module):
    """Keeps the share of nodes that a learned score finds most telling, each times its score.

    The graph pooling of AASIST, which is that of graph U-nets (Gao and Ji, arXiv 1905.05178).
    """

    def __init__(self, n_in: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.drop = nn.Dropout(POOL_DROP)
        self.score = nn.Linear(n_in, 1)

    def forward(self, nodes: Tensor) -> Tensor:
        """Nodes [B, N, n_in] to [B, share of N rounded down but at least one, n_in]."""
        scores = torch.sigmoid(self.score(self.drop(nodes)))
        kept = torch.topk(scores, max(int(self.share * nodes.shape[1]), 1), dim=1).indices
        return torch.gather(nodes * scores, 1, kept.expand(-1, -1, nodes.shape[2]))


def _products(nodes: Tensor) -> Tensor:
    """Nodes [B, N, D] to the products of all pairs [B, N, N, D]."""
    return nodes.unsqueeze(2) * nodes.unsqueeze(1)


def _scores(n_in: int, n_scores: int) -> nn.Linear:
    """Weights of `n_scores` kinds of score, each initialised as AASIST does its own (Xavier, one output)."""
    layer = nn.Linear(n_in, n_scores, bias=False)
    nn.init.normal_(layer.weight, std=(2 / (n_in + 1)) ** 0.5)
    return layer
