"""What the rows of a window stand for: bands in Hz, or coefficients by number."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.features.log_linear import bins_between
from avfake.features.slaney import mel_frequencies

Floats = NDArray[np.float64]
_DELTAS = ("", ", delta", ", delta of delta")
_IMAGE_MELS = 128  # bands of the baseline's picture, before it is resized


@dataclass(frozen=True)
class Axis:
    """The rows of one channel of a window, the lowest first.

    Attributes:
        front_end: by its name in params.yaml.
        edges: Hz between which each row lies, float64 [H + 1]; None where rows are no bands.
        names: each row in words, [H].
    """

    front_end: str
    edges: Floats | None
    names: list[str]

    def span(self, first: int, end: int) -> dict[str, Any]:
        """The rows from `first` up to but without `end`, as numbers: Hz, or the names of the outermost."""
        if self.edges is None:
            return {"front_end": self.front_end, "from": self.names[first], "to": self.names[end - 1]}
        low, high = (round(float(self.edges[row]), 1) for row in (first, end))
        return {"front_end": self.front_end, "low_hz": low, "high_hz": high}


def axis_hz(front_end: str, params: Mapping[str, Any], sample_rate: int, n_rows: int) -> Axis:
    """The rows of a front end.

    Neighbouring bands overlap; the edge between two is put where a frequency counts for both alike: halfway
    between their middles, for the constant-Q transform at the geometric mean.

    Args:
        front_end: `log_mel`, `log_linear`, `lfcc`, `cqt` or `baseline_image`.
        params: its own settings, as model.json has them under `features.params`.
        sample_rate: Hz of the sound.
        n_rows: height of a window.

    Raises:
        ValueError: the front end is unknown, or has another number of rows.
    """
    if front_end == "lfcc":
        names = [
            f"coefficient {number}{delta}"
            for delta in _DELTAS[: 1 + params["deltas"]]
            for number in range(params["n_coefficients"])
        ]
        return Axis(front_end, None, _checked(names, front_end, n_rows))
    edges = _edges(front_end, params, sample_rate, n_rows)
    names = [f"{low:.0f} to {high:.0f} Hz" for low, high in pairwise(edges)]
    return Axis(front_end, edges, _checked(names, front_end, n_rows))


def _edges(front_end: str, params: Mapping[str, Any], sample_rate: int, n_rows: int) -> Floats:
    if front_end == "log_mel":
        return _between(mel_frequencies(params["n_mels"] + 2, params["fmin"], params["fmax"]))
    if front_end == "baseline_image":
        edges = _between(mel_frequencies(_IMAGE_MELS + 2, 0.0, sample_rate / 2))
        return np.interp(np.linspace(0, _IMAGE_MELS, n_rows + 1), np.arange(_IMAGE_MELS + 1), edges)
    if front_end == "log_linear" and params["n_bands"] is None:
        used = bins_between(sample_rate, params["n_fft"], params["fmin"], params["fmax"])
        kept = np.arange(used.start, used.stop) * sample_rate / params["n_fft"]
        return np.concatenate([kept[:1], (kept[1:] + kept[:-1]) / 2, kept[-1:]])
    if front_end == "log_linear":
        return _between(np.linspace(params["fmin"], params["fmax"], params["n_bands"] + 2))
    if front_end == "cqt":
        steps = np.arange(params["n_bins"] + 1) - 0.5
        return np.asarray(params["fmin"] * 2 ** (steps / params["bins_per_octave"]), np.float64)
    raise ValueError(f"unknown front end {front_end!r}")


def _between(points: Floats) -> Floats:
    """Edges of triangular filters from the points where they begin, peak and end, Hz [n + 2] to [n + 1]."""
    middles = points[1:-1]
    return np.concatenate([points[:1], (middles[1:] + middles[:-1]) / 2, points[-1:]])


def _checked(names: list[str], front_end: str, n_rows: int) -> list[str]:
    if len(names) != n_rows:
        raise ValueError(f"{front_end} has {len(names)} rows, the windows have {n_rows}")
    return names
