"""Silence before and after the sound: taken away, or put there. The picture moves along."""

from typing import Annotated

import numpy as np

from avfake.disturb.sound import background, without_silence
from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.keep import edited, keeps_sound, sound_of
from avfake.forge.take import Edited, Take
from avfake.forge.voice.channel import SHORTEST_SECONDS
from avfake.media.errors import ClipError


class SilenceTrimParams(ToolParams):
    """`threshold_db`: dB, relative to the loudest 20 ms: what lies as low at the ends is silence."""

    threshold_db: Annotated[Range, within(-80, -20)]


class SilenceAddParams(ToolParams):
    """`seconds`: of each of the two pauses, drawn one by one."""

    seconds: Annotated[Range, within(0.02, 10)]


def trim(take: Take, params: SilenceTrimParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    start, end = without_silence(sound.samples, draw(params.threshold_db, rng), sound.rate)
    if end - start < SHORTEST_SECONDS * sound.rate:
        raise ClipError(f"less than {SHORTEST_SECONDS} s of sound lie between its silent ends")
    return edited(sound, sound.samples[start:end].copy(), begins=(0 - start) / sound.rate)


def add(take: Take, params: SilenceAddParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    before, after = (round(draw(params.seconds, rng) * sound.rate) for _ in range(2))
    pauses = background(sound.samples, rng, before + after, sound.rate)
    made = np.concatenate([pauses[:before], sound.samples, pauses[before:]])
    return edited(sound, made, begins=before / sound.rate)


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="silence_trim",
        version=1,
        packages=(),
        licence="MIT",
        description="the silence at both ends cut off, the picture with it",
        origin="N. M. Müller et al., Speech is silver, silence is golden, ASVspoof 2021 workshop",
        params=SilenceTrimParams,
        example={"threshold_db": [-45.0, -30.0]},
        apply=trim,
    ),
    keeps_sound(
        name="silence_add",
        version=1,
        packages=(),
        licence="MIT",
        description="pauses of the clip's own background at both ends, the picture standing still meanwhile",
        origin="N. M. Müller et al., Speech is silver, silence is golden, ASVspoof 2021 workshop",
        params=SilenceAddParams,
        example={"seconds": [0.1, 0.6]},
        apply=add,
    ),
)
