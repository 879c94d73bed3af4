"""What lines at multiples of a frame rate add to a clip's score."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from avfake.explain.grad_cam import log_odds
from avfake.features.frame_lines import level_value
from avfake.features.front_ends import LINES
from avfake.model.detector import Detector, strongest_line
from avfake.model.ensemble import members_of
from avfake.params import FeaturizeParams


@dataclass(frozen=True)
class Lines:
    """The strongest comb of lines in a clip.

    Attributes:
        rate: Hz, whose multiples they lie at.
        value: how much power they have, in standard deviations (avfake.features.frame_lines.frame_lines);
            None where that is no more than chance has.
        log_odds: of fake that they add to each window, and so to the clip; None where what comes after the
            features is no linear function.
    """

    rate: float
    value: float | None
    log_odds: float | None


def lines_of(detector: Detector, windows: NDArray[np.uint8], params: FeaturizeParams) -> Lines | None:
    """The lines of a clip with windows uint8 [n >= 1, C, H, W]; None without the front end."""
    if LINES not in params.front_end:
        return None
    levels = windows[0, -1, : len(params.frame_lines.rates), 0]
    best = int(levels.argmax())
    value = level_value(float(levels[best])) if levels[best] else None
    return Lines(params.frame_lines.rates[best], value, _added(detector, windows[:1, -1]))


def _added(detector: Detector, channel: NDArray[np.uint8]) -> float | None:
    """Log-odds by the channel of lines uint8 [1, H, W]; of an ensemble the mean over members."""
    members = members_of(detector)
    if not all(isinstance(getattr(member, "head", None), torch.nn.Linear) for member in members):
        return None
    line = strongest_line(torch.from_numpy(np.array(channel))).item()
    return float(np.mean([log_odds(member.head.weight.T)[-1].item() * line for member in members]))
