import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import avfake
from avfake.cli import app
from workspace import ROOT, set_params


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_names_the_commands():
    done = run("--help")
    assert done.exit_code == 0
    assert all(command in done.stdout for command in ("score", "params", "memo"))
    assert run("--version").stdout == f"avfake {avfake.__version__}\n"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from avfake.cli import app; "
        "CliRunner().invoke(app, ['--help']); "
        "print(sorted({'torch', 'timm', 'av', 'cv2', 'pandas', 'librosa'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_projects_parameters_are_valid(folder):
    done = run("params")
    assert done.exit_code == 0
    assert done.stdout.startswith("params.yaml: ")


def test_a_wrong_parameter_is_named_with_its_line(folder):
    set_params(folder, {"train.epochs": 0})
    line = 1 + next(
        i
        for i, text in enumerate(Path("params.yaml").read_text().splitlines())
        if text.startswith("  epochs:")
    )
    done = run("params")
    assert done.exit_code == 2
    assert f"params.yaml line {line}: `train.epochs`" in done.stderr
    assert "remedy: " in done.stderr


def test_no_parameters(folder):
    done = run("params", "--params", "other.yaml")
    assert done.exit_code == 2
    assert "other.yaml: no such file" in done.stderr


def test_the_memo_is_shown_and_cleared(folder):
    assert run("memo").stdout == ".memo: 0 files, 0.000 GiB of 20 GiB allowed\n"
    for name in ("ab/abcd", "train/0123/checkpoint.pt"):
        path = folder / ".memo" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(2**20))
    assert run("memo").stdout == ".memo: 2 files, 0.002 GiB of 20 GiB allowed\n"
    assert run("memo", "clear").stdout == ".memo: 2 files removed, 0.002 GiB\n"
    assert not (folder / ".memo").exists()
    assert run("memo", "clear").exit_code == 0
