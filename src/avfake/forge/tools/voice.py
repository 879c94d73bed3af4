"""Voice conversion: what is said keeps its words and its melody, and sounds as another voice would."""

from dataclasses import replace
from typing import Annotated

import numpy as np

from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.tools.vocoders import voiced
from avfake.forge.voice import envelope, world
from avfake.forge.voice.channel import band_top, heard, matched
from avfake.forge.voice.resynthesis import at_least, back

# As much of the other voice as its statistics need.
PARTNER_SECONDS = 20.0
# Voiced frames further below the loudest than this say more of the background than of the voice.
ACTIVE_DB = 40.0


class EnvelopeSwapParams(ToolParams):
    """Parameters of `envelope_swap`.

    Attributes:
        strength: how far the envelope goes from the own voice's statistics, 0, to the other's, 1.
        warp: ratio by which the own formants are moved before, 0.8 to 1.25; 1: they are not.
    """

    strength: Annotated[Range, within(0.0, 1.0)]
    warp: Annotated[Range, within(0.8, 1.25)]


def active(voice: world.Voice) -> np.ndarray:
    """Voiced frames that are loud enough, bool [m]. Raises ClipError if there are hardly any voiced ones."""
    found = voiced(voice)
    level = 10 * np.log10(np.maximum(voice.envelope.mean(axis=1), envelope.FLOOR))
    return np.asarray(found & (level > level[found].max() - ACTIVE_DB))


def mean_log_pitch(voice: world.Voice) -> float:
    """Mean of the logarithm of the pitch, Hz, where it is voiced."""
    return float(np.mean(np.log(voice.pitch[voice.pitch > 0])))


def _apply(take: Take, params: EnvelopeSwapParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    assert take.sound is not None
    assert partner is not None
    assert partner.sound is not None
    x, rate = heard(take.sound), take.sound.rate
    other_x = heard(partner.sound)[: round(PARTNER_SECONDS * partner.sound.rate)]
    high, at = at_least(x, rate, world.LOWEST_RATE)
    own = world.analyse(high, at)
    other = world.analyse(
        back(other_x, partner.sound.rate, at, round(len(other_x) * at / partner.sound.rate)), at
    )
    top = min(band_top(x, rate), band_top(other_x, partner.sound.rate))
    strength, ratio = draw(params.strength, rng), draw(params.warp, rng)
    chosen = active(own)
    own = replace(own, envelope=envelope.warped(own.envelope, ratio, at, band_top(x, rate)))
    changed = replace(
        own,
        pitch=own.pitch * np.exp(mean_log_pitch(other) - mean_log_pitch(own)),
        envelope=envelope.mapped(
            own.envelope,
            chosen,
            envelope.statistics(own.envelope, chosen),
            envelope.statistics(other.envelope, active(other)),
            strength,
            at,
            top,
        ),
    )
    made = back(world.synthesise(changed, at, len(high)), at, rate, len(x))
    return Edited(sound=Sound(matched(made, x, rate), rate))


TOOLS: tuple[DeclaredTool, ...] = (
    DeclaredTool(
        name="envelope_swap",
        version=1,
        label="fake",
        changes="sound",
        needs=frozenset({"sound", "partner_sound"}),
        packages=("pyworld", "scipy", "soxr"),
        licence="MIT AND BSD-3-Clause",
        description="Voice conversion: the pitch moved to that of another clip's voice, and the spectral "
        "envelope of voiced speech given the mean and deviation of the other's, bin by bin.",
        origin="statistics of envelopes as Stylianou, Cappe, Moulines, IEEE TSAP 6 (1998); WORLD by pyworld",
        params=EnvelopeSwapParams,
        example={"strength": [0.8, 1.0], "warp": [0.95, 1.05]},
        apply=_apply,
    ),
)
