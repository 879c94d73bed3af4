"""Where in a sound somebody speaks."""

import numpy as np

FRAME_SECONDS = 0.02
HEARD_DB = -35.0


def frame_levels(x: np.ndarray, rate: int) -> np.ndarray:
    """Root mean square of each whole frame of FRAME_SECONDS, [len(x) // frame]."""
    frame = int(FRAME_SECONDS * rate)
    count = len(x) // frame
    return np.sqrt(np.mean(x[: count * frame].reshape(count, frame) ** 2, axis=1))


def heard_span(x: np.ndarray, rate: int) -> tuple[int, int]:
    """First sample and end of what lies between the silent ends: frames within HEARD_DB of the loudest."""
    frame = int(FRAME_SECONDS * rate)
    level = frame_levels(x, rate)
    if len(level) == 0:
        return 0, len(x)
    loud = np.flatnonzero(level > level.max() * 10 ** (HEARD_DB / 20))
    return (int(loud[0]) * frame, (int(loud[-1]) + 1) * frame) if len(loud) else (0, len(x))
