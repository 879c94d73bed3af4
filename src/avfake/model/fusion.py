"""How the features of a window and those of a face become one pair of logits, whichever of the two is there.

Each takes sound float [B, F_s], heard bool [B], picture float [B, F_p] and seen bool [B]; at least one of
heard and seen holds for every pair, and what is not there counts for nothing.
"""

import math

import torch
from torch import Tensor, nn

_HIDDEN = 128  # of the concatenation
_WIDTH, _HEADS = 128, 4  # of the attention


class Fusion(nn.Module):
    """Base of all of them.

    Args:
        n_sound: features of a window.
        n_picture: features of a face.
    """

    def __init__(self, n_sound: int, n_picture: int) -> None:
        super().__init__()
        self.n_sound, self.n_picture = n_sound, n_picture

    def forward(self, sound: Tensor, heard: Tensor, picture: Tensor, seen: Tensor) -> Tensor:
        """Logits [B, 2]: real, fake."""
        raise NotImplementedError


class Placeholder(nn.Module):
    """Learned features that stand for a stream that is not there.

    A linear layer of a constant, because thop counts the numbers of layers and no others.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.learned = nn.Linear(1, n_features, bias=False)
        nn.init.zeros_(self.learned.weight)

    def forward(self, features: Tensor, there: Tensor) -> Tensor:
        """Features [B, F] where `there`, bool [B], holds, the learned ones elsewhere."""
        learned: Tensor = self.learned(features.new_ones(1, 1))
        return torch.where(there[:, None], features, learned.to(features.dtype))


class ScoreAverage(Fusion):
    """Each stream has its own linear layer; the probability is the mean over the streams that are there.

    The logits are the logarithms of the mean probabilities, so that their softmax is the mean itself.
    """

    def __init__(self, n_sound: int, n_picture: int) -> None:
        super().__init__(n_sound, n_picture)
        self.sound_head = nn.Linear(n_sound, 2)
        self.picture_head = nn.Linear(n_picture, 2)

    def forward(self, sound: Tensor, heard: Tensor, picture: Tensor, seen: Tensor) -> Tensor:
        """Logits [B, 2]."""
        streams = torch.stack([self.sound_head(sound), self.picture_head(picture)], dim=1)
        there = torch.stack([heard, seen], dim=1)
        logarithms = streams.log_softmax(2).masked_fill(~there[..., None], -math.inf)
        return logarithms.logsumexp(1) - there.sum(1, keepdim=True).log()


class Concatenation(Fusion):
    """Both features side by side, a hidden layer, and a linear one; a missing stream has a placeholder."""

    def __init__(self, n_sound: int, n_picture: int) -> None:
        super().__init__(n_sound, n_picture)
        self.no_sound, self.no_picture = Placeholder(n_sound), Placeholder(n_picture)
        self.hidden = nn.Linear(n_sound + n_picture, _HIDDEN)
        self.head = nn.Linear(_HIDDEN, 2)

    def forward(self, sound: Tensor, heard: Tensor, picture: Tensor, seen: Tensor) -> Tensor:
        """Logits [B, 2]."""
        both = torch.cat([self.no_sound(sound, heard), self.no_picture(picture, seen)], dim=1)
        logits: Tensor = self.head(self.hidden(both).relu())
        return logits


class Attention(Fusion):
    """The streams as two tokens that attend to each other, with a shortcut around; a missing one has a
    placeholder.

    One layer of multi-head self-attention (Vaswani et al., arXiv 1706.03762), its input normalised (Xiong et
    al., arXiv 2002.04745). Written in linear layers, because thop does not count torch's own.
    """

    def __init__(self, n_sound: int, n_picture: int) -> None:
        super().__init__(n_sound, n_picture)
        self.sound_token, self.picture_token = nn.Linear(n_sound, _WIDTH), nn.Linear(n_picture, _WIDTH)
        self.no_sound, self.no_picture = Placeholder(_WIDTH), Placeholder(_WIDTH)
        self.norm, self.last_norm = nn.LayerNorm(_WIDTH), nn.LayerNorm(2 * _WIDTH)
        self.queries_keys_values = nn.Linear(_WIDTH, 3 * _WIDTH)
        self.out = nn.Linear(_WIDTH, _WIDTH)
        self.head = nn.Linear(2 * _WIDTH, 2)

    def forward(self, sound: Tensor, heard: Tensor, picture: Tensor, seen: Tensor) -> Tensor:
        """Logits [B, 2]."""
        tokens = torch.stack(
            [
                self.no_sound(self.sound_token(sound), heard),
                self.no_picture(self.picture_token(picture), seen),
            ],
            dim=1,
        )
        tokens = tokens + self.out(self._attended(self.norm(tokens)))
        logits: Tensor = self.head(self.last_norm(tokens.flatten(1)))
        return logits

    def _attended(self, tokens: Tensor) -> Tensor:
        """What each of tokens [B, 2, F] sees of both, float [B, 2, F]."""
        n, n_tokens, width = tokens.shape
        parts = self.queries_keys_values(tokens).reshape(n, n_tokens, 3, _HEADS, width // _HEADS)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        weights = (queries @ keys.transpose(-1, -2) / math.sqrt(width // _HEADS)).softmax(-1)
        return (weights @ values).transpose(1, 2).reshape(n, n_tokens, width)


FUSIONS: dict[str, type[Fusion]] = {
    "score": ScoreAverage,
    "concatenation": Concatenation,
    "attention": Attention,
}
