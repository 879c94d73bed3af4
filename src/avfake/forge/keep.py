"""Tools that change a clip's sound and keep its label: what they are given, and what they give back."""

from dataclasses import replace
from functools import partial

import numpy as np

from avfake.forge.declared import DeclaredTool
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.voice.channel import heard
from avfake.media.errors import ClipError

keeps_sound = partial(DeclaredTool, label="keeps", changes="sound", needs=frozenset({"sound"}))


def sound_of(take: Take) -> Sound:
    """The sound. Raises ClipError where there is none, or one that is silent or too short to work on."""
    if take.sound is None:
        raise ClipError("it has no sound")
    return replace(take.sound, samples=heard(take.sound))


def edited(sound: Sound, samples: np.ndarray, begins: float = 0.0, speed: float = 1.0) -> Edited:
    """The sound with these samples, float [m], in its place; see `Edited`."""
    made = replace(sound, samples=np.asarray(samples, dtype=np.float32))
    return Edited(sound=made, begins=begins, speed=speed)


def unclipped(samples: np.ndarray) -> np.ndarray:
    """Softer as a whole where it is louder than full scale, since cutting it off would be another change."""
    return samples / max(1.0, float(np.abs(samples).max()))
