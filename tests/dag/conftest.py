"""One built pipeline per test run; every test works on a copy of its own."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clips import make_root
from workspace import DATA, Repro, Workspace, clone, hashes, once


@dataclass(frozen=True)
class Built:
    """The pipeline after its first, undisturbed `dvc repro`."""

    workspace: Workspace
    first: Repro
    hashes: dict[str, str]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    def build(folder: Path) -> None:
        workspace = clone(folder)
        make_root(folder / DATA, n_train=6, n_val=4, n_test=4)
        first = workspace.repro()
        workspace.commit("Built")
        log(folder).write_text(first.text)

    folder = once(tmp_path_factory, "built", build)
    return Built(Workspace(folder), Repro(log(folder).read_text()), hashes(folder))


def log(folder: Path) -> Path:
    return folder.with_suffix(".log")


@pytest.fixture
def workspace(built: Built, tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "clone"
    yield built.workspace.copy(folder)
    shutil.rmtree(folder)
