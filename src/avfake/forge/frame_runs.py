"""Which frames of a clip do not come: runs of them, and whether anybody could see it."""

import numpy as np

from avfake.media.errors import ClipError


def drawn_runs(
    n: int, fps: float, share: float, run_seconds: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Runs of frames, at random places, at least one frame between any two; never the first or the last one.

    Args:
        n: frames of the clip.
        fps: frames per second.
        share: of the clip's frames that lie in runs, as nearly as whole runs allow.
        run_seconds: shortest and longest run; at least a frame.
        rng: what lengths and places are drawn from.

    Returns:
        bool [n], true within runs; at least one frame is.

    Raises:
        ClipError: the clip has too few frames.
    """
    lengths: list[int] = []
    while True:
        length = max(1, round(float(rng.uniform(*run_seconds)) * fps))
        # One run more must bring the sum nearer to what is wanted.
        if lengths and sum(lengths) + length / 2 > share * n:
            break
        lengths.append(length)
    # Neither the first nor the last frame, nor one between any two runs.
    spare = n - 2 - sum(lengths) - (len(lengths) - 1)
    if spare < 0:
        raise ClipError(f"{n} frames are too few to leave out {sum(lengths)} of them in {len(lengths)} runs")
    places = np.sort(rng.integers(0, spare + 1, len(lengths)))
    runs = np.zeros(n, dtype=bool)
    begin = 1
    for index, length in enumerate(lengths):
        start = begin + int(places[index]) + index
        runs[start : start + length] = True
        begin += length
    return runs


def change(before: np.ndarray, after: np.ndarray) -> float:
    """Mean difference of two pictures uint8 [h, w, 3], in levels, on every fourth row and column."""
    difference = before[::4, ::4].astype(np.int16) - after[::4, ::4]
    return float(np.abs(difference).mean())
