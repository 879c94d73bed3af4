"""A temporary clone of the project in which the real pipeline runs on tiny clips within seconds.

workspace = clone(folder)              # every file that Git knows, committed, the real params shrunk
make_root(workspace.folder / DATA, ...)
workspace.repro().ran                  # ["extract", "featurize", ...]
"""

import csv
import fcntl
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from small import DATA as DATA
from small import SMALL as SMALL

ROOT = Path(__file__).parents[1]
STAGES = [
    "augment", "extract", "featurize", "resplit", "train", "predict", "decide", "evaluate", "robustness",
    "audit",
]  # fmt: skip
OUTPUTS = [
    "data/augmented",
    "data/labels",
    "data/extracted",
    "data/facts",
    "data/features",
    "data/resplit",
    "data/training",
    "data/predictions",
    "data/evaluation",
    "data/robustness",
    "data/audit",
    "models",
    "metrics",
    "plots",
]
# What the stages up to `evaluate` write. The two after it load the detector anew: that is most of a run.
UP_TO_EVALUATE = [name for name in OUTPUTS if name not in ("data/robustness", "data/audit", "metrics")]


def set_params(folder: Path, values: dict[str, Any]) -> None:
    """Changes values of params.yaml that exist, as a person would: comments and order stay."""
    path = folder / "params.yaml"
    path.write_text(_with_values(path.read_text(encoding="utf-8"), repr(values)), encoding="utf-8")


@lru_cache(maxsize=64)
def _with_values(text: str, values: str) -> str:
    """The text of params.yaml with other values, as Python writes them; many tests ask for the same."""
    yaml = YAML()
    yaml.width = 10_000
    tree = yaml.load(text)
    for dotted, value in literal_eval(values).items():
        *parents, last = dotted.split(".")
        node = reduce(getitem, parents, tree)
        if last not in node:
            raise KeyError(f"params.yaml has no {dotted}")
        if isinstance(value, list):  # in one line: a comment ends it
            value = CommentedSeq(value)
            value.fa.set_flow_style()
        node[last] = value
    stream = io.StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue()


def environment(folder: Path) -> dict[str, str]:
    """The variables of a command in `folder`: its own source, nobody's Git or DVC configuration."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "PYTEST_"))
    }
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src" if (folder / "src").is_dir() else ROOT / "src"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder.parent / f"{folder.name}-dvc"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }


def run(folder: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a command in `folder`; standard error is part of `stdout`, as on a terminal."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=900,
    )
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done


def stage(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Runs one stage as DVC does, without DVC; the exit code is for the caller to look at."""
    return run(folder, sys.executable, "-m", f"avfake.stages.{name}", check=False)


def hashes(folder: Path, *outputs: str) -> dict[str, str]:
    """SHA-256 of every file of the outputs, by its path; all outputs if none is named."""
    found = {}
    for output in outputs or OUTPUTS:
        for path in sorted((folder / output).rglob("*")):
            if path.is_file() and path.name != ".gitignore":
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@dataclass(frozen=True)
class Repro:
    """What one `dvc repro` did, by stage, from its own words."""

    text: str
    ran: list[str] = field(init=False)
    restored: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ran", re.findall(r"^Running stage '([^']+)'", self.text, re.M))
        object.__setattr__(self, "restored", re.findall(r"^Stage '([^']+)' is cached", self.text, re.M))

    def decoded(self) -> tuple[int, int]:
        """(clips of the root, clips that were really opened) as `extract` reports them."""
        match = re.search(r"^extract: (\d+) clips?, (\d+) decoded", self.text, re.M)
        assert match, f"extract said nothing of decoded clips:\n{self.text}"
        return int(match[1]), int(match[2])


@dataclass(frozen=True)
class Workspace:
    """A clone of the project in `folder`."""

    folder: Path

    def repro(self, *arguments: str) -> Repro:
        """`dvc repro`; raises AssertionError with all output if it fails."""
        return Repro(self.dvc("repro", *arguments))

    def dvc(self, *arguments: str) -> str:
        """A dvc command's output; raises AssertionError if it fails."""
        return run(self.folder, sys.executable, "-m", "dvc", *arguments).stdout

    def commit(self, message: str) -> None:
        """Commits every file that Git does not ignore."""
        run(self.folder, "git", "add", "-A")
        run(self.folder, "git", "commit", "-q", "-m", message)

    def set(self, **values: Any) -> None:
        """`set(train__lr=0.1)` changes `train.lr`."""
        set_params(self.folder, {name.replace("__", "."): value for name, value in values.items()})

    def copy(self, folder: Path) -> "Workspace":
        """The same state in another folder: outputs, DVC's cache and memo included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder)

    def fresh(self, folder: Path) -> "Workspace":
        """The same sources, parameters and clips in another folder, and nothing that was ever computed."""
        computed = {self.folder / name for name in (*OUTPUTS, ".memo", ".dvc/cache", ".dvc/tmp", "dvc.lock")}
        shutil.copytree(
            self.folder,
            folder,
            ignore=lambda parent, names: [name for name in names if Path(parent) / name in computed],
        )
        return Workspace(folder)

    def forget(self) -> None:
        """Deletes the memo and DVC's run cache, so that a stage that must run really computes."""
        shutil.rmtree(self.folder / ".memo", ignore_errors=True)
        shutil.rmtree(self.folder / ".dvc/cache/runs", ignore_errors=True)

    def repro_killed(self, name: str, seconds: float) -> bool:
        """Kills a `dvc repro` and its children `seconds` after a stage began; False: it was done before.

        Then does what `make repro` does first: the kill may have met DVC while it wrote dvc.lock.
        """
        log = self.folder.parent / f"{self.folder.name}-killed.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "dvc", "repro"],
                cwd=self.folder,
                env=environment(self.folder),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 300
        while f"Running stage '{name}'" not in log.read_text():
            if process.poll() is not None:
                assert process.returncode == 0, f"dvc repro failed before it was killed:\n{log.read_text()}"
                return False
            assert time.monotonic() < deadline, f"{name} did not begin:\n{log.read_text()}"
            time.sleep(0.02)
        time.sleep(seconds)
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        run(self.folder, sys.executable, "scripts/mend_lock.py", "dvc.lock", ".dvc/tmp/rwlock")
        return alive


def once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """A folder that is built once per test run, by whichever test process asks first; only to be read."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the test processes' folders lie in one
        shared = shared.parent
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def clone(folder: Path) -> Workspace:
    """Copies every file that Git knows or would add, commits them, then shrinks the real parameters."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run(folder, "git", "init", "-q", "-b", "main")
    workspace = Workspace(folder)
    workspace.commit("The project")
    set_params(folder, SMALL)
    return workspace


def label_rows(path: Path) -> list[list[str]]:
    """The rows of a label file, header included."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write_rows(path: Path, rows: list[list[str]]) -> None:
    """Writes a label file anew."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
