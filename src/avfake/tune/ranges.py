"""One declared range: the parameter's type decides what its numbers mean, its schema whether they may be.

`{low: 1e-4, high: 3e-3, log: true}`, `{low: 2, high: 8, step: 2}` or `{choices: [adam, sgd]}`.
"""

import difflib
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from avfake.errors import UserError

SECTION = "train"
DIGITS = 4
# The best of several seeds is luck, and the machine is no property of a recipe.
NOT_SEARCHED = {
    "seed": "the best of several seeds is luck",
    "device": "the machine is no part of a recipe",
    "threads": "the machine is no part of a recipe",
    "modality": "it decides which clips there are to train on",
}
_KEYS = ({"low", "high", "log", "step"}, {"choices"})
Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Range:
    """The values that one parameter may take.

    Attributes:
        path: dotted, such as `train.lr`.
        declared: as it stands in the file.
        distribution: the same for Optuna.
    """

    path: str
    declared: dict[str, Any]
    distribution: FloatDistribution | IntDistribution | CategoricalDistribution

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        if isinstance(self.distribution, CategoricalDistribution):
            return any(
                value == choice and type(value) is type(choice) for choice in self.distribution.choices
            )
        span = self.distribution
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not span.low <= value <= span.high
        ):
            return False
        steps = (value - span.low) / span.step if span.step else 0
        return abs(steps - round(steps)) < 1e-8

    def rounded(self, value: Any) -> Any:
        """A drawn value as it is trained with and written: four digits, inside the range.

        So that params.yaml holds numbers that a person can read, and holds them exactly.
        """
        if not isinstance(self.distribution, FloatDistribution) or self.distribution.step is not None:
            return value
        short = float(f"{value:.{DIGITS}g}")
        return min(max(short, self.distribution.low), self.distribution.high)


def make_range(path: str, declared: dict[str, Any], section: type[BaseModel]) -> Range:
    """A range that the parameter's schema allows, checked at its ends or at every choice.

    Args:
        path: dotted, with the section's name in front.
        declared: the keys low and high, and perhaps log or step; or choices.
        section: the schema of the section `train`.

    Raises:
        UserError: no such parameter (with the nearest names), one that is not searched, or a range that it
            cannot have; without the file's name, which the caller knows.
    """
    field = _field(path, section)
    if not any(set(declared) <= keys for keys in _KEYS) or not declared:
        raise UserError(
            "expected low and high, perhaps with log or step, or choices; got"
            f" {', '.join(declared) or 'nothing'}",
            "docs/tune.md shows the three forms",
        )
    distribution = _choices(declared["choices"]) if "choices" in declared else _numbers(declared, field)
    ends = declared.get("choices") or [declared["low"], declared["high"]]
    kind: Any = Annotated[field.annotation, field]
    schema: TypeAdapter[Any] = TypeAdapter(kind)
    for value in ends:
        try:
            schema.validate_python(value, strict=True)
        except ValidationError as error:
            message = error.errors()[0]["msg"]
            raise UserError(f"{message}, got {value!r}", "give values that the parameter can have") from None
    return Range(path, declared, distribution)


def parameters(section: type[BaseModel], prefix: str = SECTION) -> Iterator[tuple[str, FieldInfo]]:
    """Every parameter of a section that is a single value, with its dotted path."""
    for name, field in section.model_fields.items():
        path, inner = f"{prefix}.{name}", field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from parameters(inner, path)
        else:
            yield path, field


def _field(path: str, section: type[BaseModel]) -> FieldInfo:
    known = dict(parameters(section))
    head, _, rest = path.partition(".")
    if head != SECTION:
        raise UserError(
            f"only parameters of `{SECTION}` are searched: the trials share the features that are there",
            f"name it `{SECTION}.<parameter>`, or change the other section and make the features anew",
        )
    if rest in NOT_SEARCHED:
        raise UserError(f"is not searched: {NOT_SEARCHED[rest]}", "take it out of the ranges")
    if path not in known:
        raise UserError("no such parameter", f"the nearest are: {', '.join(_nearest(path, list(known)))}")
    return known[path]


def _nearest(path: str, known: list[str]) -> list[str]:
    """Paths that may be meant: by the last word, then by the whole."""
    last = path.rpartition(".")[2]
    words = difflib.get_close_matches(last, [name.rpartition(".")[2] for name in known], n=2)
    named = [name for word in words for name in known if name.rpartition(".")[2] == word]
    return list(dict.fromkeys([*named, *difflib.get_close_matches(path, known, n=2)])) or known


def _choices(values: Any) -> CategoricalDistribution:
    if not isinstance(values, list) or len(values) < 2:
        raise UserError(f"choices: expected a list of two at least, got {values!r}", "name two or more")
    for value in values:
        if not isinstance(value, Scalar):
            raise UserError(f"choices: {value!r} is not a single value", "name words, numbers, true or null")
    if len({(type(value), value) for value in values}) < len(values):
        raise UserError(f"choices: the same value twice in {values}", "name each once")
    return CategoricalDistribution(values)


def _numbers(declared: dict[str, Any], field: FieldInfo) -> IntDistribution | FloatDistribution:
    kinds = set(_kinds(field.annotation))
    if not kinds & {int, float}:
        raise UserError("is not a number", "declare it by choices: [...]")
    missing = [key for key in ("low", "high") if key not in declared]
    if missing:
        raise UserError(f"missing: {' and '.join(missing)}", "give both ends of the range")
    low, high, step = declared["low"], declared["high"], declared.get("step")
    log = declared.get("log", False)
    numbers = [low, high] if step is None else [low, high, step]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        raise UserError(f"low, high and step must be numbers, got {numbers}", "correct them")
    if not isinstance(log, bool):
        raise UserError(f"log must be true or false, got {log!r}", "correct it")
    if float not in kinds and any(isinstance(value, float) for value in numbers):
        raise UserError(f"takes whole numbers, got {numbers}", "correct them")
    if low >= high:
        raise UserError(f"low must be below high, got {low} and {high}", "correct them")
    try:
        with warnings.catch_warnings():
            # Optuna moves the upper end and warns where the steps do not meet it.
            warnings.simplefilter("error")
            if float in kinds:
                width = None if step is None else float(step)
                return FloatDistribution(float(low), float(high), log=log, step=width)
            return IntDistribution(int(low), int(high), log=log, step=1 if step is None else int(step))
    except (ValueError, UserWarning) as error:
        raise UserError(str(error).rstrip("."), "correct the range") from None


def _kinds(annotation: Any) -> Iterator[type]:
    """The types that an annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _kinds(part)
    elif origin is Literal:
        yield from (type(value) for value in get_args(annotation))
    elif isinstance(annotation, type):
        yield annotation
