"""The sound as it is heard in a room."""

from typing import Annotated

import numpy as np

from avfake.disturb.room import reverberant
from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams
from avfake.forge.keep import edited, keeps_sound, sound_of, unclipped
from avfake.forge.take import Edited, Take


class RoomParams(ToolParams):
    """`rt60`: reverberation time, s, that the walls are chosen for by Sabine's formula.

    Below 0.15 s no wall absorbs enough; above 0.6 s a clip's image sources take gigabytes and many seconds.
    """

    rt60: Annotated[Range, within(0.15, 0.6)]


def room(take: Take, params: RoomParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `TOOLS`."""
    sound = sound_of(take)
    return edited(sound, unclipped(reverberant(sound.samples, rng, params.rt60, sound.rate)))


TOOLS: tuple[DeclaredTool, ...] = (
    keeps_sound(
        name="room",
        version=1,
        packages=("pyroomacoustics", "scipy"),
        licence="MIT (pyroomacoustics)",
        description="a box-shaped room of living size, drawn anew per clip, in step with the picture",
        origin="Allen and Berkley, J. Acoust. Soc. Am. 65 (1979); Scheibler et al., ICASSP 2018",
        params=RoomParams,
        example={"rt60": [0.2, 0.4]},
        apply=room,
    ),
)
