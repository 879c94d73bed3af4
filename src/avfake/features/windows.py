"""Cutting a spectrogram into windows of one length."""

import numpy as np


def window_starts(n_frames: int, window_frames: int, window_hop: int) -> list[int]:
    """First frames of the windows that cover all of `n_frames` >= `window_frames`.

    The last window ends with the last frame, and so may overlap its neighbour by more than the others do.
    """
    last = n_frames - window_frames
    starts = list(range(0, last + 1, window_hop))
    return starts if starts[-1] == last else [*starts, last]


def cut_windows(picture: np.ndarray, window_frames: int, window_hop: int) -> np.ndarray:
    """Spectrograms [C, bands, frames >= 1] as windows [n, C, bands, window_frames] of the same dtype.

    A clip shorter than one window is repeated until it fills it. Padding with silence instead would put the
    clip's length into the picture as a black edge, which a network finds before it finds anything else.
    """
    n_frames = picture.shape[-1]
    if n_frames < window_frames:
        return picture[None, ..., np.arange(window_frames) % n_frames]
    starts = window_starts(n_frames, window_frames, window_hop)
    return np.stack([picture[..., start : start + window_frames] for start in starts])
