"""Trials as experiments of DVC, which `dvc exp show`, `diff`, `apply` and `branch` know as their own.

An experiment is a commit under refs/exps/<baseline>/<name>, grown from the baseline commit (DVC 3.67,
dvc/repo/experiments/refs.py and executor/base.py). `dvc exp save` would write the same commit, but from the
workspace, and with a dvc.lock that says the outputs lying there were made with the trial's values
(`dvc.commit(force=True)`), which is not so: a trial runs no stage. Hence the commit is written here, by Git,
from an index of its own: neither workspace nor index of the user is touched, and dvc.lock stays as it was.
Figures of stages that a trial's values would change are left out, for they are not the trial's.
"""

import json
import os
import posixpath
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from avfake.errors import RunError, UserError
from avfake.gate.git import open_repository

PARAMS = "params.yaml"
METRICS = "tune/trial.json"
# DVC reads the dvc.yaml of any folder; this one only names the trial's figures.
DECLARED = "tune/dvc.yaml"
_REFS = "refs/exps"
_FILE = "100644"


class Experiments:
    """The experiments that grow from the commit checked out at `root`.

    They hold every file that Git knows, as it lies in the workspace now: who edits files while a search runs
    does not change what its trials are said to be of.

    Raises:
        UserError: `root` is not the root of a Git and DVC repository with a commit, or Git has no name to
            sign commits with.
    """

    def __init__(self, root: Path) -> None:
        repository = open_repository(root)
        self.root = repository.root
        self.baseline = repository.resolve("HEAD")
        try:
            self._git("var", "GIT_COMMITTER_IDENT")
        except RunError as error:
            raise UserError(
                f"Git cannot write experiments: {error.message}",
                "`git config user.name NAME` and `git config user.email ADDRESS`",
            ) from None
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            self._git("read-tree", self.baseline, index=index)
            self._git("add", "--update", index=index)
            if stale := later_metrics(root / "dvc.yaml", "train"):
                self._git("rm", "--cached", "--quiet", "--ignore-unmatch", "--", *stale, index=index)
            self._tree = self._git("write-tree", index=index)

    def has(self, name: str) -> bool:
        """Whether this baseline has an experiment of that name."""
        return bool(self._git("for-each-ref", self._ref(name)))

    def save(self, name: str, params: str, figures: Mapping[str, Any], message: str) -> str:
        """Writes an experiment, in place of the one of that name.

        Args:
            name: such as `tune-default-007`.
            params: text of params.yaml.
            figures: of the trial, for tune/trial.json.
            message: of the commit.

        Returns:
            the commit.

        Raises:
            RunError: Git refuses.
        """
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            self._git("read-tree", self._tree, index=index)
            files = {
                PARAMS: params,
                METRICS: json.dumps(figures, indent=2, allow_nan=False) + "\n",
                DECLARED: f"metrics:\n  - {posixpath.basename(METRICS)}\n",
            }
            for path, text in files.items():
                blob = self._git("hash-object", "-w", "--stdin", f"--path={path}", text=text)
                self._git("update-index", "--add", "--cacheinfo", f"{_FILE},{blob},{path}", index=index)
            tree = self._git("write-tree", index=index)
        commit = self._git("commit-tree", tree, "-p", self.baseline, "-m", message)
        self._git("update-ref", self._ref(name), commit)
        return commit

    def _ref(self, name: str) -> str:
        return f"{_REFS}/{self.baseline[:2]}/{self.baseline[2:]}/{name}"

    def _git(self, *arguments: str, index: Path | None = None, text: str | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=dict(os.environ) if index is None else os.environ | {"GIT_INDEX_FILE": str(index)},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RunError(f"`git {arguments[0]}`: {done.stderr.strip()}", "look at what Git says")
        return done.stdout.strip()


def later_metrics(dvc_yaml: Path, section: str) -> list[str]:
    """Files of metrics of the stages that read a section of params.yaml, and of the stages after them."""
    if not dvc_yaml.is_file():
        return []
    stages = YAML(typ="safe").load(dvc_yaml.read_text(encoding="utf-8")).get("stages") or {}
    found = [name for name, stage in stages.items() if _reads(stage, section)]
    for name in found:  # grows while it is gone through
        made = [*_paths(stages[name], "outs"), *_paths(stages[name], "metrics")]
        for other, stage in stages.items():
            deps = _paths(stage, "deps")
            if other not in found and any(
                dep == out or dep.startswith(f"{out}/") for dep in deps for out in made
            ):
                found.append(other)
    return sorted(path for name in found for path in _paths(stages[name], "metrics"))


def _reads(stage: Mapping[str, Any], section: str) -> bool:
    return any(isinstance(key, str) and key.partition(".")[0] == section for key in stage.get("params") or [])


def _paths(stage: Mapping[str, Any], kind: str) -> list[str]:
    """Paths of a list whose items are paths, or paths with their settings."""
    return [path for item in stage.get(kind) or [] for path in ([item] if isinstance(item, str) else item)]
