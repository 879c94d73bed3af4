"""Joining a head on many features with one number that is evidence by itself.

Among hundreds of features one more is hardly heard: shrinkage takes from it what it takes from all, and a
head that fits the training clips well has no use for it. So the head is fitted without it, and how much each
of the two says is fitted on clips that the head was fitted without (stacked generalisation: Wolpert, Neural
Networks 5, 1992, doi:10.1016/S0893-6080(05)80023-1), neither below 0 (Breiman, Machine Learning 24, 1996).
What comes out is one linear function again.

The number is in standard deviations of what chance gives. Clips in which it hardly ever rises say little
about what it is worth when it does, and then it is worth what is known beforehand: half a log-odds per
standard deviation, which is far below what a normal tail would make of it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from avfake.model.linear_heads import Linear

Floats = NDArray[np.float64]

# The penalty on the share of the head, as scikit-learn's C for standardised log-odds.
_STRENGTH = 1.0
# Mean and standard deviation of what is known of the number's share beforehand, log-odds per unit of it.
_EXPECTED, _UNSURE = 0.5, 0.25
_LEAST_SPREAD = 1e-9  # of log-odds, compared to their size


def stacked(head: Linear, shares: Floats) -> Linear:
    """`head` on features [n, F] and one more feature, as a function of [n, F + 1].

    Args:
        head: on the first F.
        shares: float64 [3] of `fit_shares`.
    """
    of_head, of_more, bias = (float(value) for value in shares)
    return Linear(np.append(of_head * head.weights, of_more), of_head * head.bias + bias)


def fit_shares(odds: Floats, more: Floats, targets: NDArray[np.int64], weights: Floats) -> Floats:
    """How much log-odds of a head and one more number say of the targets: float64 [3], the last a bias.

    Logistic regression, neither share below 0, with a normal prior on both: of the head around 0 on
    standardised log-odds (the L2 penalty), of the number around half a log-odds per unit.

    Args:
        odds: float64 [n], of clips that the head was not fitted on.
        more: float64 [n], standard deviations.
        targets: [n], 1 for fake, of both classes.
        weights: float64 [n].
    """
    middle = float(np.average(odds, weights=weights))
    spread = float(np.sqrt(np.average((odds - middle) ** 2, weights=weights)))
    if spread <= _LEAST_SPREAD * float(np.abs(odds).max()):  # constant, but for rounding
        odds, middle, spread = np.zeros_like(odds), 0.0, 1.0
    x = np.stack([(odds - middle) / spread, more], axis=1)
    prior, precision = np.array([0.0, _EXPECTED]), np.array([1 / _STRENGTH, 1 / _UNSURE**2])
    signs = np.where(targets == 1, 1.0, -1.0)

    def loss(shares: Floats) -> tuple[float, Floats]:
        margins = signs * (x @ shares[:2] + shares[2])
        slope = -weights * signs / (1 + np.exp(np.clip(margins, -500, 500)))
        off = shares[:2] - prior
        value = weights @ np.logaddexp(0.0, -margins) + precision @ off**2 / 2
        return float(value), np.append(slope @ x + precision * off, slope.sum())

    start = np.append(prior, 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)])
    of_head = float(found.x[0]) / spread
    return np.array([of_head, float(found.x[1]), float(found.x[2]) - of_head * middle])
