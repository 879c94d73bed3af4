"""Fitting the calibration on validation: isotonic where there are clips enough for it, Platt where not."""

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from avfake.decision.calibration import ISOTONIC, NONE, PLATT, Calibration, log_odds
from avfake.evaluation.metrics import NoFigure, need_both_classes
from avfake.params import DecideParams

# Digits of a number in decision.json: enough for six of a probability, few enough that the last bits of a
# sum do not change a file.
DECIMALS = 9

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def fit(target: Ints, score: Floats, params: DecideParams) -> Calibration:
    """The calibration of validation clips, or one of `none` that says why.

    Args:
        target: int [n], 1 = fake.
        score: float [n], probability of fake as score files have it.
        params: the section `decide`.
    """
    try:
        need_both_classes(target)
    except NoFigure as none:
        return Calibration(NONE, f"cannot be fitted on validation: {none.reason}")
    n = len(target)
    if params.calibration == "auto":
        enough = n >= params.isotonic_clips
        method = ISOTONIC if enough else PLATT
        why = f"{n} validation clips, {'at least' if enough else 'fewer than'} {params.isotonic_clips}"
    else:
        method, why = params.calibration, f"{n} validation clips, as decide.calibration asks"
    return _isotonic(target, score, why) if method == ISOTONIC else _platt(target, score, why)


def _platt(target: Ints, score: Floats, why: str) -> Calibration:
    """Logistic regression on the log-odds, with Platt's smoothed targets: finite where classes separate."""
    n_fake = int(target.sum())
    n_real = len(target) - n_fake
    hit, miss = (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2)
    # A target between 0 and 1 is a clip that counts as fake with that weight, and as real with the rest.
    share = np.where(target == 1, hit, miss)
    odds = log_odds(score)[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    model.fit(
        np.concatenate([odds, odds]),
        np.repeat([1, 0], len(target)),
        sample_weight=np.concatenate([share, 1 - share]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope < 0:  # worse than chance on validation: a score then tells nothing, and never the opposite
        smoothed = float(share.mean())
        slope, intercept = 0.0, float(np.log(smoothed / (1 - smoothed)))
        why += "; fakes do not have higher scores than real clips there, so every score means the same"
    return Calibration(PLATT, why, round(slope, DECIMALS), round(intercept, DECIMALS))


def _isotonic(target: Ints, score: Floats, why: str) -> Calibration:
    """Least squares among rising functions; never surer than that many clips allow (rule of succession)."""
    n = len(target)
    model = IsotonicRegression(y_min=1 / (n + 2), y_max=(n + 1) / (n + 2), out_of_bounds="clip")
    model.fit(score, target)
    knots = [
        tuple(round(float(value), DECIMALS) for value in values)
        for values in (model.X_thresholds_, model.y_thresholds_)
    ]
    return Calibration(ISOTONIC, why, scores=knots[0], probabilities=knots[1])
