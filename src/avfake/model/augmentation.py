"""What is done to the windows of a batch of training: levels, tilts, noise, and blotted-out bands and times.

Pure functions of the batch and a generator; every window has its own draw. Mirrors are drawn with the epoch
(avfake.model.batches), mixtures are made after all of this (avfake.model.mixing).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.errors import UserError
from avfake.params.train import AugmentationParams

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

GREY_LEVELS = 255.0
# Cosines that a tilt is made of: the shortest has one and a half periods over the bands.
_TILT_COSINES = 3
_CEPSTRA = "lfcc"
_LINES = "frame_lines"
_IMAGE = "baseline_image"
_IMAGE_RANGE = 80.0  # dB, of the baseline's image, which has no parameters


@dataclass(frozen=True)
class Scale:
    """What the grey levels of a window stand for.

    Attributes:
        per_db: grey levels per decibel.
        blank: float32 [C], the level that stands for nothing: silence, or the mean where it was taken out.
        spectra: bool [C], whether the rows of a channel are frequencies. Those of cepstra are not.
        lines: whether the last channel is that of `frame_lines`: no picture, and left as it is.
    """

    per_db: float
    blank: Floats
    spectra: Mask
    lines: bool = False

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "Scale":
        """From features.json: `front_end` and `params` (normalise, dynamic_range)."""
        names, params = info["front_end"], info["params"]
        if names == [_IMAGE]:
            return cls(GREY_LEVELS / _IMAGE_RANGE, np.zeros(1, np.float32), np.ones(1, bool))
        spectra = np.array([name not in (_CEPSTRA, _LINES) for name in names])
        # Cepstra have their zero in the middle whatever is taken out of them.
        silent = spectra & (params["normalise"] == "peak")
        blank = np.where(silent, 0.0, GREY_LEVELS / 2).astype(np.float32)
        return cls(GREY_LEVELS / params["dynamic_range"], blank, spectra, _LINES in names)


def check(params: AugmentationParams, scale: Scale) -> None:
    """Raises UserError if something is to be done to frequencies and no channel has any."""
    if scale.spectra.any():
        return
    for name in ("high_cut", "tilt_db"):
        if getattr(params, name):
            raise UserError(
                f"train.augmentation.{name}: the rows of lfcc are no frequencies",
                "set it to 0, or add another front end to featurize.front_end",
            )


def is_neutral(params: AugmentationParams) -> bool:
    """Whether `augment` would leave every window as it is."""
    drawn = (params.time_masks, params.band_masks, params.high_cut)
    return not any((*drawn, params.tilt_db, params.gain_db, params.noise_db))


def augment(
    windows: NDArray[np.uint8], params: AugmentationParams, scale: Scale, rng: np.random.Generator
) -> Floats:
    """Windows uint8 [B, C, H, W], each changed at random as `params` say: float32, still from 0 to 255.

    In this order: gain and tilt (a change of every frame alike), noise, then what is blotted out.
    """
    levels = windows.astype(np.float32)
    n, _, height, width = windows.shape
    if params.gain_db or params.tilt_db:
        levels += _shifts(params, scale, (n, height), rng)[..., None]
    if params.noise_db:
        noise = rng.standard_normal(levels.shape, np.float32)
        noise *= np.float32(params.noise_db * scale.per_db)
        levels += noise
    if params.gain_db or params.tilt_db or params.noise_db:
        np.clip(levels, 0, GREY_LEVELS, out=levels)
    blank = scale.blank[:, None, None]
    if params.band_masks:
        rows = stretches(n, height, params.band_masks, params.band_mask_share, rng)
        np.copyto(levels, blank, where=rows[:, None, :, None])
    if params.high_cut:
        rows = high_rows(n, height, params.high_cut, rng)
        np.copyto(levels, blank, where=rows[:, None, :, None] & scale.spectra[:, None, None])
    if params.time_masks:
        columns = stretches(n, width, params.time_masks, params.time_mask_share, rng)
        np.copyto(levels, blank, where=columns[:, None, None, :])
    if scale.lines:
        levels[:, -1] = windows[:, -1]
    return levels


def stretches(n: int, length: int, number: int, share: float, rng: np.random.Generator) -> Mask:
    """`number` stretches along an axis, for each of `n` windows: bool [n, length].

    SpecAugment (Park et al., arXiv 1904.08779): each has a length from 0 to `share` of the axis, uniformly,
    and lies anywhere inside it. They may overlap.
    """
    sizes = rng.random((n, number, 1)) * share * length
    starts = rng.random((n, number, 1)) * (length - sizes)
    middles = np.arange(length) + 0.5
    inside = (middles >= starts) & (middles < starts + sizes)
    return np.asarray(inside.any(axis=1))


def high_rows(n: int, height: int, probability: float, rng: np.random.Generator) -> Mask:
    """All rows above a random edge in the upper half, in a share of the windows: bool [n, height].

    As a codec cuts off what lies above some frequency; a detector must not tell by that alone (arXiv
    2407.21545).
    """
    edges = height - rng.integers(1, height - height // 2 + 1, (n, 1))
    hit = rng.random((n, 1)) < probability
    above: Mask = (np.arange(height) >= edges) & hit
    return above


def tilts(n: int, height: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth random curves over the rows, of standard deviation 1 over all of them: float64 [n, height].

    Cosines with normal amplitudes, for what FilterAugment does with steps and lines (Nam et al., arXiv
    2110.03282). The mean over the rows is 0, so that a tilt is no gain.
    """
    places = (np.arange(height) + 0.5) / height
    cosines = np.cos(np.pi * np.outer(np.arange(1, _TILT_COSINES + 1), places))
    curves: NDArray[np.float64] = rng.standard_normal((n, _TILT_COSINES)) @ cosines
    return curves * np.sqrt(2 / _TILT_COSINES)


def _shifts(
    params: AugmentationParams, scale: Scale, shape: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Change of level by gain and tilt, float32 [n, C, height].

    Of cepstra only the 0th, which is the mean level, follows the gain, and none the tilt.
    """
    n, height = shape
    gains = params.gain_db * rng.standard_normal((n, 1))
    curves = gains + params.tilt_db * tilts(n, height, rng)
    cepstra = np.zeros((n, height))
    cepstra[:, :1] = gains
    shifts = np.where(scale.spectra[:, None], curves[:, None], cepstra[:, None])
    return (shifts * scale.per_db).astype(np.float32)
