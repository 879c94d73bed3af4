"""Disturbances of random strength, by name: what training does to the sound of its clips in every epoch.

The strengths lie around those of `avfake.disturb.conditions`, by which robustness is measured. A sound stays
at its sample rate, of 8 kHz at least.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soxr

from avfake.disturb import room, sound
from avfake.disturb.codec import recoded
from avfake.errors import UserError
from avfake.media.errors import ClipError

SHORTEST_SECONDS = 0.1
_RATES = (6000, 8000, 11025, 16000)  # Hz
_KILOBITS = {
    "aac": (12, 16, 24, 32, 48, 64, 96),
    "mp3": (16, 24, 32, 48, 64, 96),
    "opus": (8, 12, 16, 24, 32, 48),
    "amr_nb": (4.75, 5.9, 7.4, 10.2, 12.2),
}
_COLOURS, _NOISE_SNR = (-6.0, 0.0), (5.0, 35.0)  # dB per octave, dB
_SPEECH_SNR = (5.0, 30.0)  # dB
# Image sources cost up to a quarter of a second per room; each process draws from as many as this.
_N_ROOMS, _RT60 = 64, (0.15, 0.4)  # s
_CUTOFF = (2000.0, 8000.0)  # Hz
_SPEED = (0.9, 1.1)
_SLOPE = (-3.0, 3.0)  # dB per octave
_GAIN = (-30.0, 12.0)  # dB
_CLIPPED = (0.001, 0.05)
_SILENCE = (-50.0, -30.0)  # dB
_PAUSE = (0.05, 0.8)  # s


@dataclass(frozen=True)
class Drawn:
    """A disturbance whose strength is drawn.

    Attributes:
        what: for people, with its range.
        change: (sound float32 [n], generator, sample rate in Hz) -> float32 [m]; raises ClipError if it
            cannot be done to this sound.
    """

    what: str
    change: Callable[[np.ndarray, np.random.Generator, int], np.ndarray]


def _coded(codec: str) -> Callable[[np.ndarray, np.random.Generator, int], np.ndarray]:
    def change(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
        return recoded(x, codec, round(1000 * rng.choice(_KILOBITS[codec])), sample_rate)

    return change


def _noise(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    colour, snr_db = rng.uniform(*_COLOURS), rng.uniform(*_NOISE_SNR)
    return sound.mixed(x, sound.coloured_noise(len(x), rng, colour, sample_rate), snr_db)


def _speech_shaped(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    snr_db = rng.uniform(*_SPEECH_SNR)
    return sound.mixed(x, sound.speech_shaped_noise(x, rng, sample_rate), snr_db)


@lru_cache(maxsize=_N_ROOMS)
def _response(number: int, sample_rate: int) -> np.ndarray:
    return room.response(np.random.default_rng(number), _RT60, sample_rate)


def _in_a_room(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    from scipy.signal import fftconvolve  # slow to import

    response = _response(int(rng.integers(_N_ROOMS)), sample_rate)
    return sound.as_loud_as(sound.fixed_length(fftconvolve(x, response), len(x)), x)


def _low_passed(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    return sound.low_passed(x, _log_uniform(_CUTOFF, rng), sample_rate)


def _resampled(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    rates = [rate for rate in _RATES if rate < sample_rate]
    return sound.through_rate(x, int(rng.choice(rates)), sample_rate)


def _faster(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    made: np.ndarray = soxr.resample(x, rng.uniform(*_SPEED) * sample_rate, sample_rate, quality="HQ")
    return made


def _tilted(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    return sound.tilted(x, rng.uniform(*_SLOPE), sample_rate)


def _louder(x: np.ndarray, rng: np.random.Generator, _sample_rate: int) -> np.ndarray:
    return sound.as_levels(sound.louder(x, rng.uniform(*_GAIN)))


def _clipped(x: np.ndarray, rng: np.random.Generator, _sample_rate: int) -> np.ndarray:
    return sound.clipped(x, _log_uniform(_CLIPPED, rng))


def _trimmed(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    start, end = sound.without_silence(x, rng.uniform(*_SILENCE), sample_rate)
    return x[start:end]


def _with_pauses(x: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    before, after = (rng.uniform(*_PAUSE, 2) * sample_rate).astype(int)
    pauses = sound.background(x, rng, before + after, sample_rate)
    return np.concatenate([pauses[:before], x, pauses[before:]])


DRAWN: dict[str, Drawn] = {
    "aac": Drawn("AAC, 12 to 96 kbit/s", _coded("aac")),
    "mp3": Drawn("MP3 (LAME), 16 to 96 kbit/s", _coded("mp3")),
    "opus": Drawn("Opus, 8 to 48 kbit/s", _coded("opus")),
    "amr_nb": Drawn("AMR narrow-band telephone, 4.75 to 12.2 kbit/s, 8 kHz", _coded("amr_nb")),
    "noise": Drawn("noise from brown to white, 5 to 35 dB below the sound", _noise),
    "speech_shaped_noise": Drawn(
        "noise with the clip's own long-term spectrum, 5 to 30 dB below the sound", _speech_shaped
    ),
    "room": Drawn("one of 64 box-shaped rooms, reverberation time 0.15 to 0.4 s", _in_a_room),
    "low_pass": Drawn("cut off above 2 to 8 kHz", _low_passed),
    "resample": Drawn("resampled to 6, 8, 11.025 or 16 kHz and back", _resampled),
    "speed": Drawn("0.9 to 1.1 times as fast, its pitch with it", _faster),
    "tilt": Drawn("spectrum tilted by -3 to 3 dB per octave", _tilted),
    "gain": Drawn("-30 to 12 dB, in 16 bits, clipped where it leaves full scale", _louder),
    "clipping": Drawn("cut off hard at the level that 0.1 to 5 % of the samples exceed", _clipped),
    "silence_trimmed": Drawn("ends cut off while they lie 30 to 50 dB below the loudest", _trimmed),
    "silence_added": Drawn("0.05 to 0.8 s of the clip's own background at either end", _with_pauses),
}


def check(names: Sequence[str], where: str) -> None:
    """Raises UserError if a name is unknown or stands twice; `where` is the parameter."""
    for place, name in enumerate(names):
        if name not in DRAWN:
            near = difflib.get_close_matches(name, DRAWN, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise UserError(f"{where}: unknown disturbance `{name}`", f"{hint}Known are: {', '.join(DRAWN)}")
        if name in names[:place]:
            raise UserError(f"{where}: `{name}` stands twice", "remove one")


def disturbed(
    clean: np.ndarray, names: Sequence[str], most: int, rng: np.random.Generator, sample_rate: int
) -> np.ndarray:
    """The sound after one to `most` of these disturbances, different ones, one after another.

    Args:
        clean: float32 [n] in [-1, 1]; not changed.
        names: keys of `DRAWN`.
        most: of them that are applied; how many is drawn evenly.
        rng: draws which, in which order, and how strong.
        sample_rate: Hz.

    Returns:
        float32 [m] in [-1, 1]: softer as a whole where it would be louder than full scale.

    Raises:
        ClipError: the sound is too short or silent, or one of those drawn cannot be done to it.
    """
    if len(clean) < SHORTEST_SECONDS * sample_rate:
        raise ClipError(f"shorter than {SHORTEST_SECONDS} s")
    number = int(rng.integers(1, min(most, len(names)) + 1))
    made = clean
    for place in rng.permutation(len(names))[:number].tolist():
        made = DRAWN[names[place]].change(made, rng, sample_rate)
        if len(made) < SHORTEST_SECONDS * sample_rate:
            raise ClipError(f"{names[place]} left less than {SHORTEST_SECONDS} s")
    made = np.asarray(made, np.float32)
    return made / np.float32(max(1.0, float(np.abs(made).max())))


def _log_uniform(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    low, high = np.log(bounds)
    return float(np.exp(rng.uniform(low, high)))
