"""Griffin-Lim: speech with its phase thrown away and found again from the magnitudes.

D. Griffin, J. Lim: Signal estimation from modified short-time Fourier transform, IEEE ASSP 32 (1984); the
fast variant of N. Perraudin, P. Balazs, P. Sondergaard, WASPAA 2013, as librosa has it.
"""

from typing import Any

import numpy as np

from avfake.forge.tool import Tool

TOOL = Tool(
    name="griffin_lim",
    package="librosa",
    licence="ISC",
    description="the phase of the utterance discarded and estimated anew by Griffin-Lim iterations",
)
WINDOW_SECONDS = 0.032
OVERLAP = 4
ITERATIONS = 32


def resynthesise(x: np.ndarray, rate: int, iterations: int = ITERATIONS, mel_bands: int = 0) -> np.ndarray:
    """Speech rebuilt from its magnitude spectrogram, deterministic (the phase starts at zero).

    Args:
        x: float32 [n], mono.
        rate: Hz.
        iterations: of the search for the phase.
        mel_bands: that the magnitudes are known in; 0: as they are.

    Returns:
        float32 [n] at the same rate, in step with `x`.
    """
    import librosa

    frames = _frames(rate, mel_bands)
    magnitude = np.abs(librosa.stft(x.astype(np.float32), **frames))
    if mel_bands:
        magnitude = through_mel(magnitude, rate, mel_bands)
    made = librosa.griffinlim(magnitude, n_iter=iterations, init=None, length=len(x), **frames)
    return np.asarray(made, dtype=np.float32)


def smeared(x: np.ndarray, rate: int, mel_bands: int) -> np.ndarray:
    """Speech with the magnitudes that its mel bands leave, and its own phase.

    Args:
        x: float32 [n], mono.
        rate: Hz.
        mel_bands: how many, from 0 Hz to half the rate.

    Returns:
        float32 [n] at the same rate, in step with `x`.
    """
    import librosa

    frames = _frames(rate, mel_bands)
    spectrum = librosa.stft(x.astype(np.float32), **frames)
    magnitude = np.abs(spectrum)
    spectrum *= through_mel(magnitude, rate, mel_bands) / np.maximum(magnitude, np.finfo(np.float32).tiny)
    made = librosa.istft(spectrum, length=len(x), **frames)
    return np.asarray(made, dtype=np.float32)


def through_mel(magnitude: np.ndarray, rate: int, bands: int) -> np.ndarray:
    """Magnitudes as they are found again from mel bands: the least squares solution, made positive.

    Args:
        magnitude: float32 [bins, m], from 0 Hz to half the rate.
        rate: Hz.
        bands: Slaney mel bands over the same range.

    Returns:
        float32 [bins, m].
    """
    import librosa

    n_fft = 2 * (len(magnitude) - 1)
    filters = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands)  # type: ignore[attr-defined]
    back = np.linalg.pinv(filters.astype(np.float64))
    return np.maximum((back @ (filters @ magnitude)).astype(np.float32), 0.0)


def _frames(rate: int, mel_bands: int) -> dict[str, Any]:
    """Window, hop and transform of the spectrogram; twice as many bins for narrow mel bands to have some."""
    window = 2 ** round(np.log2(WINDOW_SECONDS * rate))
    n_fft = 2 * window if mel_bands else window
    return {"n_fft": n_fft, "win_length": window, "hop_length": window // OVERLAP}
