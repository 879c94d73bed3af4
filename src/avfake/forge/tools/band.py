"""The band of the sound made narrower."""

from typing import Annotated

import numpy as np
from pydantic import Field

from avfake.disturb.sound import band_passed, through_rate
from avfake.forge.bounds import choose, within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.keep import edited, keeps_sound, sound_of
from avfake.forge.take import Edited, Take
from avfake.media.errors import ClipError


class ResampleParams(ToolParams):
    """`rates`: Hz, one of those below the clip's own is drawn per clip; one below all is skipped."""

    rates: Annotated[list[Annotated[int, Field(ge=4000, le=44100)]], Field(min_length=1)]


class BandLimitParams(ToolParams):
    """What lies below `low_hz` and above `high_hz` is cut off.

    With 0, and with half the sample rate or more, nothing is.
    """

    low_hz: Annotated[Range, within(0, 1000)]
    high_hz: Annotated[Range, within(1500, 24000)]


def resample(take: Take, params: ResampleParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    rates = [rate for rate in params.rates if rate < sound.rate]
    if not rates:
        raise ClipError(f"its sample rate, {sound.rate} Hz, is not above any that it would be resampled to")
    return edited(sound, through_rate(sound.samples, choose(rates, rng), sound.rate))


def band_limit(
    take: Take, params: BandLimitParams, rng: np.random.Generator, _partner: Take | None
) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    low, high = draw(params.low_hz, rng), draw(params.high_hz, rng)
    return edited(sound, band_passed(sound.samples, low, high, sound.rate))


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="resample",
        version=1,
        packages=("soxr",),
        licence="LGPL-2.1-or-later (soxr)",
        description="resampled to a lower rate and back to its own",
        origin="the SoX resampler library",
        params=ResampleParams,
        example={"rates": [6000, 8000, 11025, 16000]},
        apply=resample,
    ),
    keeps_sound(
        name="band_limit",
        version=1,
        packages=("scipy",),
        licence="BSD-3-Clause (scipy)",
        description="cut off below and above frequencies that are drawn, with linear phase and without delay",
        origin="J. F. Kaiser's window, IEEE ISCAS 1974, as scipy.signal.firwin has it",
        params=BandLimitParams,
        example={"low_hz": [50.0, 300.0], "high_hz": [3400.0, 7000.0]},
        apply=band_limit,
    ),
)
