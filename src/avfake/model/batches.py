"""Which windows an epoch of training sees, in which order. All of it follows from (seed, epoch)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avfake.dataset.features import FeatureSet
from avfake.model.clips import Clips


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


def draw_epoch(
    clips: Clips, windows_per_clip: int, flip_time: bool, flip_frequency: bool, seed: int, epoch: int
) -> Epoch:
    """Draws `windows_per_clip` different windows of every clip (all of them where there are fewer), shuffled.

    Mirrors, where asked for, hit every second window at random. The generator is made from (seed, epoch):
    a resumed run draws what the interrupted one would have drawn.
    """
    rng = np.random.default_rng([seed, epoch])
    clip, window = [], []
    for position, count in enumerate(clips.counts):
        chosen = rng.permutation(count)[:windows_per_clip]
        clip.append(np.full(len(chosen), position, np.int64))
        window.append(chosen.astype(np.int64))
    order = rng.permutation(sum(map(len, clip)))
    coins = rng.random((2, len(order))) < 0.5
    return Epoch(
        clip=np.concatenate(clip)[order],
        window=np.concatenate(window)[order],
        flip_time=coins[0] & flip_time,
        flip_frequency=coins[1] & flip_frequency,
    )


def batch_bounds(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Cuts `n` windows into batches; a single window left over joins the batch before it.

    Batch normalisation has no variance over one value.
    """
    bounds = [(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
    if len(bounds) > 1 and n - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], n)]
    return bounds


def read_batches(
    features: FeatureSet, clips: Clips, epoch: Epoch, batch_size: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Windows uint8 [B, H, W], mirrored as drawn, with their targets int64 [B]."""
    for start, end in batch_bounds(len(epoch), batch_size):
        pictures = []
        for place in range(start, end):
            picture = features.windows(int(clips.rows[epoch.clip[place]]))[epoch.window[place]]
            if epoch.flip_time[place]:
                picture = picture[:, ::-1]
            if epoch.flip_frequency[place]:
                picture = picture[::-1]
            pictures.append(picture)
        yield np.stack(pictures), clips.targets[epoch.clip[start:end]]
