"""Parameters of the tools: ranges and choices within limits."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from pydantic import AfterValidator

Value = TypeVar("Value")


def within(low: float, high: float) -> AfterValidator:
    """For a `Range`: both of its values must lie between the limits."""

    def check(values: list[float]) -> list[float]:
        if not (low <= values[0] and values[1] <= high):  # NaN is in no range
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return values

    return AfterValidator(check)


def each(allowed: Callable[[int], bool], rule: str) -> AfterValidator:
    """For a list of numbers to choose from: `rule` says what each of them must be."""

    def check(values: list[int]) -> list[int]:
        wrong = [value for value in values if not allowed(value)]
        if wrong:
            raise ValueError(f"{rule}, not {', '.join(map(str, wrong))}")
        return values

    return AfterValidator(check)


def draw_count(bounds: list[float], rng: np.random.Generator) -> int:
    """A whole number drawn evenly from a `Range`, both ends included."""
    return int(rng.integers(round(bounds[0]), round(bounds[1]) + 1))


def choose(values: list[Value], rng: np.random.Generator) -> Value:
    """One of them, all equally likely."""
    return values[int(rng.integers(len(values)))]
