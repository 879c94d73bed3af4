"""Level and tone of the sound, as microphones and recorders are set."""

from typing import Annotated

import numpy as np

from avfake.disturb.sound import clipped, louder, tilted
from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.keep import edited, keeps_sound, sound_of, unclipped
from avfake.forge.take import Edited, Take


class GainParams(ToolParams):
    """`gain_db`: dB. Less is added where the sound would leave full scale: cutting it off is `clipping`'s."""

    gain_db: Annotated[Range, within(-40, 30)]


class ClippingParams(ToolParams):
    """`share`: of the samples, the loudest ones, that are cut off."""

    share: Annotated[Range, within(0.0001, 0.2)]


class TiltParams(ToolParams):
    """`slope`: dB per octave that the spectrum is tilted by, around 1 kHz and above 50 Hz."""

    slope: Annotated[Range, within(-6, 6)]


def gain(take: Take, params: GainParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    return edited(sound, unclipped(louder(sound.samples, draw(params.gain_db, rng))))


def clipping(take: Take, params: ClippingParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    return edited(sound, clipped(sound.samples, draw(params.share, rng)))


def tilt(take: Take, params: TiltParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    return edited(sound, unclipped(tilted(sound.samples, draw(params.slope, rng), sound.rate)))


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="gain",
        version=1,
        packages=(),
        licence="MIT",
        description="louder or softer, up to full scale",
        origin="this repository",
        params=GainParams,
        example={"gain_db": [-12.0, 6.0]},
        apply=gain,
    ),
    keeps_sound(
        name="clipping",
        version=1,
        packages=(),
        licence="MIT",
        description="cut off hard at a level of its own, as by an overdriven microphone",
        origin="this repository",
        params=ClippingParams,
        example={"share": [0.005, 0.05]},
        apply=clipping,
    ),
    keeps_sound(
        name="tilt",
        version=1,
        packages=("scipy",),
        licence="BSD-3-Clause (scipy)",
        description="its spectrum tilted, darker or brighter, as by another microphone; as loud as before",
        origin="this repository, with scipy.signal.firwin2",
        params=TiltParams,
        example={"slope": [-3.0, 3.0]},
        apply=tilt,
    ),
)
