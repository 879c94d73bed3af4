"""The sound cut at quiet moments and put together in another order: no voice is forged by a cut."""

from typing import Annotated

import numpy as np
from pydantic import Field

from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.keep import edited, keeps_sound, sound_of, unclipped
from avfake.forge.take import Edited, Take
from avfake.forge.voice.span import frame_levels
from avfake.media.errors import ClipError

_LEAST_SECONDS = 0.25  # of a segment, on average; the shortest is half as long


class SpliceParams(ToolParams):
    """`segments`: how many. `crossfade`: seconds in which one segment goes over into the next."""

    segments: Annotated[int, Field(ge=2, le=12)]
    crossfade: Annotated[Range, within(0.002, 0.05)]


def splice(take: Take, params: SpliceParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    if sound.seconds < _LEAST_SECONDS * params.segments:
        raise ClipError(f"too short for {params.segments} segments of {_LEAST_SECONDS} s")
    half_fade = max(1, round(draw(params.crossfade, rng) * sound.rate / 2))
    cuts = quiet_moments(sound.samples, sound.rate, params.segments)
    order = _without_neighbours(params.segments, rng)
    spans = list(zip([0, *cuts], [*cuts, len(sound.samples)], strict=True))
    return edited(sound, unclipped(_joined(sound.samples, [spans[index] for index in order], half_fade)))


def quiet_moments(samples: np.ndarray, rate: int, segments: int) -> list[int]:
    """Where to cut: the quietest 20 ms near each of the places that would give segments of equal length."""
    level = frame_levels(samples, rate)
    length = len(level) / segments
    cuts = []
    for index in range(1, segments):
        first = round(index * length - length / 4)
        near = level[first : max(first + 1, round(index * length + length / 4))]
        cuts.append(first + int(np.argmin(near)))
    frame = len(samples) / len(level)
    return [round((cut + 0.5) * frame) for cut in cuts]


def _without_neighbours(n: int, rng: np.random.Generator) -> list[int]:
    """0 to n - 1 in an order in which no number follows the one before it: every join is a cut."""
    while True:  # about every third draw fits
        order = rng.permutation(n)
        if not np.any(np.diff(order) == 1):
            return [int(index) for index in order]


def _joined(samples: np.ndarray, spans: list[tuple[int, int]], half_fade: int) -> np.ndarray:
    """The spans one after the other, each going over into the next at equal power, float32 [n]."""
    # Beside its span each segment is heard on for half a fade; at the clip's ends, where there is no more,
    # mirrored.
    there = np.pad(samples, half_fade, mode="reflect")
    made = np.zeros(len(there), np.float32)
    rise = np.sin(np.pi / 2 * (np.arange(2 * half_fade) + 0.5) / (2 * half_fade)).astype(np.float32)
    at = 0
    for number, (start, end) in enumerate(spans):
        piece = there[start : end + 2 * half_fade].copy()
        if number > 0:
            piece[: 2 * half_fade] *= rise
        if number < len(spans) - 1:
            piece[-2 * half_fade :] *= rise[::-1]
        made[at : at + len(piece)] += piece
        at += end - start
    return made[half_fade : half_fade + len(samples)]


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="splice",
        version=1,
        packages=(),
        licence="MIT",
        description="segments of the same clip in another order, cut at quiet moments",
        origin="this repository",
        params=SpliceParams,
        example={"segments": 3, "crossfade": [0.01, 0.03]},
        apply=splice,
    ),
)
