"""The Dockerfile, as far as it can be checked without a Docker engine: files, commands, user, licences."""

import fnmatch
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

from ruamel.yaml import YAML
from test_commands import check, resolve

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    tuple(line.split(None, 1))
    for line in re.sub(r"^\s*#.*\n", "", TEXT, flags=re.M).replace("\\\n", " ").splitlines()
    if line.strip()
]
ALLOWED = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "USER",
    "WORKDIR",
}  # fmt: skip
# Outputs of the pipeline: made by `dvc repro` or `dvc pull` before the image, never in Git.
BUILT = {"models"}


def copied() -> list[str]:
    sources = []
    for name, text in INSTRUCTIONS:
        if name == "COPY":
            words = [word for word in shlex.split(text) if not word.startswith("--")]
            sources += words[:-1]
    return sources


def known_files() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def test_only_instructions_that_these_tests_understand():
    assert {name for name, _ in INSTRUCTIONS} <= ALLOWED
    assert INSTRUCTIONS[0] == ("FROM", "debian:bookworm-slim")


def test_every_file_that_is_copied_exists_or_is_built_by_the_pipeline():
    files = known_files()
    for source in copied():
        assert source in BUILT or source in files or any(name.startswith(f"{source}/") for name in files), (
            source
        )
    written = set()
    for stage in YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"].values():
        written |= {item for item in stage["outs"] if isinstance(item, str)}
    for built in BUILT:
        assert built in written or any(item.startswith(f"{built}/") for item in written), built


def test_nothing_that_is_copied_is_kept_out_of_the_build():
    lines = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    for source in copied():
        out = False
        for line in lines:
            pattern = line.removeprefix("!")
            parents = [source, *map(str, Path(source).parents)]
            if any(fnmatch.fnmatchcase(part, pattern) for part in parents if part != "."):
                out = not line.startswith("!")
        assert not out, source
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == set(copied()), "the build gets exactly what the Dockerfile copies"


def test_every_command_exists():
    allowed = {"apt-get", "rm", "useradd", "install", "python", "python3", "pip", "uv", "dvc"}
    for name, text in INSTRUCTIONS:
        if name == "RUN":
            for part in text.split("&&"):
                assert shlex.split(part)[0] in allowed, part
    for line in re.findall(r"^#\s+(make .*|docker run .*)", TEXT, re.M):
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            check(words)
        elif "--entrypoint" not in words:
            arguments = words[words.index("avfake") :]
            assert resolve(arguments).name in ("score", "serve")


def test_the_entry_point_is_the_cli_and_explains_itself_without_arguments():
    values = dict(INSTRUCTIONS)
    assert json.loads(values["ENTRYPOINT"]) == ["avfake"]
    resolve([*json.loads(values["ENTRYPOINT"]), *json.loads(values["CMD"])])


def test_it_runs_as_a_user_and_installs_by_hash():
    names = [name for name, _ in INSTRUCTIONS]
    users = [text for name, text in INSTRUCTIONS if name == "USER"]
    assert users
    assert users[-1] not in ("root", "0")
    assert names.index("USER") < names.index("COPY")
    for name, text in INSTRUCTIONS:
        if name == "COPY":
            assert f"--chown={users[-1]} " in text
        for part in text.split("&&") if name == "RUN" else ():
            if re.search(r"\b(pip install|pip sync)\b", part):
                assert "--require-hashes" in part or "--no-deps" in part, part


def test_system_libraries_of_opencv_are_installed_there_and_by_the_setup():
    for library in ("libgl1", "libglib2.0-0"):
        assert library in TEXT
        assert library in (ROOT / "scripts/setup.sh").read_text()
        assert library in (ROOT / ".github/workflows/ci.yml").read_text()


def test_the_sources_of_every_stage_and_its_parameters_are_in_the_image():
    assert set(copied()) >= {
        "src",
        "params.yaml",
        "dvc.yaml",
        "dvc.lock",
        "data/dvc.yaml",
        "models",
        ".dvc/config",
    }


def test_the_health_check_is_a_module_of_the_project():
    words = json.loads(dict(INSTRUCTIONS)["HEALTHCHECK"].partition("CMD ")[2])
    assert words[:2] == ["python", "-m"]
    assert (ROOT / "src" / Path(*words[2].split("."))).with_suffix(".py").is_file()


def test_labels_say_what_the_project_says():
    found = dict(word.split("=", 1) for word in shlex.split(dict(INSTRUCTIONS)["LABEL"]))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    label = "org.opencontainers.image."
    assert found[f"{label}version"] == project["version"]
    assert found[f"{label}licenses"] == project["license"]
    assert found[f"{label}base.name"].endswith(dict(INSTRUCTIONS)["FROM"])
    assert found[f"{label}revision"] == "$REVISION"


def test_a_service_listens_where_the_image_says_and_keeps_its_state_in_a_folder_of_its_user():
    variables = {}
    for name, text in INSTRUCTIONS:
        if name == "ENV":
            variables |= dict(word.split("=", 1) for word in shlex.split(text))
    options = {option.envvar: option for option in resolve(["avfake", "serve"]).params}
    assert {name for name in variables if name.startswith("AVFAKE_")} <= set(options)
    assert str(options["AVFAKE_PORT"].default) == dict(INSTRUCTIONS)["EXPOSE"]
    assert variables["AVFAKE_STATE"] in shlex.split(
        next(text for _, text in INSTRUCTIONS if "install -d" in text)
    )
