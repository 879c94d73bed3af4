"""The streams of packed clips: what a detector of each modality is given of a row of the features."""

import numpy as np

from avfake.dataset.features import FeatureSet
from avfake.model.streams import (
    BOTH,
    PICTURE,
    SOUND,
    Looks,
    Numbers,
    Windows,
    check_faces,
    make_streams,
    pair_up,
    window_begins,
    window_seconds,
)


def read_clip(features: FeatureSet, row: int, modality: str) -> Looks:
    """What a detector of `modality` is given of the clip in a row of the index."""
    if modality == SOUND:
        return features.windows(row)
    windows = features.windows(row) if modality == BOTH else _no_windows(features.shape)
    return make_streams(windows, features.faces(row), features.face_times(row), features.info)


def pairs_of(features: FeatureSet, row: int, modality: str) -> Numbers:
    """The pairs of a clip, int64 [k, 2], without reading a window or a face."""
    count = _count(features, row) if modality == BOTH else 0
    return pair_up(
        window_begins(features.info, count), features.face_times(row), window_seconds(features.info)
    )


def examples(features: FeatureSet, modality: str) -> Numbers | None:
    """How many faces (picture) or pairs (both) each clip of the index has, int64 [rows].

    None for sound: they are the windows, as the index has them.

    Raises:
        UserError: the features hold no faces.
    """
    if modality == SOUND:
        return None
    check_faces(features.info)
    if modality == PICTURE:
        return np.asarray(features.face_counts, np.int64)
    return np.array([len(pairs_of(features, row, modality)) for row in range(len(features))], np.int64)


def _count(features: FeatureSet, row: int) -> int:
    return int(features.index["count"].iloc[row])


def _no_windows(shape: tuple[int, int, int]) -> Windows:
    return np.zeros((0, *shape), np.uint8)
