"""What a tool declares of itself: everything that somebody needs who wants to make its clips again."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from avfake.forge.take import Edited, Take
from avfake.params.sections import Section

Need = Literal["sound", "picture", "face", "partner_sound", "partner_face"]
Changes = Literal["sound", "picture", "pair"]
Label = Literal["keeps", "fake"]


def _ordered(values: list[float]) -> list[float]:
    if values[0] > values[1]:
        raise ValueError("the first of the two must not be above the second")
    return values


# [low, high]: a value is drawn evenly from it for every clip. Twice the same: that value.
Range = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_ordered)]


class ToolParams(Section):
    """Parameters of a tool: all of them stand in the recipe, there are no defaults."""


def draw(bounds: list[float], rng: np.random.Generator) -> float:
    """A value drawn evenly from a `Range`."""
    return float(rng.uniform(bounds[0], bounds[1]))


@dataclass(frozen=True)
class DeclaredTool:
    """A tool of the registry: a pure function from a clip, a seed and typed parameters to a clip.

    Attributes:
        name: in recipes, and as the label column `generator` of what it forged.
        version: raised whenever the same input would give another output.
        label: `keeps` the clip's label, or what it makes is `fake`.
        changes: what of the clip it changes; `pair`: how sound and picture go together.
        needs: what a clip must have; it is skipped, by name, where that is missing. `partner_*` asks for a
            second, real clip of the training split, of another source where sources are known.
        packages: distributions on whose versions the result depends, beside numpy and PyAV.
        licence: SPDX expressions of what is run.
        description: one sentence on what it does.
        origin: paper or library that it follows.
        params: the class of its parameters.
        example: parameters that are shown in the documentation, and with which every tool is tested.
        apply: (take, parameters, generator, partner) -> Edited. Raises ClipError(reason) for a clip that it
            cannot work on. Imports what is heavy or optional when it is called.
    """

    name: str
    version: int
    label: Label
    changes: Changes
    needs: frozenset[Need]
    packages: tuple[str, ...]
    licence: str
    description: str
    origin: str
    params: type[ToolParams]
    example: dict[str, Any]
    apply: Callable[[Take, Any, np.random.Generator, Take | None], Edited]

    @property
    def needs_partner(self) -> bool:
        """Whether it takes a second clip."""
        return bool(self.needs & {"partner_sound", "partner_face"})

    def libraries(self) -> dict[str, str | None]:
        """The installed version of each of `packages`, None where one is not installed."""
        return {name: installed(name) for name in self.packages}


def installed(package: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
