"""Tools that do little, to try what is done with every tool's work."""

from collections.abc import Callable
from typing import Any

import numpy as np

from avfake.forge.declared import DeclaredTool, ToolParams
from avfake.forge.take import Edited, Sound, Take


class NoParams(ToolParams):
    """None."""


NONE = NoParams()


def toy(needs: set[Any], apply: Callable[..., Edited], changes: Any = "sound") -> DeclaredTool:
    """A tool of which nothing counts but what it needs and does: `apply(take, rng, partner)`."""
    return DeclaredTool(
        name="toy",
        version=1,
        label="keeps",
        changes=changes,
        needs=frozenset(needs),
        packages=(),
        licence="MIT",
        description="a toy",
        origin="this repository",
        params=NoParams,
        example={},
        apply=lambda take, _params, rng, partner: apply(take, rng, partner),
    )


def with_sound(take: Take, samples: np.ndarray, **moved: float) -> Edited:
    """The take with these samples."""
    assert take.sound is not None
    return Edited(sound=Sound(np.asarray(samples, np.float32), take.sound.rate), **moved)


SAME_SOUND = toy({"sound"}, lambda take, *_: with_sound(take, take.sound.samples.copy()))
SAME_PICTURE = toy({"picture"}, lambda take, *_: Edited(picture=take.picture), "picture")
NOTHING = toy({"sound"}, lambda *_: Edited())


def retimed(seconds: float, begins: float = 0.0, speed: float = 1.0) -> DeclaredTool:
    """The sound repeated or cut to `seconds`."""

    def apply(take: Take, _rng: np.random.Generator, _partner: Take | None) -> Edited:
        assert take.sound is not None
        samples = np.resize(take.sound.samples, round(seconds * take.sound.rate))
        return with_sound(take, samples, begins=begins, speed=speed)

    return toy({"sound"}, apply)


def _noisy(take: Take, rng: np.random.Generator, _partner: Take | None) -> Edited:
    assert take.sound is not None
    samples = take.sound.samples
    made = with_sound(take, samples + 0.01 * rng.standard_normal(len(samples)))
    return Edited(sound=made.sound, picture=take.picture)


# Both tracks are encoded anew, and the sound is another one for each seed.
NOISY = toy({"sound", "picture"}, _noisy)
