"""From windows to scores. Every clip runs by itself, so that its score does not depend on its neighbours."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from avfake.errors import UserError
from avfake.model.detector import FAKE, Detector
from avfake.model.ensemble import Ensemble, members_of
from avfake.model.pooling import attend, is_attentive
from avfake.model.streams import PICTURE, Looks, Streams
from avfake.model.views import View, identity

Floats = NDArray[np.float64]


def choose_device(wanted: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`.

    Raises:
        UserError: `cuda` is asked for and torch sees none, or the word is unknown.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UserError(f"device: `{wanted}` is unknown", "use auto, cpu or cuda")
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError("device: `cuda` is asked for and torch sees none", "set it to `auto` or `cpu`")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


@contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Makes torch repeatable inside the block: deterministic algorithms, a fixed number of threads.

    The number of threads is part of the result, because partial sums are ordered by thread.
    """
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    # cuBLAS reads it once, at its first call: https://docs.nvidia.com/cuda/cublas/#results-reproducibility
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def to_device(detector: Detector, device: torch.device) -> Detector:
    """Moves the detector, in the memory layout in which convolutions are fastest."""
    return detector.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def window_logits(
    detector: Detector, windows: Looks, batch_size: int, device: torch.device, view: View = identity
) -> Floats:
    """Logits (real, fake) of each window, or of each pair.

    Args:
        detector: in evaluation mode, on `device`.
        windows: of one clip, uint8 [n, C, H, W], or what a detector with eyes looks at.
        batch_size: windows at once.
        device: where the detector is.
        view: what is done to the windows (faces, where the detector does not listen) first.

    Returns:
        float64 [n, 2].
    """
    if isinstance(windows, Streams):
        return _pair_logits(detector, windows, batch_size, device, view)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            batch = torch.from_numpy(
                np.array(windows[start : start + batch_size])
            )  # a copy: maps are read-only
            parts.append(detector(view(batch.to(device))).double().cpu().numpy())
    return np.concatenate(parts)


def _pair_logits(
    detector: Detector, streams: Streams, batch_size: int, device: torch.device, view: View
) -> Floats:
    """Logits float64 [pairs, 2] of one clip."""
    listens = detector.modality != PICTURE
    parts = []
    with torch.inference_mode():
        for start in range(0, len(streams), batch_size):
            pairs = streams.batch(start, start + batch_size).tensors(device)
            parts.append(detector(pairs.viewed(view, listens)).double().cpu().numpy())
    return np.concatenate(parts)


def fake_probability(logits: Floats) -> Floats:
    """Softmax of logits [n, 2], the share of fake: float64 [n]."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    share: Floats = shifted[:, FAKE] / shifted.sum(axis=1)
    return share


def clip_logits(
    detector: Detector, windows: Looks, batch_size: int, device: torch.device, view: View = identity
) -> Floats:
    """What `clip_probability` takes: logits of each window, or with attention those of the clip, [1, 2].

    Arguments as of `window_logits`.
    """
    if not any(map(is_attentive, members_of(detector))):
        return window_logits(detector, windows, batch_size, device, view)
    each = []
    for member in members_of(detector):
        assert not isinstance(windows, Streams)  # attention is of sound
        logits = attend(member, windows, batch_size, device, view).clip
        each.append(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    mean: Floats = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
    return mean


def clip_probability(logits: Floats, pooling: str) -> float:
    """Probability that a clip is fake, of the logits [n, 2] of its windows.

    Args:
        logits: real, fake.
        pooling: `mean`: of the windows' probabilities. `log_odds`: the probability of their mean log-odds,
            the geometric mean of the odds; windows that are sure of the one or the other do not saturate.
            `attention`: the logits are the clip's already.
    """
    if pooling == "mean":
        return float(fake_probability(logits).mean())
    return float(fake_probability(logits.mean(axis=0, keepdims=True))[0])


def clip_score(
    detector: Detector,
    windows: Looks,
    batch_size: int,
    device: torch.device,
    views: Sequence[View] = (identity,),
) -> float:
    """Probability that a clip is fake, of its windows uint8 [n >= 1, C, H, W] or pairs; over views, the mean.

    Where windows are weighed by attention, the clip has one probability per view. That of an ensemble is the
    mean over its members.
    """
    if isinstance(detector, Ensemble):
        each = [clip_score(member, windows, batch_size, device, views) for member in detector]
        return float(np.mean(each))
    return float(
        np.mean(
            [
                clip_probability(clip_logits(detector, windows, batch_size, device, view), detector.pooling)
                for view in views
            ]
        )
    )
