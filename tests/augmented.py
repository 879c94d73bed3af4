"""Toy tools, recipes over them, and a tiny place in which the stage `augment` runs.

use_toys(monkeypatch)                       # recipes may name them, worker processes know them
place = make_place(tmp_path, recipe("louder"), recipe("backwards", of="real"))
run_augment(place, monkeypatch)             # what the stage printed goes to standard output
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avfake.forge import registry, run
from avfake.forge.declared import DeclaredTool, Label, Need, Range, ToolParams, draw
from avfake.forge.take import Edited, Sound, Take
from avfake.media.errors import ClipError
from avfake.parallel import Result
from avfake.stages import augment
from avfake.stages._run import stage_main
from clips import make_root
from place import Place
from workspace import DATA, ROOT, SMALL

OUTPUTS = ("data/augmented", "metrics")
_start_worker = run.start_worker


class GainParams(ToolParams):
    """`gain`: factor of the samples."""

    gain: Range


class SleepParams(ToolParams):
    """`seconds`: how long it takes."""

    seconds: float


class NoParams(ToolParams):
    """There are none."""


def _edited(take: Take, samples: np.ndarray) -> Edited:
    return Edited(sound=Sound(samples.astype(np.float32), take.sound.rate))


def louder(take: Take, params: GainParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    return _edited(take, draw(params.gain, rng) * take.sound.samples)


def backwards(take: Take, params: NoParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    return _edited(take, take.sound.samples[::-1])


def borrowed(take: Take, params: NoParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    return _edited(take, np.resize(partner.sound.samples, len(take.sound.samples)))


def faceless(take: Take, params: NoParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    raise ClipError("no face was found")


def faulty(take: Take, params: NoParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    return {}["eyebrow"]


def deadly(take: Take, params: NoParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def slow(take: Take, params: SleepParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    time.sleep(params.seconds)
    return _edited(take, 0.5 * take.sound.samples)


def toy(
    apply: Callable[..., Edited],
    params: type[ToolParams] = NoParams,
    example: dict[str, Any] | None = None,
    label: Label = "fake",
    needs: Sequence[Need] = ("sound",),
    packages: tuple[str, ...] = (),
    version: int = 1,
) -> DeclaredTool:
    """A tool by the name of its function."""
    return DeclaredTool(
        name=apply.__name__,
        version=version,
        label=label,
        changes="sound",
        needs=frozenset(needs),
        packages=packages,
        licence="MIT",
        description=f"A toy: {apply.__name__}.",
        origin="tests/augmented.py",
        params=params,
        example=example or {},
        apply=apply,
    )


TOYS = {
    tool.name: tool
    for tool in (
        toy(louder, GainParams, {"gain": [0.5, 0.9]}, label="keeps"),
        toy(backwards),
        toy(borrowed, needs=("sound", "partner_sound")),
        toy(faceless, needs=("face",)),
        toy(faulty),
        toy(deadly),
        toy(slow, SleepParams, {"seconds": 0.0}),
    )
}


def recipe(tool: str, name: str | None = None, **values: Any) -> dict[str, Any]:
    """A recipe over a toy with its example parameters."""
    params = TOYS[tool].example if tool in TOYS else {}
    plain = {"name": name or tool, "tool": tool, "params": params, "of": "all", "per_clip": 1, "seed": 0}
    return plain | values


def use_toys(monkeypatch: pytest.MonkeyPatch, *others: DeclaredTool) -> None:
    """Lets recipes name the toys, and takes them away again; `others` replace toys of their names."""
    for tool in (*TOYS.values(), *others):
        monkeypatch.setitem(registry.TOOLS, tool.name, tool)
    monkeypatch.setattr(run, "start_worker", start_worker)


def start_worker() -> None:
    """As `run.start_worker`, in a process in which the toys are known."""
    registry.TOOLS.update(TOYS)
    _start_worker()


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes clips without worker processes: no test of tools or outputs needs them, and they start slowly."""

    def map_here(function: Any, items: Any, *_: Any, **__: Any) -> Iterator[Result]:
        return (Result(item, function(item), None) for item in items)

    monkeypatch.setattr(run, "map_ordered", map_here)


def make_place(folder: Path, *recipes: dict[str, Any], n_train: int = 6, **values: Any) -> Place:
    """Parameters with these recipes and a root of tiny clips, half of them real."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder)
    place = Place(folder)
    place.set(**{name.replace(".", "__"): value for name, value in SMALL.items()})
    place.set(**values)
    set_recipes(place, *recipes)
    make_root(folder / DATA, n_train=n_train, n_val=2, n_test=0, seconds=0.5)
    return place


def set_recipes(place: Place, *recipes: dict[str, Any]) -> None:
    """Puts these recipes into the place's parameters."""
    place.set(augment__recipes=list(recipes))


def run_augment(place: Place, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Runs the stage in the place; the hashes of what it wrote."""
    with monkeypatch.context() as here:
        here.chdir(place.folder)
        augment.main()
    return place.hashes(*OUTPUTS)


def main() -> None:
    """The stage as a command, with the toys among the tools."""
    registry.TOOLS.update(TOYS)
    run.start_worker = start_worker
    stage_main(augment.main)
