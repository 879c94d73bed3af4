"""Views of a window for test-time augmentation. No two are the same; the first is the window as it is."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from avfake.errors import UserError
from avfake.model.streams import PICTURE

View = Callable[[Tensor], Tensor]

TIME, FREQUENCY = -1, -2
FACE_WIDTH = -2
# Shares of a window's length, the ones that move it furthest first.
_SHIFTS = (1 / 2, 1 / 4, 3 / 4, 1 / 8, 3 / 8, 5 / 8, 7 / 8)
MAX_VIEWS = 1 + len(_SHIFTS)


def identity(windows: Tensor) -> Tensor:
    """The windows as they are."""
    return windows


def flip(windows: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Windows [B, C, H, W] mirrored along `axes`."""
    return torch.flip(windows, axes)


def shift(windows: Tensor, share: float) -> Tensor:
    """Windows [B, C, H, W] begun later by a share of their length; what falls off the start joins the end."""
    return torch.roll(windows, -round(share * windows.shape[TIME]), dims=TIME)


def views_of(train: Mapping[str, Any], n: int) -> list[View]:
    """The first `n` views for a detector, of windows where it listens, else of faces.

    Args:
        train: the section `train` that it was trained with, as model.json has it.
        n: how many.

    Raises:
        UserError: more views are asked for than there are.
    """
    if train.get("modality") == PICTURE:
        return make_face_views(n, train["visual"]["flip"])
    mirrored = train["augmentation"]
    return make_views(n, mirrored["flip_time"], mirrored["flip_frequency"])


def make_face_views(n: int, mirrored: bool) -> list[View]:
    """The first `n` views of faces [B, S, S, 3]: as it is and, if training mirrored them, its mirror image.

    Raises:
        UserError: more views are asked for than there are.
    """
    views: list[View] = [identity]
    if mirrored:
        views.append(partial(flip, axes=(FACE_WIDTH,)))
    if n > len(views):
        raise UserError(
            f"predict.tta: {n} views are asked for, and of faces there is"
            f" {'one and its mirror image' if mirrored else 'one, because training did not mirror them'}",
            f"set it to {len(views)} at most",
        )
    return views[:n]


def make_views(n: int, flip_time: bool, flip_frequency: bool) -> list[View]:
    """The first `n` views: as it is, the mirrors that training used, then circular shifts in time.

    Args:
        n: how many, from 1 to `MAX_VIEWS`.
        flip_time: the detector was trained with mirrors of time.
        flip_frequency: the detector was trained with mirrors of frequency.

    Raises:
        UserError: more views are asked for than there are.
    """
    if n > MAX_VIEWS:
        raise UserError(
            f"predict.tta: {n} views are asked for and there are {MAX_VIEWS}",
            f"set it to {MAX_VIEWS} at most",
        )
    mirrors = [(TIME,)] * flip_time + [(FREQUENCY,)] * flip_frequency
    if flip_time and flip_frequency:
        mirrors.append((FREQUENCY, TIME))  # type: ignore[arg-type]
    views: list[View] = [identity]
    views += [partial(flip, axes=axes) for axes in mirrors]
    views += [partial(shift, share=share) for share in _SHIFTS]
    return views[:n]
