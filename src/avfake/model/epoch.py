"""What an epoch of training sees, and in which order."""

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Epoch:
    """The windows of one epoch in their order; every array has one entry per window.

    Attributes:
        clip: position in `Clips`.
        window: number of the window within its clip.
        flip_time: whether the time axis is mirrored.
        flip_frequency: whether the frequency axis is mirrored.
    """

    clip: NDArray[np.int64]
    window: NDArray[np.int64]
    flip_time: NDArray[np.bool_]
    flip_frequency: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.clip)

    def bounds(self, batch_size: int) -> list[tuple[int, int]]:
        """First place and end of each batch."""
        return batch_bounds(len(self), batch_size)


AnyEpoch = TypeVar("AnyEpoch", bound=Epoch)


def plain(drawn: AnyEpoch) -> AnyEpoch:
    """The same without mirrors."""
    never = np.zeros(len(drawn), bool)
    return replace(drawn, **{item.name: never for item in fields(drawn) if item.name.startswith("flip_")})


def batch_bounds(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Cuts `n` windows into batches; a single window left over joins the batch before it.

    Batch normalisation has no variance over one value.
    """
    bounds = [(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
    if len(bounds) > 1 and n - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], n)]
    return bounds
