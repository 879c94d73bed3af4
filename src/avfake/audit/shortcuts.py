"""How well real and fake are told apart by facts that should not tell: all of them together, and each alone.

Small models (`avfake.audit.trees`) are fitted on the training clips, to all facts or to one, and tested on
validation and test. A fact alone is thus tested in whatever direction it tells in training, and so is its
absence. The model of all facts is cross-validated on train besides: what training alone would teach.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import mannwhitneyu, norm, rankdata
from sklearn import config_context
from threadpoolctl import threadpool_limits

from avfake.audit.encode import Encoder, varies
from avfake.audit.facts import NAMES
from avfake.audit.trees import Constant, Model, Trees, auc_of, cross_validated, fit, folds_of, importance
from avfake.evaluation import intervals, metrics
from avfake.evaluation.metrics import FloatArray, IntArray, Interval, NoFigure
from avfake.params import AuditParams

SPLITS = ("train", "val", "test")
# The model on all facts, beside the names of the facts.
ALL = "all"
# Up to this many clips the rank-sum test may be exact; its cost grows with the product of the classes.
_EXACT_UP_TO = 200
# A fact whose importance is this share of the largest carries the model too.
_CARRIES = 0.2
_MOST_NAMED = 3


@dataclass(frozen=True)
class Auc:
    """An AUC of a model of facts.

    Attributes:
        value: on the split, or over all folds of train.
        interval: of it, or why there is none.
        p: probability of so large an AUC where the facts tell nothing, one-sided.
        varies: whether the facts vary in training; else `value` is one half because nothing could be learnt.
    """

    value: float
    interval: Interval | NoFigure
    p: float
    varies: bool


@dataclass(frozen=True)
class Shortcuts:
    """What was measured.

    Attributes:
        auc: by (subject, split): (`ALL`, each of SPLITS) and (each fact, `val` and `test`); a `NoFigure`
            says why there is none.
        carriers: split -> the facts that carry the model of all facts there, the first most; only where its
            AUC is above audit.warn_auc.
        folds: how train was cross-validated, in words.
    """

    auc: dict[tuple[str, str], Auc | NoFigure]
    carriers: dict[str, list[str]] = field(default_factory=dict)
    folds: str = ""


@dataclass(frozen=True)
class _Split:
    """A split's clips: facts float64 [n, facts], target int64 [n], source [n]."""

    x: FloatArray
    y: IntArray
    source: list[str | None]


def measure(table: pd.DataFrame, params: AuditParams) -> Shortcuts:
    """Fits and tests the models on a table that `fact_table` made; splits beside SPLITS are left aside.

    On one OpenMP thread: the order of sums decides between cuts that are equally good.
    """
    with threadpool_limits(1, user_api="openmp"), config_context(skip_parameter_validation=True):
        return _measure(table, params)


def _measure(table: pd.DataFrame, params: AuditParams) -> Shortcuts:
    encoder = Encoder(table[table["split"] == "train"])
    splits = {name: _split(table[table["split"] == name], encoder) for name in SPLITS}
    train = splits["train"]
    found: dict[tuple[str, str], Auc | NoFigure] = {}
    carriers: dict[str, list[str]] = {}
    folds = ""
    for subject in (ALL, *NAMES):
        columns = np.array([subject in (ALL, name) for name in NAMES])
        is_category = encoder.is_category[columns]
        model = _fitted(train.x[:, columns], train.y, is_category, params.seed)
        if subject == ALL:
            found[ALL, "train"], folds = _cross_validated(train, model, is_category, params)
        for name in ("val", "test"):
            seen = _Split(splits[name].x[:, columns], splits[name].y, splits[name].source)
            found[subject, name] = _tested(subject, name, seen, model, params)
        if subject == ALL and isinstance(model, Trees):
            for name, split in splits.items():
                made = found[ALL, name]
                if isinstance(made, Auc) and made.value > params.warn_auc:
                    rng = intervals.generator(params.seed, f"importance {name}")
                    carriers[name] = _carriers(model, split, rng)
    return Shortcuts(found, carriers, folds)


def rank_sum_p(target: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """One-sided p of the rank-sum test that fakes score higher (Mann and Whitney 1947), ties corrected."""
    t, s = metrics.checked(target, score)
    metrics.need_both_classes(t)
    if not varies(s):
        return 1.0
    method = "auto" if t.size <= _EXACT_UP_TO else "asymptotic"
    return float(mannwhitneyu(s[t == 1], s[t == 0], alternative="greater", method=method).pvalue)


def fold_p(target: IntArray, score: FloatArray, fold: IntArray) -> float:
    """As `rank_sum_p`, of cross-validated scores: clips are compared within their fold.

    The folds are not independent, since each one's model was fitted on the others. The standard deviations
    are added and not the variances, as if all folds went the same way: never too small a p for it.
    """
    excess = deviation = 0.0
    for number in np.unique(fold):
        t, s = target[fold == number], score[fold == number]
        n_fake = int(t.sum())
        n_real = t.size - n_fake
        if not n_fake or not n_real:
            continue
        _, ties = np.unique(s, return_counts=True)
        tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (t.size * (t.size - 1))
        won = rankdata(s)[t == 1].sum() - n_fake * (n_fake + 1) / 2
        excess += won - n_fake * n_real / 2
        deviation += np.sqrt(max(0.0, n_fake * n_real / 12 * (t.size + 1 - tied)))
    return float(norm.sf(excess / deviation)) if deviation else 1.0


def csv_table(shortcuts: Shortcuts) -> pd.DataFrame:
    """fact, split, auc, low, high, p: a row per figure that could be had, those of all facts first."""
    rows = []
    for (subject, split), made in shortcuts.auc.items():
        if isinstance(made, NoFigure):
            continue
        low, high = np.nan, np.nan
        if isinstance(made.interval, Interval):
            low, high = made.interval.low, made.interval.high
        rows.append((subject, split, made.value, low, high, made.p))
    return pd.DataFrame(rows, columns=["fact", "split", "auc", "low", "high", "p"])


def _fitted(x: FloatArray, y: IntArray, is_category: np.ndarray, seed: int) -> Model | NoFigure:
    if not y.size:
        return NoFigure("no labelled clip of training could be opened")
    if np.isnan(x).all():
        return NoFigure("no clip of training has it")
    try:
        return fit(x, y, is_category, seed)
    except NoFigure as none:
        return NoFigure(f"nothing can be learnt in training: {none.reason}")


def _cross_validated(
    train: _Split, model: Model | NoFigure, is_category: np.ndarray, params: AuditParams
) -> tuple[Auc | NoFigure, str]:
    if isinstance(model, NoFigure):
        return model, ""
    try:
        fold, how = folds_of(train.y, train.source, params.folds, params.seed)
    except NoFigure as none:
        return none, ""
    score = cross_validated(train.x, train.y, is_category, fold, params.seed)
    interval = _interval(ALL, "train", train, score, params)
    p = fold_p(train.y, score, fold)
    return Auc(auc_of(train.y, score), interval, p, not isinstance(model, Constant)), how


def _tested(
    subject: str, name: str, split: _Split, model: Model | NoFigure, params: AuditParams
) -> Auc | NoFigure:
    if isinstance(model, NoFigure):
        return model
    if not split.y.size:
        return NoFigure("no labelled clip of this split could be opened")
    try:
        metrics.need_both_classes(split.y)
    except NoFigure as none:
        return none
    score = model.score(split.x)
    interval = _interval(subject, name, split, score, params)
    return Auc(auc_of(split.y, score), interval, rank_sum_p(split.y, score), not isinstance(model, Constant))


def _interval(
    subject: str, name: str, split: _Split, score: FloatArray, params: AuditParams
) -> Interval | NoFigure:
    try:
        return intervals.best_interval(
            split.y,
            score,
            split.source if any(one is not None for one in split.source) else None,
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            rng=intervals.generator(params.seed, f"{subject} {name}"),
        )
    except NoFigure as none:
        return none


def _carriers(model: Trees, split: _Split, rng: np.random.Generator) -> list[str]:
    drop = importance(model, split.x, split.y, rng)
    ranked = sorted(range(len(NAMES)), key=lambda place: (-drop[place], place))
    least = max(_CARRIES * drop[ranked[0]], 1e-9)
    return [NAMES[place] for place in ranked[:_MOST_NAMED] if drop[place] >= least]


def _split(table: pd.DataFrame, encoder: Encoder) -> _Split:
    target = table["target"].to_numpy(dtype=np.int64)
    return _Split(encoder.matrix(table), target, table["source"].tolist())
