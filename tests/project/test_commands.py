"""Every command that README, docs, Makefile, workflow or an error message names exists, with its options."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import click
import pytest
import typer
from ruamel.yaml import YAML

from avfake.cli import app
from avfake.params import load_all
from workspace import set_params

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DVC = {
    "dag",
    "exp",
    "fetch",
    "metrics",
    "params",
    "plots",
    "pull",
    "push",
    "remote",
    "repro",
    "stage",
    "status",
    "add",
    "checkout",
}


def commands_in(text: str) -> list[list[str]]:
    """The shell commands of a page, as words: lines of ```sh blocks, and inline code that starts like one."""
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`((?:make|avfake|dvc|python -m) [^`\n]*)`", text)
    found = []
    for line in lines:
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=";&|")
        lexer.whitespace_split, lexer.commenters = True, "#"
        words = [word for word in lexer if not word.startswith(("&", "|", ";"))]
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            del words[0]
        if words:
            found.append(words)
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.M))


def resolve(words: list[str]) -> click.Command:
    """The CLI's command that `avfake ...` names; asserts that it and its options exist."""
    command: click.Command = typer.main.get_command(app)
    rest = words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"no command: {shlex.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in rest:
        if word.startswith("-"):
            assert word.split("=")[0] in known | {"--help"}, f"no option {word}: {shlex.join(words)}"
    return command


def check(words: list[str]) -> None:
    if words[0] == "make":
        for word in words[1:]:
            if not word.startswith("-") and "=" not in word:
                assert word in make_targets(), f"no target: {shlex.join(words)}"
    elif words[0] == "avfake":
        resolve(words)
    elif words[0] == "dvc":
        assert words[1] in DVC, shlex.join(words)
        check_settings(words)
    elif words[:2] == ["python", "-m"] and words[2].split(".")[0] in ("avfake", "benchmarks"):
        base = ROOT / ("src" if words[2].startswith("avfake") else "") / Path(*words[2].split("."))
        assert base.with_suffix(".py").is_file() or (base / "__main__.py").is_file(), shlex.join(words)


def check_settings(words: list[str]) -> None:
    """Every `-S key=value` names a key of params.yaml."""
    tree = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    for option, value in pairwise(words):
        if option in ("-S", "--set-param"):
            node = tree
            for key in value.strip("'").split("=")[0].split("."):
                assert key in node, f"params.yaml has no {value}"
                node = node[key]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_the_commands_of_a_page_exist(path):
    for words in commands_in(path.read_text()):
        check(words)


def test_the_readme_names_the_commands_that_matter():
    named = {" ".join(words[:2]) for words in commands_in((ROOT / "README.md").read_text())}
    assert named >= {"make repro", "make test", "make lint", "make bench", "make baseline", "avfake score"}
    assert named >= {"dvc repro", "dvc metrics", "dvc plots", "dvc exp"}


def test_the_commands_that_messages_advise_exist():
    advised = []
    for path in (ROOT / "src").rglob("*.py"):
        advised += [
            shlex.split(command) for command in re.findall(r"`((?:make|avfake) [^`{\n]*)`", path.read_text())
        ]
    for words in advised:
        check(words)


def test_links_to_files_of_the_project_lead_somewhere():
    produced = {"data/sample/README.md"}
    for path in TEXTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert target in produced or (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_command_explains_itself():
    waiting = [(["avfake"], typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        assert command.help, shlex.join(words)
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{shlex.join(words)}: {parameter.name}"
        waiting += [([*words, name], child) for name, child in getattr(command, "commands", {}).items()]


def test_the_makefile_has_the_targets_of_the_design_and_each_runs_what_exists():
    assert make_targets() >= {"help", "setup", "repro", "test", "lint", "bench", "lock", "baseline", "clean"}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "TESTS"))
    }
    for target in sorted(make_targets()):
        # `setup` as if it were done: a dry run of its own would list every package.
        done = subprocess.run(
            ["make", "-n", "-o", "setup", "-o", ".venv/bin/.installed", target],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        for line in done.stdout.replace("\\\n", " ").splitlines():
            words = [word.removeprefix(".venv/bin/") for word in line.split()]
            if words and words[0] in ("python", "dvc", "avfake"):
                check(words)
    tests = re.search(r"^TESTS \?= (.*)", (ROOT / "Makefile").read_text(), re.M)
    for folder in tests[1].split():
        assert list((ROOT / folder).rglob("test_*.py")), folder
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    # The browser's have a target of their own: Chromium is not in every place that runs the others.
    assert folders - {"browser"} == {folder.removeprefix("tests/") for folder in tests[1].split()}, (
        "make test leaves some out"
    )
    assert "browser" in make_targets()


def test_an_environment_that_is_installed_is_not_installed_again(tmp_path):
    prerequisites = ("requirements.lock", "requirements-uv.lock", "pyproject.toml", "scripts/setup.sh")
    (tmp_path / "scripts").mkdir()
    for name in ("Makefile", *prerequisites):
        shutil.copy(ROOT / name, tmp_path / name)
    stamp = re.findall(r"^touch (\S+)$", (ROOT / "scripts/setup.sh").read_text(), re.M)[-1]

    def is_up_to_date() -> bool:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        asked = ["make", "--question", "setup"]
        return subprocess.run(asked, cwd=tmp_path, env=environment, check=False).returncode == 0

    assert not is_up_to_date()
    (tmp_path / stamp).parent.mkdir()
    (tmp_path / stamp).touch()
    assert is_up_to_date()
    os.utime(tmp_path / "requirements.lock", (4e9, 4e9))
    assert not is_up_to_date()


def test_the_baseline_recipe_is_valid_and_the_contests(tmp_path):
    line = re.search(r"^baseline:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)[1]
    words = shlex.split(line.replace("\\\n", " "))
    settings = {}
    for option, value in pairwise(words):
        if option == "-S":
            key, _, text = value.partition("=")
            settings[key] = YAML(typ="safe").load(text)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(tmp_path, settings)
    sections = load_all(tmp_path / "params.yaml")
    train = sections["train"]
    assert (train.backbone, train.lr, train.lr_step, train.lr_gamma) == ("resnet18", 0.003, 4, 0.85)
    assert (train.batch_size, train.epochs) == (40, 10)
    assert train.augmentation.flip_time
    assert train.augmentation.flip_frequency
    assert sections["featurize"].front_end == ["baseline_image"]
    assert sections["predict"].tta > 1


def test_continuous_integration_runs_test_and_lint():
    path = ROOT / ".ci/run"
    assert path.stat().st_mode & stat.S_IXUSR
    lines = path.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make ")] == ["make test", "make lint"]


def test_the_workflow_is_valid_and_runs_the_same_and_caches():
    workflow = YAML(typ="safe").load((ROOT / ".github/workflows/ci.yml").read_text())
    assert workflow["on"].keys() >= {"push", "pull_request"}
    commands, actions = [], {}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            commands += step.get("run", "").splitlines()
            if "uses" in step:
                name, _, version = step["uses"].partition("@")
                assert version, f"{name} without a version"
                actions[name] = step.get("with", {})
    assert {"make test", "make lint"} <= set(commands)
    for command in commands:
        check(command.split())
    assert actions["actions/checkout"]["fetch-depth"] == 0
    assert actions["actions/setup-python"]["python-version"] == "3.11"
    assert "hashFiles('requirements.lock')" in actions["actions/cache"]["key"]


def test_the_installed_command_is_the_cli():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"avfake": "avfake.cli:app"}


def make_python(folder: Path, body: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("body", "message", "remedy"),
    [
        ("exit 1", "is not Python 3.11", "PYTHON="),
        (
            'case "$2" in *version_info*) exit 0;; *) exit 1;; esac',
            "has no venv module",
            "apt-get install -y python3-venv",
        ),
    ],
    ids=["another version", "no venv module"],
)
def test_the_installation_says_what_the_machine_lacks(tmp_path, body, message, remedy):
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts/setup.sh"
    script.write_text((ROOT / "scripts/setup.sh").read_text())
    python = make_python(tmp_path, body)
    done = subprocess.run(
        ["bash", str(script)],
        env=os.environ | {"PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    error, said_remedy = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert said_remedy.startswith("remedy: ")
    assert remedy in said_remedy
    assert not (tmp_path / ".venv").exists()
