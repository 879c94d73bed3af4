"""How often real clips of validation score as high: the false-positive rate along the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FalseAlarms:
    """Scores of the real validation clips.

    Attributes:
        scores: those that occur, ascending, as score files have them. at_least: how many real clips have this
            score or a higher one; the first is all of them.
    """

    scores: tuple[float, ...]
    at_least: tuple[int, ...]

    @property
    def n_real(self) -> int:
        """How many real clips there are."""
        return self.at_least[0] if self.at_least else 0

    def rate(self, score: float) -> float | None:
        """Share of the real clips with a score at least as high; None where there is no real clip."""
        if not self.n_real:
            return None
        place = int(np.searchsorted(self.scores, score, side="left"))
        return self.at_least[place] / self.n_real if place < len(self.scores) else 0.0

    def facts(self) -> dict[str, Any]:
        """As decision.json has it."""
        return {"n_real": self.n_real, "scores": list(self.scores), "at_least": list(self.at_least)}

    @staticmethod
    def read(facts: Mapping[str, Any]) -> "FalseAlarms":
        """What `facts` wrote. Raises KeyError, TypeError or ValueError if it is something else."""
        scores, counts = tuple(map(float, facts["scores"])), tuple(map(int, facts["at_least"]))
        if len(scores) != len(counts) or list(scores) != sorted(scores):
            raise ValueError("`scores` and `at_least` do not belong together")
        return FalseAlarms(scores, counts)

    @staticmethod
    def of(scores: Sequence[float] | NDArray[np.float64]) -> "FalseAlarms":
        """Of the scores of real clips, in any order."""
        found, counts = np.unique(np.asarray(scores, np.float64), return_counts=True)
        at_least = np.cumsum(counts[::-1])[::-1]
        return FalseAlarms(tuple(found.tolist()), tuple(at_least.tolist()))
