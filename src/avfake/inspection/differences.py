"""How far one fact alone tells real from fake, and whether that may be chance."""

import numpy as np
from scipy.stats import chi2_contingency, mannwhitneyu

from avfake.evaluation.metrics import FloatArray, IntArray, NoFigure

# Expected counts below this make the chi-squared distribution a poor approximation (Cochran 1954).
_RARE = 5


def rank_auc(real: FloatArray, fake: FloatArray) -> tuple[float, float]:
    """AUC of a numeric fact as a score of fake, and the p-value of 0.5 (Mann and Whitney 1947, with ties).

    Args:
        real, fake: the fact of the clips of each class, float64 [n].

    Raises:
        NoFigure: a class has no clip with the fact.
    """
    _need_both(real.size, fake.size)
    if np.concatenate([real, fake]).min() == np.concatenate([real, fake]).max():
        return 0.5, 1.0
    done = mannwhitneyu(fake, real, method="asymptotic")
    return float(done.statistic) / (real.size * fake.size), float(done.pvalue)


def cramers_v(table: IntArray) -> tuple[float, float]:
    """Cramér's V of a fact that has no order, 0 to 1, and the p-value of 0 (chi-squared).

    V with the correction of its bias (Bergsma 2013): without it, many values alone make it large. Values with
    fewer than five clips are taken together: a value per clip tells nothing.

    Args:
        table: clips per value and class, int [values, 2], real first.

    Raises:
        NoFigure: a class has no clip.
    """
    _need_both(*(int(n) for n in table.sum(axis=0)))
    common = table.sum(axis=1) >= _RARE
    kept = np.concatenate([table[common], table[~common].sum(axis=0, keepdims=True)])
    kept = kept[kept.sum(axis=1) > 0]
    if len(kept) == 1:
        return 0.0, 1.0
    done = chi2_contingency(kept, correction=False)
    n, rows = int(kept.sum()), len(kept)
    phi2 = max(0.0, done.statistic / n - (rows - 1) / (n - 1))
    size = min(rows - (rows - 1) ** 2 / (n - 1), 2 - 1 / (n - 1)) - 1
    return float(np.sqrt(phi2 / size)) if phi2 else 0.0, float(done.pvalue)


def _need_both(n_real: int, n_fake: int) -> None:
    for n, name in ((n_real, "real"), (n_fake, "fake")):
        if not n:
            raise NoFigure(f"no {name} clip that could be opened has it")
