"""Rooms that a recording might have been made in, and how a sound rings in them."""

from collections.abc import Sequence

import numpy as np

from avfake.disturb.sound import RATE, as_loud_as, fixed_length

# Of living rooms and offices: length, width, height in metres, the walls' distance that people and
# microphones keep, the distance of the two, and the reverberation time that Sabine's formula is asked for.
_SIZE = ((3.0, 2.5, 2.3), (6.0, 5.0, 3.0))
_FROM_WALL = 0.5
_APART = (0.8, 2.0)
_SECONDS = (0.2, 0.5)


def reverberant(
    sound: np.ndarray,
    rng: np.random.Generator,
    seconds: Sequence[float] = _SECONDS,
    sample_rate: int = RATE,
) -> np.ndarray:
    """The sound as a microphone hears it in a room drawn by `rng`: as long, as loud and in step with it.

    Args:
        sound: float32 [n].
        rng: draws the room.
        seconds: low and high, the reverberation time is drawn between them; see `response`.
        sample_rate: Hz, of the sound.

    Returns:
        float32 [n]; what rings on after the end is cut off.
    """
    from scipy.signal import fftconvolve  # slow to import

    heard = fftconvolve(sound, response(rng, seconds, sample_rate))
    return as_loud_as(fixed_length(heard, len(sound)), sound)


def response(
    rng: np.random.Generator, seconds: Sequence[float] = _SECONDS, sample_rate: int = RATE
) -> np.ndarray:
    """The impulse response of a box-shaped room, float32 [m], beginning with the direct sound.

    Image sources (Allen and Berkley, J. Acoust. Soc. Am. 65, 1979) as pyroomacoustics computes them
    (Scheibler, Bezzam and Dokmanic, ICASSP 2018), with walls that absorb all frequencies alike. Time and
    memory grow with the cube of the reverberation time: 0.7 s in 0.4 GB for 0.5 s, 18 s in 2.8 GB for 1 s.

    Args:
        rng: draws the size, the two places and the reverberation time.
        seconds: low and high, at least 0.12: no walls of rooms of this size absorb that much.
        sample_rate: Hz.
    """
    import pyroomacoustics

    # Sums are ordered by thread.
    pyroomacoustics.constants.set("num_threads", 1)
    size = rng.uniform(*_SIZE)
    mouth, microphone = _places(size, rng)
    absorption, order = pyroomacoustics.inverse_sabine(rng.uniform(seconds[0], seconds[1]), size)
    room = pyroomacoustics.ShoeBox(
        size, fs=sample_rate, materials=pyroomacoustics.Material(absorption), max_order=order
    )
    room.add_source(mouth)
    room.add_microphone(microphone)
    room.compute_rir()
    # Fractional delays are filters of this length around the moment that is meant.
    centre = pyroomacoustics.constants.get("frac_delay_length") // 2
    distance = np.linalg.norm(mouth - microphone)
    start = round(distance / pyroomacoustics.constants.get("c") * sample_rate) + centre
    return np.asarray(room.rir[0][0][start:], np.float32)


def _places(size: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where the mouth and the microphone are, each [3] in metres."""
    while True:  # about every second draw fits, in rooms of these sizes
        mouth, microphone = rng.uniform(_FROM_WALL, size - _FROM_WALL, (2, 3))
        if _APART[0] <= np.linalg.norm(mouth - microphone) <= _APART[1]:
            return mouth, microphone
