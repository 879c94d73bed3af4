"""Which pairs of windows and faces an epoch of training sees, for a detector with eyes.

An epoch is drawn as it is for sound (avfake.model.batches), a pair in place of a window; what is here turns
the numbers of pairs into windows and faces, blots out streams, and keeps a clip's pairs together where they
are compared with each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avfake.dataset.features import FeatureSet
from avfake.model.clips import Clips
from avfake.model.epoch import Epoch
from avfake.model.packed import pairs_of
from avfake.model.streams import BOTH, MISSING, PairArrays, in_time
from avfake.params import TrainParams

_PURPOSE = 5  # of the generator: other numbers of the same epoch come from others


@dataclass(frozen=True)
class PairEpoch(Epoch):
    """The pairs of one epoch in their order; `window` is `MISSING` where a pair has none.

    Attributes:
        face: number of the face within its clip, or `MISSING`.
        flip_face: whether the face is mirrored.
    """

    face: NDArray[np.int64]
    flip_face: NDArray[np.bool_]


def pair_epoch(
    drawn: Epoch, features: FeatureSet, clips: Clips, params: TrainParams, epoch: int
) -> PairEpoch:
    """The pairs whose numbers were drawn, with one stream blotted out in some clips.

    A clip that has both streams loses one of them, whichever at even odds, in all of its pairs of this epoch,
    with the probability `modality_dropout`. Where there is an offset head, the pairs of a clip follow each
    other, in the order in which the first of them was drawn.

    Args:
        drawn: `window` holds numbers of pairs.
        features: of which the face times are read.
        clips: that `drawn` is of.
        params: the section `train`.
        epoch: 1 ...
    """
    rng = np.random.default_rng([params.seed, epoch, _PURPOSE])
    coins = rng.random(len(drawn)) < 0.5
    chances = rng.random((2, len(clips)))
    window, face = np.empty((2, len(drawn)), np.int64)
    for position in np.unique(drawn.clip).tolist():
        pairs = pairs_of(features, int(clips.rows[position]), params.modality)
        own = drawn.clip == position
        window[own], face[own] = pairs[drawn.window[own]].T
    if params.modality == BOTH and params.modality_dropout:
        both = (window != MISSING) & (face != MISSING)
        hit = both & (chances[0] < params.modality_dropout)[drawn.clip]
        deaf = (chances[1] < 0.5)[drawn.clip]
        window[hit & deaf], face[hit & ~deaf] = MISSING, MISSING
    order = _together(drawn.clip) if params.offset_head else np.arange(len(drawn))
    return PairEpoch(
        clip=drawn.clip[order],
        window=window[order],
        flip_time=drawn.flip_time[order],
        flip_frequency=drawn.flip_frequency[order],
        face=face[order],
        flip_face=coins[order] & params.visual.flip,
    )


def read_pairs(
    features: FeatureSet,
    clips: Clips,
    epoch: PairEpoch,
    start: int,
    end: int,
    heard: Callable[[int], NDArray[np.uint8] | None] | None = None,
) -> PairArrays:
    """The pairs from `start` up to but without `end`, mirrored as drawn.

    `heard`: see `avfake.model.batches.read_batches`; it is not asked for pairs without sound.
    """
    windows: list[NDArray[np.uint8]] = []
    faces: list[NDArray[np.uint8]] = []
    window_of, face_of = np.full((2, end - start), MISSING, np.int64)
    for place in range(start, end):
        row = int(clips.rows[epoch.clip[place]])
        if epoch.window[place] != MISSING:
            picture = None if heard is None else heard(place)
            if picture is None:
                picture = features.windows(row)[epoch.window[place]]
            picture = picture[..., ::-1] if epoch.flip_time[place] else picture
            window_of[place - start] = len(windows)
            windows.append(picture[..., ::-1, :] if epoch.flip_frequency[place] else picture)
        if epoch.face[place] != MISSING:
            face = features.faces(row)[epoch.face[place]]
            face_of[place - start] = len(faces)
            faces.append(face[:, ::-1] if epoch.flip_face[place] else face)
    side = features.info["face_size"]
    return PairArrays(_stacked(windows, features.shape), _stacked(faces, (side, side, 3)), window_of, face_of)


def timed_pairs(
    features: FeatureSet, clips: Clips, epoch: PairEpoch, start: int, end: int
) -> NDArray[np.int64]:
    """Pairs of a batch for the offset head, int64 [k, 3]: whose sound, whose face, whether they belong
    together.

    Of real clips alone, and of those whose face surely lies inside the window or surely outside. In time is a
    pair as it was drawn. Shifted is its sound with the next face of the same clip in the batch that lies
    outside of the window; where there is none, with the face of the next other real clip.

    Args:
        features, clips, epoch: see `read_pairs`. start, end: of the batch.
    """
    real = [
        place for place in range(start, end)
        if clips.targets[epoch.clip[place]] == 0 and epoch.face[place] != MISSING
    ]  # fmt: skip
    found: list[tuple[int, int, int]] = []
    for number, place in enumerate(real):
        if epoch.window[place] == MISSING:
            continue
        position = int(epoch.clip[place])
        row = int(clips.rows[position])
        times = features.face_times(row)
        inside, outside = in_time(features.info, int(features.index["count"].iloc[row]), times)
        window = int(epoch.window[place])
        if inside[window, epoch.face[place]]:
            found.append((place, place, 1))
        others = [*real[number + 1 :], *real[:number]]
        own = [other for other in others if epoch.clip[other] == position]
        shifted = [other for other in own if outside[window, epoch.face[other]]]
        shifted = shifted or [other for other in others if epoch.clip[other] != position]
        found += [(place, shifted[0], 0)] if shifted else []
    table = np.array(found, np.int64).reshape(-1, 3)
    table[:, :2] -= start
    return table


def _together(clip: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order in which equal numbers follow each other, by their first place."""
    _, first, inverse = np.unique(clip, return_index=True, return_inverse=True)
    return np.argsort(first[inverse], kind="stable")


def _stacked(parts: Sequence[NDArray[np.uint8]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.stack(parts) if parts else np.zeros((0, *shape), np.uint8)
