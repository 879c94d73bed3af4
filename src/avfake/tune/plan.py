"""What is searched, as tune.yaml declares it: checked in whole against the sections of params.yaml.

The file is YAML 1.2, as params.yaml is.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from avfake.errors import UserError
from avfake.params import TrainParams
from avfake.tune.ranges import Range, make_range


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Pruning(_Closed):
    """The median rule: a trial below the median of the trials before it, at the same epoch, is given up.

    Attributes:
        after_trials: trials that must be complete before any is given up.
        after_epochs: epochs that every trial has.
    """

    after_trials: Annotated[int, Field(ge=1)]
    after_epochs: Annotated[int, Field(ge=1)]


class _File(_Closed):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    random_trials: Annotated[int, Field(ge=1)]
    pruning: Pruning | None
    ranges: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]


@dataclass(frozen=True)
class Plan:
    """A search that can be run.

    Attributes:
        name: of the study, and of its file.
        seed: of the sampler.
        random_trials: trials drawn at random before the sampler learns from them.
        pruning: None: every trial trains to its end.
        ranges: by the dotted path of the parameter, such as `train.lr`.
    """

    name: str
    seed: int
    random_trials: int
    pruning: Pruning | None
    ranges: dict[str, Range]

    def facts(self) -> dict[str, Any]:
        """What of the plan the trials depend on, for JSON."""
        return {
            "seed": self.seed,
            "random_trials": self.random_trials,
            "pruning": None if self.pruning is None else self.pruning.model_dump(),
            "ranges": {path: item.declared for path, item in self.ranges.items()},
        }


def read_plan(path: str | Path, base: TrainParams) -> Plan:
    """The plan of a file; every fault is said, not the first alone.

    Args:
        path: of the file, such as tune.yaml.
        base: the section `train`, whose schema the ranges are checked against.

    Raises:
        UserError: the file is missing or no YAML, or a key, a path or a range is not what it must be.
    """
    path = Path(path)
    tree, marked = _read(path)
    try:
        file = _File.model_validate(tree)
    except ValidationError as error:
        faults = [f"{path}: {_explained(item)}" for item in error.errors()]
        raise UserError(
            "\n".join(faults), "correct the file; docs/tune.md explains each of its keys"
        ) from None
    ranges, faults = {}, []
    for dotted, declared in file.ranges.items():
        try:
            ranges[dotted] = make_range(dotted, declared, type(base))
        except UserError as error:
            faults.append(f"{path}{_line(marked, dotted)}: `{dotted}`: {error.message}")
            remedy = error.remedy
    if faults:
        raise UserError("\n".join(faults), remedy)
    return Plan(file.name, file.seed, file.random_trials, file.pruning, ranges)


def _read(path: Path) -> tuple[Any, Any]:
    """The file's content as plain values, and with its lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return YAML(typ="safe").load(text), YAML().load(text)
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{path}: no such file", "declare what to search: docs/tune.md shows how") from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise UserError(f"{path}{line}: not valid YAML: {problem}", "correct the line") from None


def _explained(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"`{where}`: unknown key"
    if item["type"] == "missing":
        return f"`{where}`: missing"
    return f"`{where}`: {item['msg']}, got {item['input']!r}" if where else "expected keys such as `ranges:`"


def _line(marked: Any, dotted: str) -> str:
    return f" line {marked['ranges'].lc.key(dotted)[0] + 1}"
