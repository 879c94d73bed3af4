"""Which facts the detector's score follows inside a class, where nothing is left to tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata, spearmanr

from avfake.audit.encode import varies
from avfake.audit.facts import FACTS, Fact
from avfake.evaluation.metrics import FloatArray, NoFigure
from avfake.params import AuditParams

CLASSES = {0: "real", 1: "fake"}
# The p of a rank correlation comes from a distribution that fewer clips do not follow (scipy.stats).
LEAST_CLIPS = 10
# Fewer clips of a source have hardly an order.
LEAST_OF_SOURCE = 5
# A category seen in few training clips has a share of fakes that says little: pulled towards one half.
_PULL = 1.0


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation `rho` of score and `fact` over `n` clips of a class; `p` two-sided.

    `within`: the same with ranks taken inside each source, None where the clips do not have several sources
    of several clips. Where it is small, it is the sources that differ in both.
    """

    fact: str
    kind: str
    rho: float
    p: float
    n: int
    within: float | None


def correlate(table: pd.DataFrame, score: pd.DataFrame) -> dict[tuple[str, str], Correlation | NoFigure]:
    """Correlations by (fact, class `real` or `fake`) over the clips of validation that have both.

    A category counts with its share of fakes in training: a detector that took it for a sign scores along
    that. Clips without the fact are left out.

    Args:
        table: as `avfake.audit.facts.fact_table` makes it.
        score: video_name and score of the validation clips that the detector really scored.
    """
    train = table[table["split"] == "train"]
    both = table[table["split"] == "val"].merge(score, on="video_name", how="inner", validate="one_to_one")
    found: dict[tuple[str, str], Correlation | NoFigure] = {}
    for fact in FACTS:
        values = _ranked(fact, train, both)
        for target, kind in CLASSES.items():
            chosen = (both["target"] == target).to_numpy() & ~np.isnan(values)
            try:
                score_of = both.loc[chosen, "score"].to_numpy(dtype=np.float64)
                source = both.loc[chosen, "source"].tolist()
                found[fact.name, kind] = _correlation(fact.name, kind, values[chosen], score_of, source)
            except NoFigure as none:
                found[fact.name, kind] = none
    return found


def within_chance(
    correlations: dict[tuple[str, str], Correlation | NoFigure], params: AuditParams
) -> list[str]:
    """Per class, up to what size a correlation is within chance, given how many are looked at.

    Fisher's z with the variance of Spearman's coefficient, 1.06 / (n - 3) (Fieller, Hartley and Pearson,
    Biometrika 44, 1957).
    """
    measured = [item for item in correlations.values() if isinstance(item, Correlation)]
    notes = []
    for kind in CLASSES.values():
        of_class = [item for item in measured if item.kind == kind]
        if of_class:
            n = max(item.n for item in of_class)
            z = norm.ppf(1 - (1 - params.confidence) / len(measured) / 2)
            notes.append(
                f"{n} {kind} clips: a rank correlation below {np.tanh(z * np.sqrt(1.06 / (n - 3))):.2f} in "
                f"size is within chance at {params.confidence:g}, with {len(measured)} of them looked at"
            )
    return notes


def csv_table(correlations: dict[tuple[str, str], Correlation | NoFigure]) -> pd.DataFrame:
    """fact, class, n, rho, p, within_sources: a row per correlation."""
    rows = [
        (item.fact, item.kind, item.n, item.rho, item.p, item.within)
        for item in correlations.values()
        if isinstance(item, Correlation)
    ]
    return pd.DataFrame(rows, columns=["fact", "class", "n", "rho", "p", "within_sources"])


def within_sources(values: FloatArray, score: FloatArray, source: Sequence[str | None]) -> float | None:
    """Rank correlation with ranks taken inside each source and centred there; None without such sources."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(source):
        if name is not None:
            places.setdefault(name, []).append(place)
    several = [rows for rows in places.values() if len(rows) >= LEAST_OF_SOURCE]
    if len(places) < 2 or not several:
        return None
    ranks = [np.concatenate([_centred(column[rows]) for rows in several]) for column in (values, score)]
    size = float(np.sqrt(np.square(ranks[0]).sum() * np.square(ranks[1]).sum()))
    return float((ranks[0] * ranks[1]).sum()) / size if size else None


def _centred(values: FloatArray) -> FloatArray:
    ranks: FloatArray = rankdata(values)
    return ranks - ranks.mean()


def _correlation(
    fact: str, kind: str, values: FloatArray, score: FloatArray, source: Sequence[str | None]
) -> Correlation:
    n = len(values)
    if n < LEAST_CLIPS:
        raise NoFigure(
            f"{n} {kind} clips of validation have both a score and this fact, {LEAST_CLIPS} are needed"
        )
    if not varies(values):
        raise NoFigure(f"the same for all {n} {kind} clips of validation")
    if not varies(score):
        raise NoFigure(f"the score is the same for all {n} {kind} clips of validation")
    made = spearmanr(values, score)
    within = within_sources(values, score, source)
    return Correlation(fact, kind, float(made.statistic), float(made.pvalue), n, within)


def _ranked(fact: Fact, train: pd.DataFrame, clips: pd.DataFrame) -> FloatArray:
    """The fact as numbers that have an order, NaN where there is none."""
    if not fact.category:
        numbers: FloatArray = clips[fact.name].to_numpy(dtype=np.float64)
        return numbers
    missing = "(none)"
    groups = train["target"].groupby(train[fact.name].fillna(missing))
    share = (groups.sum() + _PULL / 2) / (groups.size() + _PULL)
    return clips[fact.name].fillna(missing).map(share).to_numpy(dtype=np.float64)
