"""Facts as numbers for a model, by rules that are learnt on the training clips and never from a label."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from avfake.audit.facts import FACTS, Fact
from avfake.evaluation.metrics import FloatArray

# A category beyond these is too rare to be learnt: all of them share the last code.
MOST_CATEGORIES = 250


class Encoder:
    """Turns facts into float64 columns: a number as it is, a category as its place by commonness in train.

    A category that train does not have becomes NaN, as missing numbers are. A missing category is one of its
    own, since that a file does not name its encoder may tell as much as a name; it is NaN where all are.

    Args:
        train: the facts of the training clips.
        facts: which of its columns.
    """

    def __init__(self, train: pd.DataFrame, facts: Sequence[Fact] = FACTS) -> None:
        self.facts = tuple(facts)
        self.names = tuple(fact.name for fact in self.facts)
        self.is_category = np.array([fact.category for fact in self.facts], dtype=bool)
        self._codes = {fact.name: _codes(train[fact.name]) for fact in self.facts if fact.category}

    def matrix(self, table: pd.DataFrame) -> FloatArray:
        """The facts of `table` as float64 [clips, facts]."""
        matrix = np.empty((len(table), len(self.facts)))
        for place, fact in enumerate(self.facts):
            if fact.category:
                codes = self._codes[fact.name]
                matrix[:, place] = [codes.get(_name(value), np.nan) for value in table[fact.name]]
            else:
                matrix[:, place] = table[fact.name]
        return matrix


def varies(column: FloatArray) -> bool:
    """Whether a column has two different values; to be missing is a value."""
    if column.size == 0:
        return False
    missing = np.isnan(column)
    return bool(missing.any() and not missing.all()) or bool(np.ptp(column) > 0)


def _codes(column: "pd.Series[str]") -> dict[str | None, int]:
    counts = Counter(_name(value) for value in column)
    if set(counts) == {None}:
        return {}
    ranked = sorted(counts, key=lambda name: (-counts[name], name is None, name or ""))
    return {name: min(place, MOST_CATEGORIES) for place, name in enumerate(ranked)}


def _name(value: object) -> str | None:
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]
