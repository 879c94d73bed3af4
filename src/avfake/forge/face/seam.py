"""A piece laid over a picture so that its colours go over into those around it."""

import cv2
import numpy as np

_COARSE = 4.0  # pixels: standard deviation of a blur at the size at which it is worked out


def laid_over(
    target: np.ndarray, source: np.ndarray, mask: np.ndarray, strength: float, sigma: float
) -> np.ndarray:
    """The target with the source over it, in the target's colours along the border.

    What the two differ by along the border is taken from the source, carried on smoothly inside, as
    Z. Farbman et al., Coordinates for instant image cloning, SIGGRAPH 2009, do.

    Args:
        target: uint8 [h, w, 3].
        source: float32 [h, w, 3], 0 to 255.
        mask: float32 [h, w], 0 to 1, where the source comes.
        strength: the source's share where the mask is 1.
        sigma: pixels over which colours are carried (standard deviation).

    Returns:
        uint8 [h, w, 3].
    """
    below = target.astype(np.float32)
    # Greatest half way between the two: there the colours must agree.
    border = 4.0 * mask * (1.0 - mask)
    if border.max() > 0.0:
        source = source + _near(below - source, border, sigma)
    share = mask[..., None] * np.float32(strength)
    blended = share * source + (1.0 - share) * below
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8)


def _near(values: np.ndarray, where: np.ndarray, sigma: float) -> np.ndarray:
    """The mean of `values` [h, w, 3] around each pixel, weighted by `where` [h, w]."""
    height, width = where.shape
    both = np.concatenate([values * where[..., None], where[..., None]], axis=2)
    # What is as smooth as that needs no more pixels, and the cost grows with the width of the blur.
    shrink = max(1.0, sigma / _COARSE)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    smooth = cv2.GaussianBlur(cv2.resize(both, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / shrink)
    # Far from the border nothing of it is near: the mean over all of it, as if it were a little everywhere.
    smooth += both.mean(axis=(0, 1)) * np.float32(0.02)
    near = smooth[..., :3] / np.maximum(smooth[..., 3:], np.float32(1e-6))
    return np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR))
