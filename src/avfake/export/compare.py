"""How far onnxruntime is from torch on real windows: the largest difference in log-odds.

What a user is promised is that both give one score, so it is measured where it counts: on windows and faces
of clips, in batches of one and of many, because both libraries choose other kernels for them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avfake.errors import RunError
from avfake.export.onnx_detector import FAKE, REAL, OnnxDetector
from avfake.model.detector import Detector
from avfake.model.ensemble import members_of
from avfake.model.inference import clip_score, window_logits
from avfake.model.pooling import attend, is_attentive
from avfake.model.streams import MISSING, Looks, Streams

Floats = NDArray[np.float64]

BATCH_SIZES = (1, 32)
LARGEST = 1e-4  # in log-odds: a score of 0.5 moves by 0.000025
_CPU = torch.device("cpu")


@dataclass
class Differences:
    """Between torch and onnxruntime, over all that was compared.

    Attributes:
        log_odds: the largest, by batch size: of windows, faces or pairs, and with attention of their average.
        score: the largest, of a clip.
        clips, parts: how many clips were compared, and how many windows, faces or pairs they have.
    """

    log_odds: dict[int, float] = field(default_factory=lambda: dict.fromkeys(BATCH_SIZES, 0.0))
    score: float = 0.0
    clips: int = 0
    parts: int = 0

    def facts(self) -> dict[str, Any]:
        """For model_onnx.json."""
        return {
            "clips": self.clips,
            "parts": self.parts,
            "allowed": LARGEST,
            "log_odds": {str(size): float(f"{value:.3g}") for size, value in self.log_odds.items()},
            "score": float(f"{self.score:.3g}"),
        }

    def require(self) -> None:
        """Raises RunError if a difference in log-odds is above `LARGEST`, or is not a number."""
        for size, value in self.log_odds.items():
            if not value <= LARGEST:
                raise RunError(
                    f"the exported model differs from torch by {value:.2g} in log-odds at batches of {size},"
                    f" more than {LARGEST:g}: nothing was written",
                    "score this model with torch",
                )


def compare(detector: Detector, exported: OnnxDetector, clips: Iterable[Looks]) -> Differences:
    """Asks both about the same clips.

    Args:
        detector: torch's, in evaluation mode, on the CPU.
        exported: onnxruntime's.
        clips: what a detector looks at of each, at least one window, face or pair.
    """
    found = Differences()
    for group in _groups(clips, max(BATCH_SIZES)):
        found.clips += len(group)
        for looks in group:
            found.parts += len(looks)
            torchs = clip_score(detector, looks, max(BATCH_SIZES), _CPU)
            found.score = _larger(found.score, abs(torchs - exported.clip_score(looks, max(BATCH_SIZES))))
        # As one clip: alone, few of them would fill a batch.
        whole = joined(group)
        for size in BATCH_SIZES:
            found.log_odds[size] = _larger(found.log_odds[size], _apart(detector, exported, whole, size))
    return found


def joined(clips: list[Looks]) -> Looks:
    """Several clips as one."""
    streams = [looks for looks in clips if isinstance(looks, Streams)]
    if not streams:
        return np.concatenate([looks for looks in clips if not isinstance(looks, Streams)])
    pairs, before = [], np.zeros(2, np.int64)
    for one in streams:
        pairs.append(np.where(one.pairs == MISSING, MISSING, one.pairs + before))
        before += len(one.windows), len(one.faces)
    return Streams(
        np.concatenate([one.windows for one in streams]),
        np.concatenate([one.faces for one in streams]),
        np.concatenate(pairs),
    )


def _groups(clips: Iterable[Looks], least: int) -> Iterator[list[Looks]]:
    """Clips, as many at a time as have `least` windows, faces or pairs together."""
    group: list[Looks] = []
    for looks in clips:
        group.append(looks)
        if sum(map(len, group)) >= least:
            yield group
            group = []
    if group:
        yield group


def _apart(detector: Detector, exported: OnnxDetector, looks: Looks, batch_size: int) -> float:
    """The largest difference in log-odds of any member of the detector."""
    judged = exported.judge(looks, batch_size)
    largest = 0.0
    for number, member in enumerate(members_of(detector)):
        if is_attentive(member):
            assert not isinstance(looks, Streams)  # attention is of sound
            attended = attend(member, looks, batch_size, _CPU)
            logits = attended.logits
            average = _log_odds(attended.clip)[0] - judged.clip_log_odds[number]
            largest = _larger(largest, abs(float(average)))
        else:
            logits = window_logits(member, looks, batch_size, _CPU)
        parts = np.abs(_log_odds(logits) - judged.log_odds[:, number])
        largest = _larger(largest, float(parts.max()))
    return largest


def _larger(one: float, other: float) -> float:
    """The larger of two, or what is not a number."""
    return float(np.maximum(one, other))


def _log_odds(logits: Floats) -> Floats:
    odds: Floats = logits[:, FAKE] - logits[:, REAL]
    return odds
