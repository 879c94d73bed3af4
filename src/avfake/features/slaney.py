"""Slaney's mel scale and filters (Auditory Toolbox, Interval Research Corporation, 1998-010).

Bit for bit librosa's default, which a test holds: importing librosa costs more than a second in each process.
"""

import numpy as np
from numpy.typing import NDArray

_LINEAR_TO = 1000.0  # Hz: above it the scale is logarithmic
_HZ_PER_MEL = 200.0 / 3
_MEL_AT = _LINEAR_TO / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def mel_frequencies(n: int, fmin: float, fmax: float) -> NDArray[np.float64]:
    """`n` frequencies in Hz evenly spaced in mel, `fmin` and `fmax` among them."""
    mels = np.linspace(_to_mel(fmin), _to_mel(fmax), n)
    hz: NDArray[np.float64] = _HZ_PER_MEL * mels
    above = mels >= _MEL_AT
    hz[above] = _LINEAR_TO * np.exp(_LOG_STEP * (mels[above] - _MEL_AT))
    return hz


def mel_filters(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> NDArray[np.float32]:
    """Triangular filters of equal energy, float32 [n_mels, 1 + n_fft // 2].

    Args:
        sample_rate: Hz.
        n_fft: samples.
        n_mels: filters, each as wide as its neighbours' distance.
        fmin, fmax: Hz, edges of the lowest and highest filter.
    """
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = mel_frequencies(n_mels + 2, fmin, fmax)
    apart = np.diff(edges)
    ramps = np.subtract.outer(edges, bins)
    rising, falling = -ramps[:-2] / apart[:-1, None], ramps[2:] / apart[1:, None]
    # Rounded before they are scaled, as librosa does.
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters


def _to_mel(hz: float) -> float:
    if hz < _LINEAR_TO:
        return hz / _HZ_PER_MEL
    return float(_MEL_AT + np.log(hz / _LINEAR_TO) / _LOG_STEP)
