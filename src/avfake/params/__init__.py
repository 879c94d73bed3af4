"""Loading params.yaml: one section at a time, checked against its schema, every fault named with its line.

The file is read as YAML 1.2, as DVC reads it (PyYAML would take `1e-3` for a string).
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from avfake.errors import UserError
from avfake.params.featurize import (
    BandParams,
    CqtParams,
    FeaturizeParams,
    FrameLinesParams,
    LfccParams,
    LogLinearParams,
    LogMelParams,
)
from avfake.params.sections import (
    AuditParams,
    AugmentParams,
    DataParams,
    DecideParams,
    EvaluateParams,
    ExtractParams,
    GateParams,
    MemoParams,
    ParallelParams,
    PredictParams,
    ResplitParams,
    RobustnessParams,
    RulesParams,
    SampleParams,
    Section,
)
from avfake.params.train import (
    AugmentationParams,
    DistilParams,
    EnsembleParams,
    TrainParams,
    VisualParams,
)

__all__ = [
    "SECTIONS",
    "AuditParams",
    "AugmentParams",
    "AugmentationParams",
    "BandParams",
    "CqtParams",
    "DataParams",
    "DecideParams",
    "DistilParams",
    "EnsembleParams",
    "EvaluateParams",
    "ExtractParams",
    "FeaturizeParams",
    "FrameLinesParams",
    "GateParams",
    "LfccParams",
    "LogLinearParams",
    "LogMelParams",
    "MemoParams",
    "ParallelParams",
    "PredictParams",
    "ResplitParams",
    "RobustnessParams",
    "RulesParams",
    "SampleParams",
    "Section",
    "TrainParams",
    "VisualParams",
    "load",
    "load_all",
]

SECTIONS: dict[str, type[Section]] = {
    "data": DataParams,
    "parallel": ParallelParams,
    "memo": MemoParams,
    "sample": SampleParams,
    "augment": AugmentParams,
    "extract": ExtractParams,
    "featurize": FeaturizeParams,
    "resplit": ResplitParams,
    "train": TrainParams,
    "predict": PredictParams,
    "decide": DecideParams,
    "evaluate": EvaluateParams,
    "robustness": RobustnessParams,
    "audit": AuditParams,
    "gate": GateParams,
    "rules": RulesParams,
}

S = TypeVar("S", bound=Section)


def load(model: type[S], path: str | Path = "params.yaml") -> S:
    """One section of params.yaml, checked; the values of the other sections are not looked at.

    Raises:
        UserError: the file is missing or no YAML, holds an unknown section, lacks this one, or a value
            of this section is unknown, missing, of the wrong type or out of range.
    """
    name = next(key for key, value in SECTIONS.items() if value is model)
    tree = _read(Path(path))
    for key in tree:
        if key not in SECTIONS:
            raise UserError(
                f"{path}{_line(Path(path), [str(key)])}: unknown section `{key}`",
                f"remove it, or use one of: {', '.join(SECTIONS)}",
            )
    if name not in tree:
        raise UserError(f"{path}: section `{name}` is missing", "restore it, e.g. `git checkout params.yaml`")
    try:
        return model.model_validate(tree[name])
    except ValidationError as error:
        raise _explained(Path(path), name, error) from None


def load_all(path: str | Path = "params.yaml") -> dict[str, Section]:
    """Every section, checked. Raises as `load` does, for the first section that is wrong."""
    return {name: load(model, path) for name, model in SECTIONS.items()}


def _read(path: Path) -> dict[Any, Any]:
    try:
        tree = _parsed(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file", "run from the folder that holds params.yaml (the repository's root)"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise UserError(f"{path}{line}: not valid YAML: {problem}", "correct the line") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path}: expected sections such as `train:`", "restore the file from Git")
    return tree


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """The YAML of a text, only to be read. A stage loads several sections, and each parse takes long."""
    return YAML(typ="safe").load(text)


def _explained(path: Path, section: str, error: ValidationError) -> UserError:
    problems = []
    for item in error.errors():
        keys = [section, *(str(part) for part in item["loc"])]
        dotted = ".".join(keys)
        if item["type"] == "extra_forbidden":
            text = "unknown parameter"
        elif item["type"] == "missing":
            text = "missing parameter"
        else:
            message = item["msg"].removeprefix("Value error, ")
            text = message if len(keys) == 1 else f"{message}, got {item['input']!r}"
        problems.append(f"{path}{_line(path, keys)}: `{dotted}`: {text}")
    return UserError(
        "\n".join(problems), "correct the value; each key is explained by its comment in params.yaml"
    )


def _line(path: Path, keys: list[str]) -> str:
    """` line N` of a dotted key, or of its nearest parent that stands in the file."""
    node: Any = YAML().load(path.read_text(encoding="utf-8-sig"))
    line = None
    for key in keys:
        if not isinstance(node, CommentedMap) or key not in node:
            break
        line = node.lc.key(key)[0] + 1
        node = node[key]
    return f" line {line}" if line else ""
