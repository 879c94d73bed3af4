"""The audit elsewhere: with the repository and the raw data alone, on another machine type, as a command."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from augmented import GainParams, make_place, run_augment, toy, use_toys
from avfake.cli.audit_provenance import provenance
from avfake.forge import run
from avfake.forge.declared import draw
from avfake.forge.take import Edited, Sound, Take
from avfake.provenance import expected, tools
from avfake.provenance.rebuild import PICTURE_LIMIT, SOUND_LIMIT
from avfake.provenance.verdict import Check
from provenance_repository import AUGMENTED, CLIPS, Repository, flip, make_repository
from workspace import ROOT

_app = typer.Typer()
_app.command()(provenance)


@pytest.fixture
def repository(tmp_path_factory, tmp_path, monkeypatch) -> Repository:
    return make_repository(tmp_path_factory, tmp_path, monkeypatch)


@pytest.fixture
def checkout(repository) -> Repository:
    """What somebody has who got the repository and the raw data: nothing that was computed."""
    for name in ("augmented", "extracted", "facts", "labels", "resplit", "training"):
        shutil.rmtree(Path("data") / name)
    shutil.rmtree(".dvc/cache")
    return repository


def command(*arguments: str) -> Result:
    return CliRunner().invoke(_app, ["--workers", "1", *arguments])


def states(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


def test_another_checkout_makes_all_clips_anew_and_compares_their_hashes_with_git(checkout):
    before = sorted(Path().rglob("*"))
    verdict = checkout.audit(share=0.1)
    assert verdict.passed
    assert states(verdict.checks) == {
        "samples": "unchecked",
        "splits": "pass",
        "plan": "unchecked",
        "cells": "unchecked",
        "tools": "pass",
        "files": "unchecked",
        "dvc_lock": "pass",
        "rebuilt": "pass",
    }
    assert verdict.facts["share"] == 1.0
    assert verdict.checks[-1].evidence.startswith("all 15 made anew, 3 skipped")
    assert sorted(Path().rglob("*")) == before, "nothing is left behind"


def test_another_checkout_in_which_a_source_clip_is_another(checkout):
    path = next(iter(sorted((checkout.place.root / "trainset").iterdir())))
    flip(path)
    found = checkout.fails("dvc_lock", "rebuilt")
    assert "manifest.parquet" in found["rebuilt"]
    assert "augment_notes.json" in found["rebuilt"]


def test_clips_without_a_manifest_are_held_against_those_made_anew(repository):
    (AUGMENTED / "manifest.parquet").unlink()
    changed = sorted(CLIPS.iterdir())[3]
    flip(changed)
    found = repository.fails("files")
    assert sorted(found["files"]) == sorted([changed.name, "manifest.parquet"])


def elsewhere(patch: pytest.MonkeyPatch, noise: float) -> None:
    """Another machine type: a library inside a package is another, and the tool rounds otherwise."""

    def louder(take: Take, params: GainParams, rng: np.random.Generator, partner: Take | None) -> Edited:
        sound = draw(params.gain, rng) * take.sound.samples
        sound = sound + noise * np.sin(np.arange(len(sound)) / 5)
        return Edited(sound=Sound(sound.astype(np.float32), take.sound.rate))

    here = expected.libraries

    def libraries(tool):
        return here(tool) | {"libavcodec": "0.0.1"}

    for module in (expected, tools, run):
        patch.setattr(module, "libraries", libraries)
    use_toys(patch, toy(louder, GainParams, {"gain": [0.5, 0.9]}, label="keeps"))


def test_another_machine_type_may_differ_a_little_and_says_by_how_much(repository, monkeypatch):
    elsewhere(monkeypatch, noise=0.001)
    verdict = repository.audit(share=1.0)
    assert verdict.passed
    checks = {check.name: check for check in verdict.checks}
    assert len(checks["rebuilt"].notes) == 6
    for note in checks["rebuilt"].notes:
        assert "differs on another machine type (libavcodec " in note
        assert "of full scale in a sample (" in note
        assert ", 0 levels of 255 in a pixel (0.000 on average)" in note
    assert "another machine type: libavcodec" in checks["tools"].notes[0]


def test_another_machine_type_may_not_differ_much(repository, monkeypatch):
    elsewhere(monkeypatch, noise=SOUND_LIMIT)
    found = repository.fails("rebuilt", share=1.0)
    louder = {row["derived_name"] for row in repository.rows if row["recipe"] == "louder"}
    assert set(found["rebuilt"]) == louder


def test_another_checkout_on_another_machine_type_cannot_tell(checkout, monkeypatch):
    path = Path("metrics/augment_notes.json")
    notes = json.loads(path.read_text()) | {"machine": ["vax D_FLOAT"]}
    path.write_text(json.dumps(notes))
    elsewhere(monkeypatch, noise=0.001)
    verdict = checkout.audit()
    assert states(verdict.checks)["rebuilt"] == "unchecked"
    assert "machine vax D_FLOAT" in verdict.checks[-1].evidence


def test_the_command_prints_a_table_and_json_and_ends_with_the_verdict(repository):
    done = command("--share", "0.1", "--seed", "3")
    assert done.exit_code == 0, done.output
    assert "provenance: passed: 9 checks passed, 0 failed, 0 could not be made" in done.stdout
    name = repository.rows[0]["derived_name"]
    flip(CLIPS / name)
    done = command("--share", "0")
    assert done.exit_code == 1
    assert f"files: {name}: changed: SHA-256 of the file is " in done.stdout
    assert "provenance: failed: 6 checks passed, 2 failed, 1 could not be made" in done.stdout
    done = command("--share", "0", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [check["name"] for check in found["checks"] if check["state"] == "fail"] == ["files", "dvc_lock"]
    assert (found["passed"], found["facts"]["commit"]) == (False, None)
    docs = (ROOT / "docs/provenance.md").read_text()
    assert f"more than {100 * SOUND_LIMIT:g} % of the sound" in docs
    assert f"{PICTURE_LIMIT:g} levels of 255 in a frame" in docs
    keys = {*found, *found["facts"], *found["checks"][0], *(check["name"] for check in found["checks"])}
    assert [key for key in sorted(keys) if f"`{key}`" not in docs] == []


def test_a_manifest_that_cannot_be_read_fails(repository):
    (AUGMENTED / "manifest.parquet").write_bytes(b"shopping list")
    assert repository.fails("manifest") == {"manifest": ["manifest.parquet"]}


def test_where_nothing_can_be_checked(checkout):
    Path("metrics/augment_notes.json").unlink()
    done = command()
    assert done.exit_code == 2
    assert "neither data/augmented/manifest.parquet nor metrics/augment_notes.json is there" in done.stderr
    assert "remedy: " in done.stderr


def test_without_recipes_there_is_nothing_to_find(tmp_path, monkeypatch):
    """Neither DVC nor Git nor lock files, no derived clips, no training yet."""
    place = make_place(tmp_path / "place")
    run_augment(place, monkeypatch)
    monkeypatch.chdir(place.folder)
    verdict = Repository(place).audit(share=1.0)
    assert verdict.passed
    assert {name for name, state in states(verdict.checks).items() if state != "pass"} == {
        "samples",
        "dvc_lock",
    }
