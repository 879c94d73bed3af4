"""Heat of a detector that reads maps from the middle of its backbone (avfake.model.readout).

Its log-odds are linear in those maps: what each cell adds is known exactly, and no gradient is needed. The
mean of the heat over all cells plus the difference of the head's biases is the window's log-odds; where the
front end has `frame_lines`, plus what they add (avfake.explain.lines).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from avfake.model.detector import FAKE, REAL, Detector
from avfake.model.readout import StageReadout


def reads_stages(detector: Detector) -> bool:
    """Whether its sound branch reads maps."""
    return isinstance(detector.audio.backbone, StageReadout)


def stage_heat(detector: Detector, windows: NDArray[np.uint8], batch_size: int) -> NDArray[np.float64]:
    """Heat of each cell of the finest map that is read, float64 [n, h, w], in log-odds of fake.

    Args:
        detector: with a `StageReadout`, in evaluation mode.
        windows: uint8 [n >= 1, C, H, W].
        batch_size: windows at once.
    """
    device = detector.head.weight.device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            batch = torch.from_numpy(np.array(windows[start : start + batch_size])).to(device)
            parts.append(_batch_heat(detector, batch).double().cpu().numpy())
    return np.concatenate(parts)


def _batch_heat(detector: Detector, windows: Tensor) -> Tensor:
    """Windows [n, C, H, W] to heat [n, h, w]; channels add up."""
    readout = detector.audio.backbone
    assert isinstance(readout, StageReadout)
    images = detector.audio.images(windows)
    n, channels, height, width = images.shape
    weights = detector.head.weight[FAKE] - detector.head.weight[REAL]
    heat: Tensor | None = None
    start = 0
    for layer in readout.maps(images.reshape(n * channels, 1, height, width)):
        depth, rows = layer.shape[1], layer.shape[2]
        end = start + channels * depth * readout.bands
        of_band = weights[start:end].reshape(channels, depth, readout.bands)
        of_row = of_band.repeat_interleave(rows // readout.bands, dim=2)
        own = torch.einsum("ncfhw,cfh->nhw", layer.reshape(n, channels, *layer.shape[1:]), of_row)
        # A feature is a mean over its range of bands alone.
        own = own * readout.bands
        # Every cell of a coarser map stands for as many of the finest: the mean stays.
        heat = own if heat is None else heat + functional.interpolate(own[:, None], heat.shape[1:])[:, 0]
        start = end
    assert heat is not None
    return heat
