"""The Dockerfile against the repository, and the image of an engine that only pretends to build it."""

import re
import shutil
from pathlib import Path

import pytest

from avfake.params.sections import RecipeParams
from avfake.rules import container, engine
from avfake.rules.dockerfile import Ignored, copied, parse
from avfake.rules.trial import Trial
from judged import COPIED, a_subject, write_lock
from workspace import ROOT

TEXT = (ROOT / "Dockerfile").read_text()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The repository's files, a program of one module, a model of two files."""
    for name in (*COPIED, "params.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in (
        "src/avfake/__init__.py",
        "src/avfake/page.css",
        "models/model.safetensors",
        "models/model.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    write_lock(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(place) -> str:
    return " ".join(container.judge(a_subject(place)).faults)


def without(pattern: str, text: str = TEXT) -> str:
    changed = re.sub(pattern, "", text)
    assert changed != text
    return changed


def test_the_repositorys_own(place):
    verdict = container.judge(a_subject(place))
    assert verdict.faults == ()
    assert "installs requirements-uv.lock, requirements-run.lock by hash" in verdict.evidence[1]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (without(r"COPY .* src src\n"), "does not copy src"),
        (without(r"COPY .* models models\n"), "does not copy models"),
        (without(r" dvc\.lock(?= \./)"), "does not copy dvc.lock"),
        (without(r"--require-hashes "), "installs no lock file with --require-hashes"),
        (without(r"--no-deps "), "installs without hashes: uv pip install"),
        (without(r" requirements-run\.lock(?= \./)"), "installs requirements-run.lock and does not copy it"),
        (without(r"ENTRYPOINT.*"), "the entry point is not set"),
        (TEXT.replace('ENTRYPOINT ["avfake"]', "ENTRYPOINT avfake"), "the entry point is avfake"),
        (TEXT + "COPY extras extras\n", "copies extras, which is not there"),
        (TEXT + "RUN pip install requests\n", "installs without hashes: pip install requests"),
        (TEXT + 'RUN echo "open\n', "cannot be read"),
    ],
)
def test_a_dockerfile_that_forgets_something(place, text, fault):
    Path("Dockerfile").write_text(text)
    assert fault in faults(place)


def test_no_dockerfile(place):
    Path("Dockerfile").unlink()
    assert "Dockerfile cannot be read" in faults(place)


def test_what_dockerignore_keeps_out(place):
    Path(".dockerignore").write_text(without(r"!src\n", Path(".dockerignore").read_text()))
    assert "keeps out what Dockerfile copies: src/avfake/__init__.py, src/avfake/page.css" in faults(place)
    Path(".dockerignore").write_text("**/*.css\n")
    assert "keeps out what Dockerfile copies: src/avfake/page.css" in faults(place)


def test_another_model_than_dvc_locks(place):
    Path("models/model.json").write_text("of another run")
    assert "models/model.json is" in faults(place)
    Path("dvc.lock").write_text("stages: {}\n")
    assert "dvc.lock does not say which models/model.safetensors" in faults(place)
    Path("dvc.lock").write_text("stages: [\n")
    assert "dvc.lock does not say which models/model.safetensors" in faults(place)


def test_locks_that_are_not_whole(place):
    path = Path("requirements-run.lock")
    path.write_text(re.sub(r"^numpy==.*\n(    .*\n)+", "", path.read_text(), flags=re.M))
    assert "depends on what the image does not install: numpy" in faults(place)
    path.write_text(path.read_text() + "numpy==2.4.0\n")
    assert "requirements-run.lock has no hash for numpy" in faults(place)


def test_recipes_that_the_image_cannot_run_are_named(place):
    from avfake.forge.registry import TOOLS

    held = container.pinned(Path("requirements-run.lock"))
    packages = {
        name for tool in TOOLS.values() for name in tool.packages if container.normal(name) not in held
    }
    recipes = [
        RecipeParams(name=f"r{place}", tool=tool.name, params={}, of="all", per_clip=1.0, seed=0)
        for place, tool in enumerate(TOOLS.values())
    ]
    subject = a_subject(place)
    augment = subject.augment.model_copy(update={"recipes": recipes})
    verdict = container.judge(a_subject(place, augment=augment))
    named = {
        text.split(": ")[1].split(",")[0] for text in verdict.evidence if text.startswith("not in the image")
    }
    assert named == packages


@pytest.mark.parametrize(
    ("patterns", "path", "out"),
    [
        ("*\n!src", "src/a/b.py", False),
        ("*\n!src\n**/__pycache__", "src/a/__pycache__/b.pyc", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md", "docs/page.md", False),
        ("**/*.md", "docs/page.md", True),
        ("docs", "docs/page.md", True),
        ("docs/*\n!docs/a?.md", "docs/ab.md", False),
        ("/docs/", "docs/page.md", True),
        ("# a remark\n\n", "docs/page.md", False),
    ],
)
def test_patterns(patterns, path, out):
    assert Ignored(patterns)(path) is out


def test_copies_between_stages_are_no_sources():
    text = "FROM a AS b\nCOPY --from=b /x /y\nCOPY --chown=me \\\n  one ./two /there/\nADD . .\n"
    assert copied(parse(text)) == ["one", "two", "."]


TRIAL = Trial(Path("clip.mp4"), 0.25, 0.25, "", (), 0)


def an_engine(folder: Path, monkeypatch, run: str, info: int = 0, build: int = 0) -> None:
    """A `docker` that answers as told, and no `podman`."""
    script = f"""#!/bin/sh
case $1 in
info) exit {info};;
build) echo sha256:abc; echo "no space left" >&2; exit {build};;
run) echo "$@" > {folder}/asked; printf '{run}';;
esac
"""
    path = folder / "bin/docker"
    path.parent.mkdir()
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    monkeypatch.setattr(engine, "ENGINES", ("docker",))


def test_an_image_that_scores_the_same(tmp_path, monkeypatch):
    an_engine(tmp_path, monkeypatch, r"video_name,score\nclip.mp4,0.250000\n")
    verdict = engine.judge(TRIAL, build=True)
    assert (verdict.status, verdict.faults) == ("pass", ())
    assert "docker built sha256:abc" in verdict.evidence[0]
    assert "score --csv /clip/clip.mp4" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    ("run", "build", "fault"),
    [
        (r"video_name,score\nclip.mp4,0.900000\n", 0, "0.900000 in the image, 0.250000 here"),
        ("", 0, "the image does not score clip.mp4"),
        ("", 1, "docker build failed: no space left"),
    ],
)
def test_an_image_that_does_not(tmp_path, monkeypatch, run, build, fault):
    an_engine(tmp_path, monkeypatch, run, build=build)
    assert fault in engine.judge(TRIAL, build=True).faults[0]


def test_what_was_not_checked_is_no_pass(tmp_path, monkeypatch):
    an_engine(tmp_path, monkeypatch, "", info=1)
    assert engine.judge(TRIAL, build=True).status == "not checked"
    assert engine.judge(TRIAL, build=False).status == "not checked"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "docker is not installed" in engine.judge(TRIAL, build=True).evidence[0]
