"""Pitch without length, and length without pitch.

Both leave traces: periods that are doubled or left out. They are traces of processing that recordings of
people and forgeries undergo alike in every editing program, so the label stays what it was. Forgeries by a
changed voice are made by tools that say so.
"""

from typing import Annotated

import numpy as np

from avfake.disturb.sound import as_loud_as
from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.keep import edited, keeps_sound, sound_of, unclipped
from avfake.forge.take import Edited, Take
from avfake.forge.voice.time_scale import faster, shifted


class PitchParams(ToolParams):
    """`semitones`: so much higher, or lower where it is below 0."""

    semitones: Annotated[Range, within(-12, 12)]


class TempoParams(ToolParams):
    """`factor`: so much faster, sound and picture; below 1 slower."""

    factor: Annotated[Range, within(0.5, 2)]


def pitch(take: Take, params: PitchParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    made = shifted(sound.samples, sound.rate, draw(params.semitones, rng))
    return edited(sound, unclipped(as_loud_as(made, sound.samples)))


def tempo(take: Take, params: TempoParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    factor = draw(params.factor, rng)
    made = faster(sound.samples, sound.rate, factor)
    return edited(sound, unclipped(as_loud_as(made, sound.samples)), speed=factor)


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="pitch",
        version=1,
        packages=("scipy", "soxr"),
        licence="LGPL-2.1-or-later (soxr)",
        description="higher or lower, formants included, as long as before",
        origin="WSOLA: Verhelst and Roelands, ICASSP 1993",
        params=PitchParams,
        example={"semitones": [-3.0, 3.0]},
        apply=pitch,
    ),
    keeps_sound(
        name="tempo",
        version=1,
        packages=("scipy",),
        licence="MIT",
        description="faster or slower at the same pitch, the picture with it",
        origin="WSOLA: Verhelst and Roelands, ICASSP 1993",
        params=TempoParams,
        example={"factor": [0.8, 1.25]},
        apply=tempo,
    ),
)
