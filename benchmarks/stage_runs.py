"""The pipeline's stages run outside DVC, for comparisons that train with many sets of parameters.

Stages, what they read, write and depend on come from dvc.yaml. Each stage runs once per distinct input: in a
folder named by a hash of the parameters that dvc.yaml says it reads and of the stages before it, whose
outputs are linked in. So clips are extracted once, windows are made once per section `featurize`, and what is
done is not done again. Neither code nor the clips of the data root are part of the hash: with others, use
another folder.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from avfake.errors import RunError, UserError
from avfake.files import sha256_file, write_json
from avfake.memo import memo_key
from avfake.params import SECTIONS

ROOT = Path(__file__).parents[1]
DONE = "done.json"
ROOT_OF_DATA = "${data.root}"
# They never change a byte of an output.
WITHOUT_EFFECT = ("memo", "parallel")

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml.

    Attributes:
        sections: of params.yaml, or dotted paths in it, that change what it makes.
        inputs: paths that other stages make.
        others: further inputs that are no code, as dvc.yaml writes them.
        outs: paths that it makes.
    """

    sections: tuple[str, ...]
    inputs: tuple[str, ...]
    others: tuple[str, ...]
    outs: tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """A stage that is done: its folder, and what it took by the clock and of processor time."""

    folder: Path
    seconds: float
    cpu_seconds: float


def read_stages(file: Path = ROOT / "dvc.yaml") -> dict[str, Stage]:
    """The stages of dvc.yaml by name."""
    tree = YAML(typ="safe").load(file.read_text(encoding="utf-8"))["stages"]
    made = {path for entry in tree.values() for path in entry.get("outs", [])}
    stages = {}
    for name, entry in tree.items():
        deps = [path for path in entry["deps"] if not path.startswith("src/")]
        stages[name] = Stage(
            sections=tuple(path for path in entry["params"] if path not in WITHOUT_EFFECT),
            inputs=tuple(path for path in deps if path in made),
            others=tuple(path for path in deps if path not in made),
            outs=tuple(entry.get("outs", [])),
        )
    return stages


def with_changes(params: Params, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested parameters with other values at dotted paths. Raises UserError for an unknown one."""
    copy: dict[str, Any] = json.loads(json.dumps(params))
    for path, value in changes.items():
        *parents, last = path.split(".")
        node: Any = copy
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node:
            raise UserError(f"params.yaml has no `{path}`", "see params.yaml for the names")
        node[last] = value
    return copy


class Runs:
    """The stages of a comparison in the folder `work`, on the clips of `root`."""

    def __init__(self, work: Path, root: Path) -> None:
        self.work, self.root = work.resolve(), root.resolve()
        self.stages = read_stages()
        self.maker = {out: name for name, stage in self.stages.items() for out in stage.outs}

    def complete(self, params: Params) -> dict[str, Any]:
        """The parameters with this comparison's data root and memo."""
        return with_changes(params, {"data.root": str(self.root), "memo.folder": str(self.work / ".memo")})

    def check(self, params: Params, name: str) -> None:
        """Raises UserError, naming `name`, if the values are not those of params.yaml's schema."""
        tree = self.complete(params)
        for section, model in SECTIONS.items():
            try:
                model.model_validate(tree.get(section))
            except ValidationError as error:
                item = error.errors()[0]
                path = ".".join(str(part) for part in (section, *item["loc"]))
                raise UserError(f"{name}: `{path}`: {item['msg']}", "see params.yaml") from None

    def folder(self, name: str, params: Params) -> Path:
        """Where a stage runs, or has run, with these parameters."""
        return self.work / name / self._key(name, self.complete(params))[:16]

    def done(self, name: str, params: Params) -> Ran | None:
        """The stage with these parameters, if it is done."""
        folder = self.folder(name, params)
        if not (folder / DONE).is_file():
            return None
        return Ran(folder, **json.loads((folder / DONE).read_text(encoding="utf-8")))

    def make(self, name: str, params: Params) -> Ran:
        """Runs the stage and those before it, as far as they are not done.

        Raises:
            RunError: it failed; it has said why.
        """
        if (found := self.done(name, params)) is not None:
            return found
        folder, stage = self.folder(name, params), self.stages[name]
        for path in stage.inputs:
            source = self.make(self.maker[path], params).folder / path
            _link(folder / path, source)
        for text in stage.others:
            path, source = _resolved(text, params), ROOT / _resolved(text, params)
            if text != ROOT_OF_DATA and source.exists() and not Path(path).is_absolute():
                _link(folder / path, source)
        write_json(folder / "params.yaml", self.complete(params))  # JSON is YAML 1.2
        before, start = _cpu_seconds(), time.monotonic()
        self.run(name, folder)
        took = {"seconds": time.monotonic() - start, "cpu_seconds": _cpu_seconds() - before}
        write_json(folder / DONE, {key: round(value, 1) for key, value in took.items()})
        return Ran(folder, **took)

    def run(self, name: str, folder: Path) -> None:
        """Runs a stage in a folder that holds its inputs. Raises RunError if it fails."""
        done = subprocess.run(
            [sys.executable, "-m", f"avfake.stages.{name}"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            check=False,
        )
        if done.returncode:
            raise RunError(f"stage {name} ended with {done.returncode} in {folder}", "see what it said above")

    def _key(self, name: str, params: Params) -> str:
        stage = self.stages[name]
        before = sorted({self.maker[path] for path in stage.inputs})
        return memo_key(
            {
                "stage": name,
                "params": {path: _value(params, path) for path in stage.sections},
                "before": [self._key(other, params) for other in before],
                "others": [_other(text, params) for text in stage.others],
            }
        )


def _value(params: Params, path: str) -> Any:
    node: Any = params
    for key in path.split("."):
        node = node[key]
    return node


def _resolved(text: str, params: Params) -> str:
    """A path of dvc.yaml with the values of parameters in it."""
    return re.sub(r"\$\{([\w.]+)\}", lambda match: str(_value(params, match[1])), text)


def _other(text: str, params: Params) -> list[Any]:
    """What a further input is: its path, and the hashes of its files; of a data root the path alone."""
    path = _resolved(text, params)
    source = ROOT / path
    if text == ROOT_OF_DATA:
        return [path]
    files = sorted(item for item in source.rglob("*") if item.is_file()) if source.is_dir() else [source]
    return [path, [[os.path.relpath(item, source), sha256_file(item)] for item in files if item.is_file()]]


def _link(path: Path, source: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(source, target_is_directory=source.is_dir())


def _cpu_seconds() -> float:
    """Processor time of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
