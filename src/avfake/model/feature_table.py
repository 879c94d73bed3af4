"""Features of a backbone that is not trained, of every window of a split."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from avfake.dataset.features import FeatureSet
from avfake.errors import RunError
from avfake.model.clips import Clips
from avfake.model.detector import Detector
from avfake.model.linear_heads import Linear
from avfake.model.streams import SOUND, Windows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Features of the windows of a split, clip by clip.

    Attributes:
        features: float32 [windows, F].
        clip: int64 [windows], position of the window's clip in `Clips`, ascending.
        targets: int64 [clips], 1 for fake.
    """

    features: NDArray[np.float32]
    clip: NDArray[np.int64]
    targets: NDArray[np.int64]

    @property
    def window_targets(self) -> NDArray[np.int64]:
        """Target of each window's clip."""
        return self.targets[self.clip]

    def clip_means(self, values: NDArray[np.floating]) -> Floats:
        """Mean over each clip's windows of values [windows, ...]: float64 [clips, ...]."""
        counts = np.bincount(self.clip, minlength=len(self.targets))
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        sums: Floats = np.add.reduceat(np.asarray(values, np.float64), starts, axis=0)
        return sums / counts.reshape(-1, *[1] * (sums.ndim - 1))

    def asked(self, pooling: str) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
        """What a head is asked about under `pooling`, [n, F], and the clip of each row, int64 [n]."""
        if pooling == "mean":
            return self.features, self.clip
        return self.clip_means(self.features), np.arange(len(self.targets))

    def clip_statistics(self) -> Floats:
        """Mean and standard deviation of each feature over a clip's windows: float64 [clips, 2 F]."""
        means = self.clip_means(self.features)
        squares = self.clip_means((self.features - means[self.clip]) ** 2)
        return np.concatenate([means, np.sqrt(squares)], axis=1)

    def odds(self, linear: Linear, pooling: str) -> Floats:
        """Log-odds of each clip's probability of fake with `linear` as the head, float64 [clips]."""
        rows, _ = self.asked(pooling)
        each = linear.log_odds(rows)
        if pooling != "mean":
            return each
        score = np.clip(self.clip_means(1 / (1 + np.exp(-each))), 1e-12, 1 - 1e-12)
        odds: Floats = np.log(score / (1 - score))
        return odds


def read_table(
    detector: Detector, features: FeatureSet, clips: Clips, batch_size: int, device: torch.device
) -> Table:
    """Features of all windows of all clips. Raises RunError, with the clip's name, if one is not finite."""
    detector.eval()
    parts = []
    for row, name in zip(clips.rows, clips.names, strict=True):
        parts_of_clip = features.windows if detector.modality == SOUND else features.faces
        part = window_features(detector, parts_of_clip(int(row)), batch_size, device)
        if not np.isfinite(part).all():
            raise RunError(f"{name}: the backbone's features are not finite", "choose other weights")
        parts.append(part)
    return Table(np.concatenate(parts), np.repeat(np.arange(len(clips)), clips.counts), clips.targets)


def window_features(
    detector: Detector, windows: Windows, batch_size: int, device: torch.device
) -> NDArray[np.float32]:
    """What the head sees of windows uint8 [n >= 1, C, H, W] of one clip: float32 [n, F].

    Of faces uint8 [n >= 1, S, S, 3], where the detector looks and does not listen.
    """
    branch = detector.audio if detector.modality == SOUND else detector.visual
    parts = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            batch = torch.from_numpy(
                np.array(windows[start : start + batch_size])
            )  # a copy: maps are read-only
            parts.append(branch(batch.to(device)).float().cpu().numpy())
    return np.concatenate(parts)
