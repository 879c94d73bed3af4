"""What a clip's sound looks like on the whole, in a few hundred numbers that tell ways of forging apart.

Statistics of the packed windows and not the features of a network: the split of the data then depends on no
weights and no `train` parameter, and it costs 2 ms per clip. docs/unseen.md has the comparison of the two.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avfake.dataset.features import FeatureSet

FloatArray = npt.NDArray[np.float64]

# Share of spread below which a statistic is the same for all clips but for rounding.
_CONSTANT = 1e-6


def embed(features: FeatureSet, rows: Sequence[int]) -> FloatArray:
    """Embeds the clips in these rows of the index, float64 [n, C (7 H - 4)]; each needs a window."""
    return np.stack([statistics(features.windows(row)) for row in rows])


def statistics(windows: npt.NDArray[np.uint8]) -> FloatArray:
    """Windows uint8 [n >= 1, C, H, W] to float64 [C (7 H - 4)]: of each band of each channel over all frames.

    Mean and deviation of the level; deviation of its change from frame to frame; mean and deviation of its
    change from band to band; mean size of the second change in either direction. The changes show how rough
    a synthesised spectrum is, whoever speaks.
    """
    return np.concatenate([_of_channel(windows[:, channel]) for channel in range(windows.shape[1])])


def _of_channel(windows: npt.NDArray[np.uint8]) -> FloatArray:
    """The statistics of one channel uint8 [n, H, W]."""
    levels = windows.astype(np.float32)
    over_time, over_bands = np.diff(levels, axis=2), np.diff(levels, axis=1)
    parts = (
        levels.mean((0, 2)),
        levels.std((0, 2)),
        over_time.std((0, 2)),
        over_bands.mean((0, 2)),
        over_bands.std((0, 2)),
        np.abs(np.diff(over_time, axis=2)).mean((0, 2)),
        np.abs(np.diff(over_bands, axis=1)).mean((0, 2)),
    )
    return np.concatenate(parts).astype(np.float64)


def standardised(embedding: FloatArray) -> FloatArray:
    """Each column [n] with mean 0 and deviation 1; a column that is the same for all clips becomes 0."""
    centred = embedding - embedding.mean(axis=0)
    spread = embedding.std(axis=0)
    size = np.abs(embedding).max(axis=0)
    constant = spread <= _CONSTANT * size
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))
