"""Noise added to the sound, at a stated ratio of the two."""

from typing import Annotated

import numpy as np

from avfake.disturb.sound import coloured_noise, mixed, speech_shaped_noise
from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.keep import edited, keeps_sound, sound_of, unclipped
from avfake.forge.take import Edited, Take


class NoiseParams(ToolParams):
    """What is added.

    `slope`: of its spectrum, dB per octave: 0 white, -3 pink, -6 brown.
    `snr_db`: sound over noise, dB, of root mean squares.
    """

    slope: Annotated[Range, within(-9, 6)]
    snr_db: Annotated[Range, within(-5, 60)]


class SpeechShapedNoiseParams(ToolParams):
    """`snr_db`: sound over noise, dB, of root mean squares."""

    snr_db: Annotated[Range, within(-5, 60)]


def noise(take: Take, params: NoiseParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    slope, snr_db = draw(params.slope, rng), draw(params.snr_db, rng)
    added = coloured_noise(len(sound.samples), rng, slope, sound.rate)
    return edited(sound, unclipped(mixed(sound.samples, added, snr_db)))


def speech_shaped(
    take: Take, params: SpeechShapedNoiseParams, rng: np.random.Generator, _partner: Take | None
) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    snr_db = draw(params.snr_db, rng)
    added = speech_shaped_noise(sound.samples, rng, sound.rate)
    return edited(sound, unclipped(mixed(sound.samples, added, snr_db)))


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="noise",
        version=1,
        packages=("scipy",),
        licence="MIT",
        description="noise from white to brown, at a ratio that is drawn",
        origin="this repository",
        params=NoiseParams,
        example={"slope": [-6.0, 0.0], "snr_db": [10.0, 25.0]},
        apply=noise,
    ),
    keeps_sound(
        name="speech_shaped_noise",
        version=1,
        packages=(),
        licence="MIT",
        description="noise with the long-term spectrum of the clip itself, as of many voices at once",
        origin="ITU-T P.50's idea of an artificial voice, without its time pattern",
        params=SpeechShapedNoiseParams,
        example={"snr_db": [5.0, 20.0]},
        apply=speech_shaped,
    ),
)
