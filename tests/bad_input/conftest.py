"""A folder with parameters and a small data root, to be spoilt by each test in its own way."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clips import make_root
from place import Place
from workspace import DATA, ROOT, SMALL, hashes, once, set_params


@dataclass(frozen=True)
class Undisturbed:
    """A place in which nothing is wrong, after `extract`."""

    folder: Path
    hashes: dict[str, str]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    def build(folder: Path) -> None:
        shutil.copy(ROOT / "params.yaml", folder)
        set_params(folder, SMALL | {"data.max_unreadable": 0.05})
        make_root(folder / DATA, n_train=4, n_val=2)
        Place(folder).passes("extract")

    folder = once(tmp_path_factory, "undisturbed", build)
    return Undisturbed(folder, hashes(folder, "data/labels", "data/extracted"))


@pytest.fixture
def place(undisturbed: Undisturbed, tmp_path: Path) -> Iterator[Place]:
    """Parameters and clips as in `undisturbed`, nothing computed yet."""
    folder = tmp_path / "place"
    shutil.copytree(undisturbed.folder / DATA, folder / DATA)
    shutil.copy(undisturbed.folder / "params.yaml", folder)
    yield Place(folder)
    shutil.rmtree(folder)
