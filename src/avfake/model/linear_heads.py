"""Linear functions of features that tell real from fake, fitted in one go: regression and discriminant.

Both standardise first, weigh every row, and depend on nothing random. They work on one thread of linear
algebra, because sums are ordered by thread.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from avfake.model.detector import FAKE, REAL, Detector

Floats = NDArray[np.float64]

# Inverse strengths C of scikit-learn's penalty, for standardised features and a weight of one per clip.
STRENGTHS = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
# Shares of the identity in the covariance of the discriminant, from the most regularised to the least.
SHRINKAGES = (0.9, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1)
_MAX_STEPS = 2000
# A feature that varies by less, compared to its size, is constant: folded into float32 it would be rounding.
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Linear:
    """Log-odds of fake as a linear function of features: weights float64 [F] and a bias."""

    weights: Floats
    bias: float

    def log_odds(self, features: NDArray[np.floating]) -> Floats:
        """Features [n, F] to log-odds float64 [n]."""
        odds: Floats = np.asarray(features, np.float64) @ self.weights + self.bias
        return odds


def fit_linear(
    features: NDArray[np.floating], targets: NDArray[np.int64], weights: Floats, strength: float
) -> Linear:
    """Logistic regression with an L2 penalty on standardised features, as a function of the features.

    Args:
        features: [n, F]; those that hardly vary get the weight 0.
        targets: [n], 1 for fake, of both classes.
        weights: float64 [n].
        strength: C of scikit-learn.
    """
    x, scale = _standardised(features, weights)
    model = LogisticRegression(C=strength, max_iter=_MAX_STEPS)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # Said below in words of ours; what has been found by then is used.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, targets, sample_weight=weights)
    if int(model.n_iter_[0]) >= _MAX_STEPS:
        print(f"warning: logistic regression with C {strength:g} did not converge in {_MAX_STEPS} steps")
    return scale.undone(model.coef_[0], float(model.intercept_[0]))


def fit_discriminant(
    features: NDArray[np.floating], targets: NDArray[np.int64], weights: Floats, shrinkage: float
) -> Linear:
    """Linear discriminant analysis with a covariance shrunk towards the identity, on standardised features.

    Friedman, Regularized Discriminant Analysis, JASA 84, 1989 (his gamma). In scikit-learn it is
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...), which takes no weights.

    Args:
        features: [n, F]; those that hardly vary get the weight 0.
        targets: [n], 1 for fake, of both classes.
        weights: float64 [n].
        shrinkage: in (0, 1], the share of the identity.
    """
    x, scale = _standardised(features, weights)
    with threadpool_limits(1, user_api="blas"):
        means = np.stack([np.average(x[targets == k], axis=0, weights=weights[targets == k]) for k in (0, 1)])
        centred = (x - means[targets]) * np.sqrt(weights / weights.sum())[:, None]
        covariance = centred.T @ centred
        level = float(np.trace(covariance)) / len(covariance) or 1.0
        covariance *= 1 - shrinkage
        covariance[np.diag_indices_from(covariance)] += shrinkage * level
        found = np.linalg.solve(covariance, means[1] - means[0])
    shares = np.bincount(targets, weights, minlength=2)
    return scale.undone(found, float(np.log(shares[1] / shares[0]) - found @ means.sum(axis=0) / 2))


def calibrated(linear: Linear, odds: Floats, targets: NDArray[np.int64], weights: Floats) -> Linear:
    """The same order with log-odds that fit clips it was not fitted on.

    A logistic regression of the target on the log-odds (Platt, Advances in Large Margin Classifiers, 1999).
    The discriminant's own are far from any probability where it is shrunk or has many features: clips would
    all be rounded to 0 or 1.

    Args:
        linear: what gave `odds`.
        odds: float64 [n], of clips (or windows) of both classes.
        targets: [n], 1 for fake.
        weights: float64 [n].
    """
    spread = float(odds.std())
    if not spread:
        return linear
    model = LogisticRegression(C=1.0, max_iter=_MAX_STEPS)
    with threadpool_limits(1, user_api="blas"):
        model.fit(odds[:, None] / spread, targets, sample_weight=weights)
    # Where real clips have the higher odds the order stays, and says so in the AUC; only the scale is taken.
    slope = max(abs(float(model.coef_[0, 0])), 1e-3) / spread
    middle = float(model.intercept_[0]) if model.coef_[0, 0] > 0 else -slope * float(np.median(odds))
    return Linear(linear.weights * slope, linear.bias * slope + middle)


Fit = Callable[[NDArray[np.floating], NDArray[np.int64], Floats, float], Linear]
# By the word of train.frozen_head: how the head is fitted, and with what, from strong to weak.
HEADS: Mapping[str, tuple[Fit, tuple[float, ...]]] = {
    "linear": (fit_linear, STRENGTHS),
    "discriminant": (fit_discriminant, SHRINKAGES),
}


@dataclass(frozen=True)
class _Scale:
    """How features were standardised: those that vary, their means and spreads."""

    varies: NDArray[np.bool_]
    mean: Floats
    spread: Floats

    def undone(self, coefficients: Floats, intercept: float) -> Linear:
        """A function of standardised features as one of the features themselves."""
        found = np.zeros(len(self.varies))
        if self.varies.any():
            found[self.varies] = coefficients / self.spread[self.varies]
        return Linear(found, intercept - float(found @ self.mean))


def _standardised(features: NDArray[np.floating], weights: Floats) -> tuple[Floats, _Scale]:
    """Features that vary, [n, F], of mean 0 and spread 1 under the weights; one column of 0 if none does."""
    x = np.asarray(features, np.float64)
    mean = np.average(x, axis=0, weights=weights)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
    varies = spread > _LEAST_SPREAD * np.abs(x).max(axis=0)
    scale = _Scale(varies, mean, spread)
    if not varies.any():
        return np.zeros((len(x), 1)), scale
    return (x[:, varies] - mean[varies]) / spread[varies], scale


def fold(linear: Linear, detector: Detector) -> None:
    """Makes `linear` the detector's head: the logit of fake less that of real are its log-odds."""
    head = detector.head
    with torch.no_grad():
        for row, sign in ((REAL, -0.5), (FAKE, 0.5)):
            head.weight[row] = torch.from_numpy(sign * linear.weights).to(head.weight)
            head.bias[row] = sign * linear.bias
