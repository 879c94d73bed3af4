"""Silence at the ends of a clip."""

import numpy as np

# Frames overlap fourfold, as librosa.effects.trim has them by default.
_HOPS_PER_FRAME = 4


def kept_frames(sound: np.ndarray, hop_length: int, trim_db: float | None) -> slice:
    """The frames of a spectrogram from the first to the last that is no silence: all, without `trim_db`.

    Silence is `librosa.effects.trim`'s: a frame of four hops, centred as those of the spectrogram are, whose
    power is more than `trim_db` dB below the loudest frame's. Pauses inside stay. At least one frame does.

    Args:
        sound: float32 [n >= 1]. hop_length: samples.
    """
    n_frames = 1 + len(sound) // hop_length
    if trim_db is None:
        return slice(0, n_frames)
    half = _HOPS_PER_FRAME * hop_length // 2
    sums = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    middles = np.arange(n_frames) * hop_length
    first, last = (np.clip(middles + shift, 0, len(sound)) for shift in (-half, half))
    power = sums[last] - sums[first]
    heard = np.flatnonzero(power >= power.max() * 10 ** (-trim_db / 10))
    return slice(int(heard[0]), int(heard[-1]) + 1)
