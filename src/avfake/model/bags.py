"""The windows of an epoch gathered by clip: what a detector that weighs windows learns on."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from avfake.model.attention import ATTENTION
from avfake.model.balance import times_drawn
from avfake.model.batches import epoch_sizes
from avfake.model.clips import Clips
from avfake.model.epoch import Epoch, batch_bounds
from avfake.params import TrainParams


@dataclass(frozen=True)
class BagEpoch(Epoch):
    """An epoch in which the windows of a drawing of a clip lie together.

    Attributes:
        bag: int64, of each window, ascending from 0 without a gap.
        largest: windows in a bag, at most.
    """

    bag: NDArray[np.int64]
    largest: int

    @property
    def firsts(self) -> NDArray[np.int64]:
        """Place of the first window of each bag, int64 [bags]."""
        return np.flatnonzero(np.diff(self.bag, prepend=-1))

    def bounds(self, batch_size: int) -> list[tuple[int, int]]:
        """Batches of whole bags, as many of the largest size as make `batch_size` windows."""
        edges = np.append(self.firsts, len(self)).tolist()
        per_batch = bags_per_batch(batch_size, self.largest)
        return [(edges[start], edges[end]) for start, end in batch_bounds(len(edges) - 1, per_batch)]

    def within(self, start: int, end: int) -> NDArray[np.int64]:
        """Bags of the windows from `start` to `end`, which begin with the first of a bag: from 0."""
        return self.bag[start:end] - self.bag[start]


def bags_per_batch(batch_size: int, windows_per_clip: int) -> int:
    """How many bags a batch has, however large they are: so is the number of batches known beforehand."""
    return max(1, batch_size // windows_per_clip)


def n_updates(clips: Clips, params: TrainParams) -> list[int]:
    """How many batches each epoch has."""
    if params.pooling != ATTENTION:
        return [len(batch_bounds(size, params.batch_size)) for size in epoch_sizes(clips, params)]
    per_batch = bags_per_batch(params.batch_size, params.windows_per_clip)
    epochs = range(1, params.epochs + 1)
    drawn = [int(times_drawn(clips, params.balance, params.seed, epoch).sum()) for epoch in epochs]
    return [len(batch_bounds(number, per_batch)) for number in drawn]


def gathered(epoch: Epoch, clips: Clips, windows_per_clip: int) -> BagEpoch:
    """The same windows, those of each drawing of a clip together where the first of them was."""
    sizes = np.minimum(clips.counts, windows_per_clip)[epoch.clip]
    by_clip = np.argsort(epoch.clip, kind="stable")
    starts = np.searchsorted(epoch.clip[by_clip], epoch.clip[by_clip])
    turn = np.empty(len(epoch), np.int64)  # the how-manieth window of its clip
    turn[by_clip] = np.arange(len(epoch)) - starts
    keys = np.stack([epoch.clip, turn // sizes])
    _, first, bag = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    place = first[bag.reshape(-1)]
    order = np.argsort(place, kind="stable")
    number = np.unique(place[order], return_inverse=True)[1]
    parts = {field.name: getattr(epoch, field.name)[order] for field in fields(Epoch)}
    return BagEpoch(**parts, bag=number.astype(np.int64), largest=windows_per_clip)
