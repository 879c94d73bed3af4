"""The front ends by name: from a clip's sound to the windows that the detector looks at."""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import scipy

from avfake.errors import UserError
from avfake.features import baseline
from avfake.features.cqt import cqt, highest
from avfake.features.frame_lines import frame_lines, line_levels
from avfake.features.lfcc import lfcc
from avfake.features.log_linear import bins_between, log_linear
from avfake.features.log_mel import log_mel
from avfake.features.normalise import grey_levels
from avfake.features.trim import kept_frames
from avfake.features.windows import cut_windows
from avfake.media.pcm import from_pcm
from avfake.params import BandParams, FeaturizeParams, FrameLinesParams

# Raise it when a front end returns other bytes for the same sound: the memo is keyed by it.
VERSION = "3"

IMAGE = "baseline_image"
# Not a picture but a number per row, the same in every frame; the last channel where it is one.
LINES = "frame_lines"
# Each takes sound float32 [n], its rate in Hz, the hop in samples, the dynamic range in dB and its own
# settings, and returns decibels float32 [rows, 1 + n // hop], from -dynamic_range to 0.
FRONT_ENDS: dict[str, Callable[..., np.ndarray]] = {
    "log_mel": log_mel,
    "log_linear": log_linear,
    "lfcc": lfcc,
    "cqt": cqt,
}


def compute(pcm: np.ndarray, sample_rate: int, params: FeaturizeParams, pcm_shift: int = 0) -> np.ndarray:
    """Mono sound as the pipeline keeps it, int16 [n >= 1] at `sample_rate` Hz, as uint8 [windows, C, H, W].

    A channel per front end, in the order of `front_end`. That of `frame_lines` has the grey level of a rate
    in every frame of its row, and 0 in the rows below the last rate. `pcm_shift` says how much louder the
    sound was kept (see `avfake.media.pcm.to_pcm`).

    Raises:
        UserError: the front ends do not go with this sample rate or with each other (see `check`).
    """
    check(sample_rate, params)
    sound = from_pcm(pcm, pcm_shift)
    if params.front_end == [IMAGE]:
        return baseline.image_of(sound)[None, None]
    kept = kept_frames(sound, params.hop_length, params.trim_db)
    levels = [
        grey_levels(values[:, kept], params.normalise, params.dynamic_range)
        for values in _values(sound, sample_rate, params)
    ]
    if LINES in params.front_end:
        levels.append(_lines(sound, sample_rate, params, levels[0].shape))
    return cut_windows(np.stack(levels), params.window_frames, params.window_hop)


def shape_of(params: FeaturizeParams, sample_rate: int) -> tuple[int, int, int]:
    """Channels (front ends), height (bands) and width (frames) of every window.

    Raises:
        UserError: see `check`.
    """
    check(sample_rate, params)
    if params.front_end == [IMAGE]:
        return 1, baseline.SIZE, baseline.SIZE
    return len(params.front_end), _rows(params.front_end[0], params, sample_rate), params.window_frames


def has_lines(info: Mapping[str, Any]) -> bool:
    """Whether features.json, also as model.json holds it, names `frame_lines`."""
    return LINES in info.get("front_end", ())


def settings_of(params: FeaturizeParams) -> dict[str, Any]:
    """The parameters that the chosen front ends depend on; those of the others change nothing."""
    if params.front_end == [IMAGE]:
        return {"front_end": params.front_end}
    return params.model_dump(exclude={*FRONT_ENDS, LINES} - set(params.front_end))


def check(sample_rate: int, params: FeaturizeParams) -> None:
    """Raises UserError if the front ends do not go with sound of this rate, or have not as many rows each."""
    if params.front_end == [IMAGE]:
        if sample_rate != baseline.SAMPLE_RATE:
            raise UserError(
                f"featurize.front_end: baseline_image needs sound at {baseline.SAMPLE_RATE} Hz, "
                f"the extracted sound has {sample_rate} Hz",
                f"`dvc exp run -S extract.sample_rate={baseline.SAMPLE_RATE}`",
            )
        return
    pictures = [name for name in params.front_end if name != LINES]
    for name in params.front_end:
        _check_range(name, params, sample_rate)
    rows = {name: _rows(name, params, sample_rate) for name in pictures}
    if len(set(rows.values())) > 1:
        each = ", ".join(f"{name} {n}" for name, n in rows.items())
        raise UserError(
            f"featurize.front_end: stacked front ends need the same number of rows, these have: {each}",
            "make them equal: log_mel.n_mels, log_linear.n_bands, lfcc.n_coefficients * (1 + lfcc.deltas),"
            " cqt.n_bins",
        )
    n_rates = len(params.frame_lines.rates)
    if LINES in params.front_end and n_rates > min(rows.values()):
        raise UserError(
            f"featurize.frame_lines.rates: {n_rates} rates do not fit into the {min(rows.values())} rows of a"
            " window",
            "name fewer rates, or give the other front ends more rows",
        )


def _values(sound: np.ndarray, sample_rate: int, params: FeaturizeParams) -> list[np.ndarray]:
    return [
        FRONT_ENDS[name](sound, sample_rate, params.hop_length, params.dynamic_range, getattr(params, name))
        for name in params.front_end
        if name != LINES
    ]


def _lines(
    sound: np.ndarray, sample_rate: int, params: FeaturizeParams, shape: tuple[int, ...]
) -> np.ndarray:
    """The channel of `frame_lines`, uint8 of `shape` [rows, frames]."""
    levels = line_levels(frame_lines(sound, sample_rate, params.frame_lines))
    channel = np.zeros(shape, np.uint8)
    channel[: len(levels)] = levels[:, None]
    return channel


def _rows(name: str, params: FeaturizeParams, sample_rate: int) -> int:
    """Rows of one front end."""
    if name == "log_mel":
        return params.log_mel.n_mels
    if name == "lfcc":
        return params.lfcc.n_coefficients * (1 + params.lfcc.deltas)
    if name == "cqt":
        return params.cqt.n_bins
    linear = params.log_linear
    if linear.n_bands is not None:
        return linear.n_bands
    bins = bins_between(sample_rate, linear.n_fft, linear.fmin, linear.fmax)
    return bins.stop - bins.start


def _check_range(name: str, params: FeaturizeParams, sample_rate: int) -> None:
    """Raises UserError if bands lie above half of the sample rate, or between two bins and so see nothing."""
    settings, half = getattr(params, name), sample_rate / 2
    if name == "cqt" and highest(params.cqt) > half:
        raise UserError(
            f"featurize.cqt: its highest bin reaches up to {highest(params.cqt):.0f} Hz, above half of the "
            f"sample rate, {sample_rate} Hz",
            "lower featurize.cqt.n_bins or fmin, raise bins_per_octave, or raise extract.sample_rate",
        )
    if not isinstance(settings, BandParams | FrameLinesParams):
        return
    if settings.fmax > half:
        raise UserError(
            f"featurize.{name}.fmax: {settings.fmax:g} Hz is above half of the sample rate, {sample_rate} Hz",
            f"set featurize.{name}.fmax to {half:g} or less, or raise extract.sample_rate",
        )
    if not isinstance(settings, BandParams):
        return
    n_bands, bin_hz = getattr(settings, "n_bands", None), sample_rate / settings.n_fft
    if name == "log_linear" and n_bands is None and not _rows(name, params, sample_rate):
        raise UserError(
            f"featurize.log_linear: no bin of {bin_hz:.1f} Hz lies between fmin and fmax",
            "widen the range, or raise featurize.log_linear.n_fft",
        )
    if n_bands is not None and 2 * (settings.fmax - settings.fmin) <= bin_hz * (n_bands + 1):
        raise UserError(
            f"featurize.{name}: {n_bands} bands of {(settings.fmax - settings.fmin) / (n_bands + 1):.1f} Hz "
            f"are too narrow for bins of {bin_hz:.1f} Hz: some would see nothing",
            f"lower featurize.{name}.n_bands, or raise its n_fft",
        )


def library_versions() -> dict[str, str]:
    """The libraries on whose version the bytes of a window may depend."""
    return {
        "cv2": cv2.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
