"""Forgeries of how sound and picture go together: each of the two is real, the pair is not."""

from typing import Annotated

import numpy as np
import soxr
from pydantic import Field

from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.voice.channel import heard, matched
from avfake.media.errors import ClipError


class SoundOfOtherParams(ToolParams):
    """Parameters of `sound_of_other`.

    Attributes:
        crossfade: seconds in which the other sound goes over into itself where it is the shorter one and is
            repeated, 0.005 to 0.2.
    """

    crossfade: Annotated[float, Field(ge=0.005, le=0.2)]


class SoundShiftParams(ToolParams):
    """Parameters of `sound_shift`.

    Attributes:
        seconds: by which the sound comes too early or too late, 0.04 to 5; either is as likely. Less than
            0.04 nobody sees (ITU-R BT.1359-1).
        crossfade: seconds in which the sound's end goes over into its beginning, 0.005 to 0.2.
    """

    seconds: Annotated[Range, within(0.04, 5.0)]
    crossfade: Annotated[float, Field(ge=0.005, le=0.2)]


def sound_of_other(
    take: Take, params: SoundOfOtherParams, rng: np.random.Generator, partner: Take | None
) -> Edited:
    """See `TOOLS`."""
    assert take.sound is not None
    assert partner is not None
    assert partner.sound is not None
    own, rate = heard(take.sound), take.sound.rate
    other = heard(partner.sound)
    if partner.sound.rate != rate:
        other = soxr.resample(other, partner.sound.rate, rate, quality="HQ")
    made = fitted(other, len(own), round(params.crossfade * rate), rng)
    return Edited(sound=Sound(matched(made, own, rate), rate))


def sound_shift(
    take: Take, params: SoundShiftParams, rng: np.random.Generator, _partner: Take | None
) -> Edited:
    """See `TOOLS`."""
    assert take.sound is not None
    samples, rate = heard(take.sound), take.sound.rate
    by, fade = round(draw(params.seconds, rng) * rate), round(params.crossfade * rate)
    later = bool(rng.integers(2))
    # What is pushed out at one end is as far from its picture as the clip is long, less the shift.
    if by + max(fade, round(params.seconds[0] * rate)) > len(samples):
        raise ClipError(f"too short for its sound to be shifted by {by / rate:.2f} s")
    made = shifted(samples, by, fade) if later else shifted(samples[::-1], by, fade)[::-1].copy()
    return Edited(sound=Sound(made, rate))


def fitted(x: np.ndarray, n: int, fade: int, rng: np.random.Generator) -> np.ndarray:
    """`n` samples of `x`, float32 [m]: a part that is drawn of a longer one, a shorter one again and again.

    `fade`: samples in which it goes over into itself, at most half of it.
    """
    if len(x) >= n:
        start = int(rng.integers(len(x) - n + 1))
        return x[start : start + n]
    fade = min(fade, len(x) // 2)
    made = x
    while len(made) < n:
        made = _faded(made, x, fade)
    return made[:n]


def shifted(x: np.ndarray, by: int, fade: int) -> np.ndarray:
    """`x`, float32 [n], `by` samples later; before it what was pushed out at its end, going over into it."""
    return _faded(x[len(x) - by - fade :], x, fade)[: len(x)]


def _faded(first: np.ndarray, second: np.ndarray, fade: int) -> np.ndarray:
    """One after the other, with `fade` samples of both at once, at equal power."""
    rise = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / max(fade, 1)).astype(np.float32)
    until = len(first) - fade
    middle = first[until:] * rise[::-1] + second[:fade] * rise
    return np.concatenate([first[:until], middle, second[fade:]])


TOOLS: tuple[DeclaredTool, ...] = (
    DeclaredTool(
        name="sound_of_other",
        version=1,
        label="fake",
        changes="pair",
        needs=frozenset({"sound", "picture", "partner_sound"}),
        packages=("scipy", "soxr"),
        licence="MIT",
        description="the sound of another real clip under the picture: as long, as loud and no wider in band",
        origin="mismatched pairs as negatives: J. S. Chung, A. Zisserman, Out of time, ACCV workshops (2016)",
        params=SoundOfOtherParams,
        example={"crossfade": 0.02},
        apply=sound_of_other,
    ),
    DeclaredTool(
        name="sound_shift",
        version=1,
        label="fake",
        changes="pair",
        needs=frozenset({"sound", "picture"}),
        packages=("scipy",),
        licence="MIT",
        description="the sound early or late against the picture; the gap is filled with its own other end",
        origin="shifted pairs as negatives: J. S. Chung, A. Zisserman, Out of time, ACCV workshops (2016)",
        params=SoundShiftParams,
        example={"seconds": [0.2, 1.0], "crossfade": 0.02},
        apply=sound_shift,
    ),
)
