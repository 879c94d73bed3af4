"""Mixtures of windows of a batch, with targets that are shares."""

import numpy as np
from numpy.typing import NDArray

from avfake.params.train import AugmentationParams

Floats = NDArray[np.float32]


def mix(
    windows: NDArray[np.uint8] | Floats,
    targets: NDArray[np.int64],
    params: AugmentationParams,
    rng: np.random.Generator,
    lines: bool = False,
) -> tuple[Floats, Floats]:
    """Mixes each window of a batch with another one of it.

    Args:
        windows: [B, C, H, W], from 0 to 255.
        targets: [B], 1 for fake.
        params: `mixup`, `cutmix`; with both, the batch has one of the two, at even odds.
        rng: of the partners and shares.
        lines: whether the last channel is that of `frame_lines`: no picture to cut, but numbers, and of those
            the mean weighted as the targets is taken.

    Returns:
        windows float32 [B, C, H, W] and shares of fake float32 [B].
    """
    levels, shares = windows.astype(np.float32, copy=False), targets.astype(np.float32)
    cut = params.cutmix > 0 and (params.mixup == 0 or rng.random() < 0.5)
    partner = rng.permutation(len(levels))
    if cut:
        mixed, given = cutmix(levels, partner, params.cutmix, rng)
        if lines:
            part = given[:, None, None]
            mixed[:, -1] = (1 - part) * levels[:, -1] + part * levels[partner, -1]
        return mixed, (1 - given) * shares + given * shares[partner]
    return mixup(levels, shares, partner, params.mixup, rng)


def mixup(
    windows: Floats, targets: Floats, partner: NDArray[np.int64], alpha: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Weighted means of windows and of targets (Zhang et al., arXiv 1710.09412).

    Each window keeps a share of its own from Beta(alpha, alpha); its partner has the rest.
    """
    kept = rng.beta(alpha, alpha, len(windows)).astype(np.float32)
    share = kept[:, None, None, None]
    mixed: Floats = windows * share
    mixed += windows[partner] * (1 - share)
    return mixed, kept * targets + (1 - kept) * targets[partner]


def cutmix(
    windows: Floats, partner: NDArray[np.int64], alpha: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """A rectangle of each window is its partner's (Yun et al., arXiv 1905.04899): the mixture, and what share
    of each is its partner's, float32 [B], by which targets go.

    The rectangle's area is a share from Beta(alpha, alpha), less what falls off the edges around its random
    middle.
    """
    n, _, height, width = windows.shape
    side = np.sqrt(1 - rng.beta(alpha, alpha, n))
    rows = _around(rng.random(n) * height, side * height, height)
    columns = _around(rng.random(n) * width, side * width, width)
    inside = rows[:, :, None] & columns[:, None, :]
    mixed = np.where(inside[:, None], windows[partner], windows)
    return mixed, inside.mean(axis=(1, 2), dtype=np.float32)


def _around(middles: NDArray[np.float64], sizes: NDArray[np.float64], length: int) -> NDArray[np.bool_]:
    """Which of the places of an axis lie within half a size of a middle: bool [n, length]."""
    places = np.arange(length) + 0.5
    return np.abs(places - middles[:, None]) < sizes[:, None] / 2
