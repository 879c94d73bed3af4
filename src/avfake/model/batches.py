"""Which windows an epoch of training sees, in which order, and what becomes of them before the detector does.

All of it follows from (seed, epoch).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.dataset.features import FeatureSet
from avfake.model.augmentation import Floats, Scale, augment, check, is_neutral
from avfake.model.balance import times_drawn
from avfake.model.clips import Clips
from avfake.model.mixing import mix
from avfake.params import AugmentationParams, TrainParams

# Of the generators: other numbers of the same epoch come from others.
_AUGMENT, _MIX = 3, 4


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


def draw_epoch(clips: Clips, params: TrainParams, epoch: int) -> Epoch:
    """Draws `windows_per_clip` different windows of every clip (all of them where there are fewer), shuffled.

    `balance` says how often a clip is drawn; as often it has as many windows, different ones as long as there
    are any. Mirrors, where asked for, hit every second window at random. The generator is made from (seed,
    epoch): a resumed run draws what the interrupted one would have drawn.
    """
    rng = np.random.default_rng([params.seed, epoch])
    clip, window = [], []
    wanted = _windows_wanted(clips, params, epoch)
    for position, (count, n) in enumerate(zip(clips.counts.tolist(), wanted.tolist(), strict=True)):
        if n == 0:
            continue
        rounds = [rng.permutation(count) for _ in range(-(-n // count))]
        clip.append(np.full(n, position, np.int64))
        window.append(np.concatenate(rounds)[:n].astype(np.int64))
    order = rng.permutation(sum(map(len, clip)))
    coins = rng.random((2, len(order))) < 0.5
    return Epoch(
        clip=np.concatenate(clip)[order],
        window=np.concatenate(window)[order],
        flip_time=coins[0] & params.augmentation.flip_time,
        flip_frequency=coins[1] & params.augmentation.flip_frequency,
    )


def epoch_sizes(clips: Clips, params: TrainParams) -> list[int]:
    """How many windows each epoch draws; with a balance they may differ."""
    return [int(_windows_wanted(clips, params, epoch).sum()) for epoch in range(1, params.epochs + 1)]


def _windows_wanted(clips: Clips, params: TrainParams, epoch: int) -> NDArray[np.int64]:
    times = times_drawn(clips, params.balance, params.seed, epoch)
    return times * np.minimum(clips.counts, params.windows_per_clip)


def batch_bounds(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Cuts `n` windows into batches; a single window left over joins the batch before it.

    Batch normalisation has no variance over one value.
    """
    bounds = [(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
    if len(bounds) > 1 and n - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], n)]
    return bounds


def read_batches(
    features: FeatureSet,
    clips: Clips,
    epoch: Epoch,
    batch_size: int,
    heard: Callable[[int], NDArray[np.uint8] | None] | None = None,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Windows uint8 [B, C, H, W], mirrored as drawn, with their targets int64 [B].

    `heard` gives the window uint8 [C, H, W] at a place of the epoch where another one stands in for the
    packed one, None elsewhere; it is asked in their order.
    """
    for start, end in batch_bounds(len(epoch), batch_size):
        pictures = []
        for place in range(start, end):
            picture = None if heard is None else heard(place)
            if picture is None:
                picture = features.windows(int(clips.rows[epoch.clip[place]]))[epoch.window[place]]
            if epoch.flip_time[place]:
                picture = picture[..., ::-1]
            if epoch.flip_frequency[place]:
                picture = picture[..., ::-1, :]
            pictures.append(picture)
        yield np.stack(pictures), clips.targets[epoch.clip[start:end]]


class Preparation:
    """What is done to each batch after it was read: augmentation, then mixtures.

    Args:
        params: the section `train.augmentation`.
        info: features.json.
        seed: of the training.

    Raises:
        UserError: something is to be done to frequencies, and the windows have none.
    """

    def __init__(self, params: AugmentationParams, info: Mapping[str, Any], seed: int) -> None:
        self._params, self._seed = params, seed
        self._scale = None
        if not is_neutral(params):
            self._scale = Scale.of(info)
            check(params, self._scale)

    def __call__(
        self, windows: NDArray[np.uint8], targets: NDArray[np.int64], epoch: int, number: int
    ) -> tuple[NDArray[np.uint8] | Floats, NDArray[np.int64] | Floats]:
        """The batch `number` of an epoch as the detector sees it, the same whenever it is asked for.

        Args:
            windows: uint8 [B, C, H, W].
            targets: [B], 1 for fake.
            epoch: 1 ...
            number: 0 ...

        Returns:
            windows, float32 from 0 to 255 where anything was done to them, and targets, float32 shares of
            fake where windows were mixed.
        """
        prepared: NDArray[np.uint8] | Floats = windows
        if self._scale is not None:
            rng = np.random.default_rng([self._seed, epoch, _AUGMENT, number])
            prepared = augment(windows, self._params, self._scale, rng)
        if self._params.mixup or self._params.cutmix:
            rng = np.random.default_rng([self._seed, epoch, _MIX, number])
            return mix(prepared, targets, self._params, rng)
        return prepared, targets
