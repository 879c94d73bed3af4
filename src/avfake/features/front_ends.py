"""The front ends by name: from a clip's sound to the pictures that the detector looks at."""

from importlib.metadata import version
from typing import Any

import cv2
import numpy as np
import scipy

from avfake.errors import UserError
from avfake.features import baseline
from avfake.features.log_mel import log_mel_windows
from avfake.media.pcm import from_pcm
from avfake.params import FeaturizeParams

# Raise it when a front end returns other bytes for the same sound: the memo is keyed by it.
VERSION = "1"


def compute(pcm: np.ndarray, sample_rate: int, params: FeaturizeParams, pcm_shift: int = 0) -> np.ndarray:
    """Mono sound as the pipeline keeps it, int16 [n >= 1] at `sample_rate` Hz, as uint8 [windows, H, W].

    `pcm_shift` says how much louder it was kept (see `avfake.media.pcm.to_pcm`).

    Raises:
        UserError: the front end does not go with this sample rate (see `check`).
    """
    check(sample_rate, params)
    sound = from_pcm(pcm, pcm_shift)
    if params.front_end == "baseline_image":
        return baseline.image_of(sound)[None]
    return log_mel_windows(sound, sample_rate, params.log_mel)


def shape_of(params: FeaturizeParams) -> tuple[int, int]:
    """Height (bands) and width (frames) of every window of a front end."""
    if params.front_end == "baseline_image":
        return baseline.SIZE, baseline.SIZE
    return params.log_mel.n_mels, params.log_mel.window_frames


def settings_of(params: FeaturizeParams) -> dict[str, Any]:
    """The parameters of the chosen front end; those of the others change nothing."""
    return {} if params.front_end == "baseline_image" else params.log_mel.model_dump()


def check(sample_rate: int, params: FeaturizeParams) -> None:
    """Raises UserError if the front end does not go with sound of this rate."""
    if params.front_end == "baseline_image":
        if sample_rate != baseline.SAMPLE_RATE:
            raise UserError(
                f"featurize.front_end: baseline_image needs sound at {baseline.SAMPLE_RATE} Hz, "
                f"the extracted sound has {sample_rate} Hz",
                f"`dvc exp run -S extract.sample_rate={baseline.SAMPLE_RATE}`",
            )
    elif 2 * params.log_mel.fmax > sample_rate:
        raise UserError(
            f"featurize.log_mel.fmax: {params.log_mel.fmax:g} Hz is above half of the sample rate, "
            f"{sample_rate} Hz",
            f"set featurize.log_mel.fmax to {sample_rate / 2:g} or less, or raise extract.sample_rate",
        )


def library_versions() -> dict[str, str]:
    """The libraries on whose version the bytes of a window may depend."""
    return {
        "cv2": cv2.__version__,
        "librosa": version("librosa"),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
