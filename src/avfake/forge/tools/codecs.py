"""Sound through a lossy codec and back: as long, in step, at the clip's own rate."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import Field

from avfake.disturb.codec import recoded
from avfake.forge.bounds import choose, each
from avfake.forge.declared import DeclaredTool, ToolParams
from avfake.forge.keep import edited, keeps_sound, sound_of
from avfake.forge.take import Edited, Take

# kbit/s (3GPP TS 26.071)
_AMR_MODES = (4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2)


class RecodeParams(ToolParams):
    """None."""


class AacParams(ToolParams):
    """`bit_rates`: kbit/s, one of them is drawn per clip. Too many for the sample rate become fewer."""

    bit_rates: Annotated[list[Annotated[int, Field(ge=8, le=320)]], Field(min_length=1)]


class Mp3Params(ToolParams):
    """`bit_rates`: kbit/s, one of them is drawn per clip. LAME takes the nearest that it has."""

    bit_rates: Annotated[list[Annotated[int, Field(ge=8, le=320)]], Field(min_length=1)]


class OpusParams(ToolParams):
    """`bit_rates`: kbit/s, one of them is drawn per clip."""

    bit_rates: Annotated[list[Annotated[int, Field(ge=6, le=256)]], Field(min_length=1)]


class AmrParams(ToolParams):
    """`bit_rates`: kbit/s, of the codec's modes; one of them is drawn per clip."""

    bit_rates: Annotated[
        list[float],
        Field(min_length=1),
        each(lambda mode: mode in _AMR_MODES, f"each must be one of {', '.join(map(str, _AMR_MODES))}"),
    ]


_Coded = AacParams | Mp3Params | OpusParams | AmrParams


def recode(take: Take, _params: RecodeParams, _rng: np.random.Generator, _partner: Take | None) -> Edited:
    """The same samples: whoever writes the clip encodes them again, and nothing else happens."""
    sound = sound_of(take)
    return edited(sound, sound.samples.copy())


def _through(codec: str) -> Callable[[Take, _Coded, np.random.Generator, Take | None], Edited]:
    def apply(take: Take, params: _Coded, rng: np.random.Generator, _partner: Take | None) -> Edited:
        sound = sound_of(take)
        kilobits: float = choose([*params.bit_rates], rng)
        return edited(sound, recoded(sound.samples, codec, round(1000 * kilobits), sound.rate))

    return apply


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="recode",
        version=1,
        packages=(),
        licence="MIT",
        description="the same sound encoded once more, as every changed sound is: the control of all others",
        origin="this repository",
        params=RecodeParams,
        example={},
        apply=recode,
    ),
    keeps_sound(
        name="aac",
        version=1,
        packages=("soxr",),
        licence="LGPL-3.0-or-later (FFmpeg)",
        description="AAC-LC at a bit rate that is drawn",
        origin="ISO/IEC 14496-3, FFmpeg's encoder aac",
        params=AacParams,
        example={"bit_rates": [16, 32, 64]},
        apply=_through("aac"),
    ),
    keeps_sound(
        name="mp3",
        version=1,
        packages=("soxr",),
        licence="LGPL-2.0-or-later (LAME), LGPL-3.0-or-later (FFmpeg)",
        description="MP3 at a bit rate that is drawn",
        origin="ISO/IEC 11172-3 and 13818-3, LAME",
        params=Mp3Params,
        example={"bit_rates": [24, 32, 64]},
        apply=_through("mp3"),
    ),
    keeps_sound(
        name="opus",
        version=1,
        packages=("soxr",),
        licence="BSD-3-Clause (libopus), LGPL-3.0-or-later (FFmpeg)",
        description="Opus, the codec of calls over the internet, at a bit rate that is drawn",
        origin="RFC 6716, libopus",
        params=OpusParams,
        example={"bit_rates": [12, 24, 48]},
        apply=_through("opus"),
    ),
    keeps_sound(
        name="amr_nb",
        version=1,
        packages=("soxr",),
        licence="Apache-2.0 (opencore-amr), LGPL-3.0-or-later (FFmpeg)",
        description="AMR narrow-band, the codec of mobile telephones: 8 kHz, in a mode that is drawn",
        origin="3GPP TS 26.071, opencore-amr",
        params=AmrParams,
        example={"bit_rates": [5.9, 12.2]},
        apply=_through("amr_nb"),
    ),
)
