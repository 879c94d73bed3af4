"""Joining a head on many features with one number that is evidence by itself.

Among hundreds of features one more is hardly heard: shrinkage takes from it what it takes from all, and a
head that fits the training clips well has no use for it. So the head is fitted without it, and how much each
of the two says is fitted on clips that the head was fitted without (stacked generalisation: Wolpert, Neural
Networks 5, 1992, doi:10.1016/S0893-6080(05)80023-1), neither below 0 (Breiman, Machine Learning 24, 1996).
What comes out is one linear function again.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from avfake.model.linear_heads import Linear

Floats = NDArray[np.float64]

# The penalty on both shares, as scikit-learn's C for standardised inputs and a weight of one per clip.
_STRENGTH = 1.0


def stacked(head: Linear, shares: Floats) -> Linear:
    """`head` on features [n, F] and one more feature, as a function of [n, F + 1].

    Args:
        head: on the first F.
        shares: float64 [3] of `fit_shares`.
    """
    of_head, of_more, bias = (float(value) for value in shares)
    return Linear(np.append(of_head * head.weights, of_more), of_head * head.bias + bias)


def fit_shares(odds: Floats, more: Floats, targets: NDArray[np.int64], weights: Floats) -> Floats:
    """How much log-odds of a head and one more feature say of the targets: float64 [3], the last a bias.

    Logistic regression with an L2 penalty on standardised inputs, neither coefficient below 0: what speaks
    against itself on clips that it was not fitted on is given no say. Where that is both, the head has all.

    Args:
        odds: float64 [n], of clips that the head was not fitted on.
        more: float64 [n].
        targets: [n], 1 for fake, of both classes.
        weights: float64 [n].
    """
    inputs = np.stack([odds, more], axis=1)
    mean = np.average(inputs, axis=0, weights=weights)
    spread = np.sqrt(np.average((inputs - mean) ** 2, axis=0, weights=weights))
    varies = spread > 0
    x = (inputs - mean) / np.where(varies, spread, 1.0)
    signs = np.where(targets == 1, 1.0, -1.0)

    def loss(shares: Floats) -> tuple[float, Floats]:
        margins = signs * (x @ shares[:2] + shares[2])
        slope = -weights * signs / (1 + np.exp(np.clip(margins, -500, 500)))
        value = weights @ np.logaddexp(0.0, -margins) + shares[:2] @ shares[:2] / (2 * _STRENGTH)
        return float(value), np.append(slope @ x + shares[:2] / _STRENGTH, slope.sum())

    bounds = [(0.0, None if free else 0.0) for free in varies]
    found = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    shares = np.where(varies, found.x[:2] / np.where(varies, spread, 1.0), 0.0)
    if not shares.any():
        return np.array([1.0, 0.0, 0.0])
    return np.append(shares, found.x[2] - shares @ mean)
