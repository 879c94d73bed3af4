"""Griffin-Lim: speech with its phase thrown away and found again from the magnitudes.

D. Griffin, J. Lim: Signal estimation from modified short-time Fourier transform, IEEE ASSP 32 (1984); the
fast variant of N. Perraudin, P. Balazs, P. Sondergaard, WASPAA 2013, as librosa has it.
"""

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


def resynthesise(x: np.ndarray, rate: int) -> np.ndarray:
    """Speech rebuilt from its magnitude spectrogram, deterministic (the phase starts at zero).

    Args:
        x: float32 [n], mono.
        rate: Hz.

    Returns:
        float32 [n] at the same rate, in step with `x`.
    """
    import librosa

    n_fft = 2 ** round(np.log2(WINDOW_SECONDS * rate))
    hop = n_fft // OVERLAP
    magnitude = np.abs(librosa.stft(x.astype(np.float32), n_fft=n_fft, hop_length=hop))
    made = librosa.griffinlim(
        magnitude, n_iter=ITERATIONS, hop_length=hop, n_fft=n_fft, init=None, length=len(x)
    )
    return np.asarray(made, dtype=np.float32)
