"""Scores to probabilities that can be taken at their word, as a fixed rule that was fitted on validation.

Applying one needs numpy alone; `avfake.decision.fit` makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.errors import UserError

Floats = NDArray[np.float64]
PLATT, ISOTONIC, NONE = "platt", "isotonic", "none"
# Score files have six decimals: a written 0 or 1 stands for anything up to half the last of them.
_RESOLUTION = 5e-7


@dataclass(frozen=True)
class Calibration:
    """A rising function of the score.

    Attributes:
        method: `platt`: the logistic function of slope * log-odds + intercept (Platt 1999). `isotonic`: steps
            that rise, joined by straight lines (Zadrozny and Elkan 2002). `none`: there is none.
        why: how it came about, or why there is none; for people.
        slope, intercept: of Platt, else 0.
        scores, probabilities: of isotonic, [k] each, rising; else empty.
    """

    method: str
    why: str
    slope: float = 0.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def probability(self, score: float) -> float | None:
        """The calibrated probability of fake, in (0, 1); None where there is no calibration."""
        if self.method == PLATT:
            return float(1 / (1 + np.exp(-(self.slope * float(log_odds(score)) + self.intercept))))
        if self.method == ISOTONIC:
            return float(np.interp(score, self.scores, self.probabilities))
        return None

    def facts(self) -> dict[str, Any]:
        """As decision.json has it: what the method does not have is left out."""
        facts: dict[str, Any] = {"method": self.method, "why": self.why}
        if self.method == PLATT:
            facts |= {"slope": self.slope, "intercept": self.intercept}
        if self.method == ISOTONIC:
            facts |= {"scores": list(self.scores), "probabilities": list(self.probabilities)}
        return facts

    @staticmethod
    def read(facts: Mapping[str, Any]) -> "Calibration":
        """What `facts` wrote.

        Raises:
            UserError: the method is not known here.
            KeyError, TypeError, ValueError: it is not what `facts` writes.
        """
        method, why = str(facts["method"]), str(facts["why"])
        if method == PLATT:
            return Calibration(method, why, float(facts["slope"]), float(facts["intercept"]))
        if method == ISOTONIC:
            scores, values = (tuple(map(float, facts[key])) for key in ("scores", "probabilities"))
            if len(scores) != len(values) or not scores:
                raise ValueError("`scores` and `probabilities` are not of one length")
            return Calibration(method, why, scores=scores, probabilities=values)
        if method == NONE:
            return Calibration(method, why)
        raise UserError(
            f"calibration `{method}`: this avfake does not know it", "make it anew: `dvc repro decide`"
        )


def log_odds(score: float | Floats) -> Floats:
    """Log-odds of scores from score files; those of 0 and 1 are finite."""
    inside = np.clip(score, _RESOLUTION, 1 - _RESOLUTION)
    odds: Floats = np.log(inside / (1 - inside))
    return odds
