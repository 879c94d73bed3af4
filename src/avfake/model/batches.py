"""Which windows an epoch of training sees, in which order, and what becomes of them before the detector does.

All of it follows from (seed, epoch).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.dataset.features import FeatureSet
from avfake.features.front_ends import has_lines
from avfake.model.augmentation import Floats, Scale, augment, check, is_neutral
from avfake.model.balance import times_drawn
from avfake.model.clips import Clips
from avfake.model.epoch import Epoch
from avfake.model.mixing import mix
from avfake.model.paired import PairEpoch, read_pairs
from avfake.model.streams import PairArrays
from avfake.params import AugmentationParams, TrainParams

# Of the generators: other numbers of the same epoch come from others.
_AUGMENT, _MIX = 3, 4


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


def read_batches(
    features: FeatureSet,
    clips: Clips,
    epoch: Epoch,
    batch_size: int,
    heard: Callable[[int], NDArray[np.uint8] | None] | None = None,
) -> Iterator[tuple[NDArray[np.uint8] | PairArrays, NDArray[np.int64]]]:
    """Windows uint8 [B, C, H, W] (or pairs), mirrored as drawn, with their targets int64 [B].

    `heard` gives the window uint8 [C, H, W] at a place of the epoch where another one stands in for the
    packed one, None elsewhere; it is asked in their order.
    """
    for start, end in epoch.bounds(batch_size):
        if isinstance(epoch, PairEpoch):
            yield read_pairs(features, clips, epoch, start, end, heard), clips.targets[epoch.clip[start:end]]
            continue
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
        self._params, self._seed, self._lines = params, seed, has_lines(info)
        self._scale = None
        if not is_neutral(params):
            self._scale = Scale.of(info)
            check(params, self._scale)

    def __call__(
        self, windows: NDArray[np.uint8] | PairArrays, targets: NDArray[np.int64], epoch: int, number: int
    ) -> tuple[NDArray[np.uint8] | Floats | PairArrays, NDArray[np.int64] | Floats]:
        """The batch `number` of an epoch as the detector sees it, the same whenever it is asked for.

        Args:
            windows: uint8 [B, C, H, W]; or pairs, whose windows are changed and whose faces stay.
            targets: [B], 1 for fake.
            epoch: 1 ...
            number: 0 ...

        Returns:
            windows, float32 from 0 to 255 where anything was done to them, and targets, float32 shares of
            fake where windows were mixed.
        """
        if isinstance(windows, PairArrays):
            if len(windows.windows) == 0:
                return windows, targets
            return replace(windows, windows=self._augmented(windows.windows, epoch, number)), targets
        prepared = self._augmented(windows, epoch, number)
        if self._params.mixup or self._params.cutmix:
            rng = np.random.default_rng([self._seed, epoch, _MIX, number])
            return mix(prepared, targets, self._params, rng, self._lines)
        return prepared, targets

    def _augmented(self, windows: NDArray[np.uint8], epoch: int, number: int) -> NDArray[np.uint8] | Floats:
        if self._scale is None:
            return windows
        rng = np.random.default_rng([self._seed, epoch, _AUGMENT, number])
        return augment(windows, self._params, self._scale, rng)
