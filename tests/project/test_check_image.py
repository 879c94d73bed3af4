"""scripts/check_image reads the Dockerfile as an engine does; building and trying it is done by hand."""

import os
import sys
from pathlib import Path

import pytest

from avfake.errors import RunError, UserError
from avfake.rules.dockerfile import Instruction, parse

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts/check_image"))

from build import Image, _Builder, inside  # noqa: E402


@pytest.fixture
def builder(tmp_path, monkeypatch):
    """A builder of a root that has this user, in a folder with a few files."""
    root, here = tmp_path / "root", tmp_path / "here"
    (root / "etc").mkdir(parents=True)
    line = f"avfake:x:{os.getuid()}:{os.getgid()}::/home/avfake:/bin/sh\n"
    (root / "etc/passwd").write_text(line)
    (here / "src/part/__pycache__").mkdir(parents=True)
    for name in ("src/a.py", "src/part/b.py", "src/part/__pycache__/b.pyc", "params.yaml", "secret"):
        (here / name).write_text(name)
    (here / ".dockerignore").write_text("*\n!src\n!params.yaml\n**/__pycache__\n")
    monkeypatch.chdir(here)
    return _Builder(Image(str(root), folder="/app"), root, [], {})


def files(builder) -> list[str]:
    app = builder.root / "app"
    return sorted(path.relative_to(app).as_posix() for path in app.rglob("*") if path.is_file())


def test_copies_leave_out_what_dockerignore_does(builder):
    builder.step(Instruction("COPY", "--chown=avfake src src"))
    builder.step(Instruction("COPY", "--chown=avfake params.yaml ./"))
    assert files(builder) == ["params.yaml", "src/a.py", "src/part/b.py"]


def test_a_file_that_is_kept_out_fails_the_build(builder):
    with pytest.raises(RunError, match=r"dockerignore keeps it out"):
        builder.step(Instruction("COPY", "--chown=avfake secret ./"))


def test_variables_see_those_before_them(builder):
    for text in (
        "ENV BASE=/app/.venv",
        "ENV PATH=$BASE/bin:$PATH",
        "ARG REVISION=abc",
        'LABEL a="x y" b=$REVISION',
    ):
        builder.step(parse(text)[0])
    assert builder.image.variables["PATH"].startswith("/app/.venv/bin:/usr/local/sbin")
    assert builder.image.labels == {"a": "x y", "b": "abc"}
    assert "REVISION" not in builder.image.variables


def test_an_instruction_that_is_not_known_is_named(builder):
    with pytest.raises(UserError, match="VOLUME"):
        builder.step(Instruction("VOLUME", "/state"))


def test_every_instruction_of_the_dockerfile_is_known(builder):
    for item in parse((ROOT / "Dockerfile").read_text())[1:]:
        assert hasattr(builder, f"_{item.name.lower()}"), item.name


def test_commands_run_as_the_user_without_capabilities(builder):
    builder.step(Instruction("USER", "avfake"))
    words = inside(builder.image, ["id"], {"A": "b"})
    assert {"--reuid=avfake", "--no-new-privs", "--bounding-set=-all", "HOME=/home/avfake", "A=b"} <= set(
        words
    )
    assert words[-1] == "id"
