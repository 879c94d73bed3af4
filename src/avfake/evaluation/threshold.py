"""The threshold above which a clip is called fake, chosen on validation and used on every split."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from avfake.evaluation.metrics import (
    ROUNDING,
    FloatArray,
    NoFigure,
    checked,
    need_both_classes,
    need_clips,
)
from avfake.evaluation.split import SplitScores
from avfake.params import EvaluateParams

Rule = Literal["youden", "eer", "fixed_fpr"]

# Scores are written with six decimals; so is the threshold, where that calls the same clips fake.
DECIMALS = 6
# Above every possible score: nothing is called fake.
ABOVE_ALL = 1 + 10.0**-DECIMALS


@dataclass(frozen=True)
class Threshold:
    """A clip is called fake where its score is at least `value`; `why` tells how it came about."""

    value: float
    why: str


def choose(target: npt.ArrayLike, score: npt.ArrayLike, rule: Rule, fpr: float) -> Threshold:
    """Chooses the threshold by `rule` on the given (validation) clips.

    The rule picks which clips are called fake; the value is then put halfway to the next lower score, so
    that on new clips neither class is favoured. Of equally good thresholds the one with the fewest false
    alarms is taken.

    Args:
        target: int [n], 1 = fake.
        score: float [n], probability of fake.
        rule: `youden` (Youden 1950): largest TPR - FPR; `eer`: FPR and miss rate nearest to each other;
            `fixed_fpr`: largest TPR at an FPR of at most `fpr`.
        fpr: only read by `fixed_fpr`.

    Raises:
        NoFigure: the clips are of one class, or there are none.
        ValueError: unknown rule, or bad arrays.
    """
    t, s = checked(target, score)
    need_both_classes(t)
    rates, hits, values = roc_curve(t, s, drop_intermediate=False)
    # The first point calls nothing fake; only `fixed_fpr` may be driven to it.
    if rule == "youden":
        position = 1 + _first_best(hits[1:] - rates[1:])
        text = "largest TPR - FPR"
    elif rule == "eer":
        position = 1 + _first_best(-np.abs(rates[1:] + hits[1:] - 1))
        text = "FPR and miss rate nearest to each other"
    elif rule == "fixed_fpr":
        position = _first_best(np.where(rates <= fpr + ROUNDING, hits, -1.0))
        text = f"largest TPR at an FPR of at most {fpr:g}"
    else:
        raise ValueError(f"unknown threshold rule {rule!r}")
    why = f"{rule} on validation ({text}): TPR {hits[position]:.4f}, FPR {rates[position]:.4f} there"
    if position == 0:
        return Threshold(_between(float(s.max()), ABOVE_ALL), f"{why}: no clip is called fake")
    upper = float(values[position])
    below = s[s < upper]
    return Threshold(_between(float(below.max()) if below.size else 0.0, upper), why)


def choose_threshold(validation: SplitScores, params: EvaluateParams) -> Threshold | NoFigure:
    """The threshold of every split, or why there is none."""
    try:
        need_clips(validation.target)
        return choose(validation.target, validation.score, params.threshold_rule, params.threshold_fpr)
    except NoFigure as none:
        empty = not validation.target.size
        reason = validation.why_empty if empty else none.reason
        return NoFigure(f"no threshold can be chosen on validation: {reason}")


def _first_best(value: FloatArray) -> int:
    """Position of the largest value; of values equal up to rounding, the first (fewest false alarms)."""
    return int(np.argmax(value >= value.max() - ROUNDING))


def _between(lower: float, upper: float) -> float:
    """Halfway between two scores on the grid of the prediction file, in (lower, upper]."""
    step = 10.0**DECIMALS
    halfway = round(np.ceil((lower + upper) / 2 * step - ROUNDING) / step, DECIMALS)
    return halfway if lower < halfway <= upper else upper
