"""Losses of a batch, from pairs of logits and targets that may be shares.

Every loss takes logits float [B, 2] (real, fake), targets float [B] (share of fake: 0, 1, or between where
windows were mixed or labels smoothed) and weights float [B], and returns a scalar. The probability of fake
is the softmax of the logits under all of them, so that a model is saved and scored alike whatever it was
trained with.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from avfake.model.detector import FAKE, REAL
from avfake.params import TrainParams

Loss = Callable[[Tensor, Tensor], Tensor]

# Of one_class_softmax: the scale and both margins of the paper.
_SCALE, _REAL_MARGIN, _FAKE_MARGIN = 20.0, 0.9, 0.2
# Of dice: what keeps the share of a class that a batch lacks from being 0/0.
_DICE_SMOOTHING = 1.0


def make_loss(params: TrainParams, class_weights: Tensor | None = None) -> Loss:
    """The loss that `params` name, as a function of logits [B, 2] and targets [B].

    Targets are int64 where each window is of one class, and float where they are shares. Label smoothing
    (Szegedy et al., arXiv 1512.00567) moves them towards one half before any of the losses.

    Args:
        params: `loss`, `label_smoothing`, `focal_gamma`.
        class_weights: float [2], of real and fake windows; None: all weigh the same. A mixed window weighs as
            its share says.
    """
    by_name: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
        "cross_entropy": cross_entropy,
        "focal": partial(focal, gamma=params.focal_gamma),
        "dice": dice,
        "one_class_softmax": one_class_softmax,
        "auc": auc,
    }
    chosen, smoothing = by_name[params.loss], params.label_smoothing

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        if params.loss == "cross_entropy" and not smoothing and not targets.is_floating_point():
            return F.cross_entropy(logits, targets, class_weights)
        shares = targets.to(logits.dtype)
        weights = torch.ones_like(shares)
        if class_weights is not None:
            weights = (1 - shares) * class_weights[REAL] + shares * class_weights[FAKE]
        return chosen(logits, (1 - smoothing) * shares + smoothing / 2, weights)

    return loss


def balanced_weights(targets: NDArray[np.int64]) -> Tensor:
    """Weights float [2] with which both classes weigh the same, and a window one on average.

    Args:
        targets: of all windows of an epoch, of both classes.
    """
    counts = np.bincount(targets, minlength=2)
    return torch.from_numpy((len(targets) / 2 / counts).astype(np.float32))


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy between the shares and the softmax."""
    logarithms = F.log_softmax(logits, dim=1)
    return _mean(-(_shares(targets) * logarithms).sum(1), weights)


def focal(logits: Tensor, targets: Tensor, weights: Tensor, gamma: float) -> Tensor:
    """Cross entropy in which a class counts by (1 - its probability) ** gamma (Lin et al., arXiv 1708.02002).

    By logarithms throughout, because the power's slope at a probability of one is infinite for gamma < 1.
    """
    logarithms = F.log_softmax(logits, dim=1)
    missed = (gamma * logarithms.flip(1)).exp()  # with two classes, 1 - p of one is p of the other
    return _mean(-(_shares(targets) * missed * logarithms).sum(1), weights)


def dice(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """One minus the overlap of shares and probabilities in the batch, mean over both classes.

    Dice with squares in the denominator (Milletari et al., arXiv 1606.04797); windows take the place of
    voxels.
    """
    probabilities, shares = logits.softmax(1), _shares(targets)
    weighted = weights[:, None]
    both = (weighted * probabilities * shares).sum(0)
    each = (weighted * (probabilities**2 + shares**2)).sum(0)
    return (1 - (2 * both + _DICE_SMOOTHING) / (each + _DICE_SMOOTHING)).mean()


def one_class_softmax(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Real windows are held together above a high margin; fakes are only kept below a low one.

    Zhang, Jiang and Duan, arXiv 2010.13995: softplus(k (0.9 - s)) for real and softplus(k (s - 0.2)) for
    fakes, with k = 20, so that fakes need not be alike, and an unseen one has no cluster of fakes to miss.
    There s in [-1, 1] is the cosine between a window's features and one learned direction. Here the pair of
    logits stays the detector's output, and s = tanh(d / 2 + c), where d is the logit of real less that of
    fake: bounded as a cosine is, and rising with the probability of real. The constant c puts the middle of
    the margins at probability one half. Other than in the paper, features are not normalised.
    """
    middle = math.atanh((_REAL_MARGIN + _FAKE_MARGIN) / 2)
    score = torch.tanh((logits[:, REAL] - logits[:, FAKE]) / 2 + middle)
    of_real = F.softplus(_SCALE * (_REAL_MARGIN - score))
    of_fake = F.softplus(_SCALE * (score - _FAKE_MARGIN))
    return _mean((1 - targets) * of_real + targets * of_fake, weights)


def auc(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Logistic surrogate of one minus the AUC: softplus of how far a real window lies above a fake one.

    The mean over all pairs of the batch, in log-odds of fake; consistent with the AUC by Gao and Zhou, arXiv
    1208.0645. It says nothing of the level of the scores, only of their order. A pair of shares counts by the
    share of fake in one times that of real in the other. A batch of one class has no pairs and the loss 0.
    """
    odds = logits[:, FAKE] - logits[:, REAL]
    pairs = (weights * targets)[:, None] * (weights * (1 - targets))[None, :]
    losses = F.softplus(odds[None, :] - odds[:, None])
    return (pairs * losses).sum() / pairs.sum().clamp_min(torch.finfo(pairs.dtype).tiny)


def _shares(targets: Tensor) -> Tensor:
    """Shares of real and fake, float [B, 2]."""
    return torch.stack([1 - targets, targets], dim=1)


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    return (weights * losses).sum() / weights.sum()
