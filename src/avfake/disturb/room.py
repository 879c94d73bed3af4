"""Rooms that a recording might have been made in, and how a sound rings in them."""

import numpy as np
from scipy.signal import fftconvolve

from avfake.disturb.sound import RATE, fixed_length

# Of living rooms and offices: length, width, height in metres, the walls' distance that people and
# microphones keep, the distance of the two, and the seconds that Sabine's formula is asked for.
_SIZE = ((3.0, 2.5, 2.3), (6.0, 5.0, 3.0))
_FROM_WALL = 0.5
_APART = (0.8, 2.0)
_SECONDS = (0.2, 0.5)


def reverberant(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The sound as a microphone hears it in a room drawn by `rng`: as long, as loud and in step with it.

    Args:
        sound: float32 [n] at `RATE` Hz.
        rng: draws the room.

    Returns:
        float32 [n]; what rings on after the end is cut off.
    """
    heard = fixed_length(fftconvolve(sound, response(rng)), len(sound))
    power, was = np.mean(heard.astype(np.float64) ** 2), np.mean(sound.astype(np.float64) ** 2)
    return (heard * np.sqrt(was / power)).astype(np.float32) if power else sound


def response(rng: np.random.Generator) -> np.ndarray:
    """The impulse response of a box-shaped room, float32 [m] at `RATE` Hz, beginning with the direct sound.

    Image sources (Allen and Berkley, J. Acoust. Soc. Am. 65, 1979) as pyroomacoustics computes them
    (Scheibler, Bezzam and Dokmanic, ICASSP 2018), with walls that absorb all frequencies alike.
    """
    import pyroomacoustics

    # Sums are ordered by thread.
    pyroomacoustics.constants.set("num_threads", 1)
    size = rng.uniform(*_SIZE)
    mouth, microphone = _places(size, rng)
    absorption, order = pyroomacoustics.inverse_sabine(rng.uniform(*_SECONDS), size)
    room = pyroomacoustics.ShoeBox(
        size, fs=RATE, materials=pyroomacoustics.Material(absorption), max_order=order
    )
    room.add_source(mouth)
    room.add_microphone(microphone)
    room.compute_rir()
    # Fractional delays are filters of this length around the moment that is meant.
    centre = pyroomacoustics.constants.get("frac_delay_length") // 2
    distance = np.linalg.norm(mouth - microphone)
    start = round(distance / pyroomacoustics.constants.get("c") * RATE) + centre
    return np.asarray(room.rir[0][0][start:], np.float32)


def _places(size: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where the mouth and the microphone are, each [3] in metres."""
    while True:  # about every second draw fits, in rooms of these sizes
        mouth, microphone = rng.uniform(_FROM_WALL, size - _FROM_WALL, (2, 3))
        if _APART[0] <= np.linalg.norm(mouth - microphone) <= _APART[1]:
            return mouth, microphone
