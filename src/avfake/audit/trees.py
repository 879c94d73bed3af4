"""The simple models of the audit: boosted trees on all facts, a small tree on one, always the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.tree import DecisionTreeClassifier

from avfake.audit.encode import varies
from avfake.evaluation.intervals import weighted_auc
from avfake.evaluation.metrics import FloatArray, IntArray, NoFigure, need_both_classes

_TREES = 40
_LEAVES = 8
# A leaf holds a tenth of a small set, so that the trees do not learn it by heart.
_LEAST_IN_LEAF, _MOST_IN_LEAF = 2, 20
# A category seen in few training clips says little: its share of fakes is pulled towards one half.
_PULL = 2.0
_REPEATS = 5
# Importance is a share of the AUC: as many clips determine it well enough.
_CLIPS_FOR_IMPORTANCE = 4000


class Model(Protocol):
    """Anything that scores facts."""

    def score(self, x: FloatArray) -> FloatArray:
        """Scores float64 [n] in [0, 1], larger for fakes, of facts float64 [n, facts]."""


@dataclass(frozen=True)
class Constant:
    """Where nothing varies in training there is nothing to learn."""

    def score(self, x: FloatArray) -> FloatArray:
        """One half for every clip."""
        return np.full(len(x), 0.5)


@dataclass(frozen=True)
class Trees:
    """A fitted classifier of scikit-learn on those columns that vary in training."""

    model: HistGradientBoostingClassifier | DecisionTreeClassifier
    used: np.ndarray

    def score(self, x: FloatArray) -> FloatArray:
        """See `Model`."""
        if not len(x):
            return np.zeros(0)
        scores: FloatArray = self.model.predict_proba(x[:, self.used])[:, 1]
        return scores


@dataclass(frozen=True)
class Shares:
    """One category: its share of fakes in training, both classes weighing the same."""

    share: FloatArray  # [codes]

    def score(self, x: FloatArray) -> FloatArray:
        """See `Model`; one half for a category that training does not have."""
        known = ~np.isnan(x[:, 0]) & (x[:, 0] < len(self.share))
        scores = np.full(len(x), 0.5)
        scores[known] = self.share[x[known, 0].astype(np.int64)]
        return scores


def fit(x: FloatArray, y: IntArray, is_category: np.ndarray, seed: int) -> Model:
    """Fits facts float64 [n, facts] to targets [n]; NaN is a value like any other.

    Several facts: histogram gradient boosting, in which a category counts as its code. One number: a decision
    tree of at most eight leaves. One category: its share of fakes. Both classes weigh the same, so that
    folds with other shares of fakes give comparable scores. Repeatable under one OpenMP thread (see
    `avfake.audit.shortcuts.measure`).

    Raises:
        NoFigure: one class only.
    """
    need_both_classes(y)
    used = np.array([varies(column) for column in x.T], dtype=bool)
    if not used.any():
        return Constant()
    if x.shape[1] == 1 and is_category[0]:
        return _shares(x[:, 0], y)
    least = min(max(len(y) // 10, _LEAST_IN_LEAF), _MOST_IN_LEAF)
    model: HistGradientBoostingClassifier | DecisionTreeClassifier
    if x.shape[1] == 1:
        model = DecisionTreeClassifier(
            max_leaf_nodes=_LEAVES, min_samples_leaf=least, class_weight="balanced", random_state=seed
        )
    else:
        model = HistGradientBoostingClassifier(
            max_iter=_TREES,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=least,
            class_weight="balanced",
            early_stopping=False,
            random_state=seed,
        )
    model.fit(x[:, used], y)
    return Trees(model, used)


def folds_of(y: IntArray, source: Sequence[str | None], folds: int, seed: int) -> tuple[IntArray, str]:
    """The fold of each training clip [n], and what was done in words.

    All clips of a source are in one fold; a clip without a source is a source of its own. Where no clip has
    one, or all share one, single clips are divided.

    Raises:
        NoFigure: fewer than two clips of a class.
    """
    need_both_classes(y)
    names = [f"clip {place}" if name is None else f"source {name}" for place, name in enumerate(source)]
    _, groups = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    how = "by source"
    if groups.max() == 0 or not any(name is not None for name in source):
        groups = np.arange(len(y))
        how = "of single clips"
    rarest = min(int((y == 0).sum()), int((y == 1).sum()))
    n = min(folds, int(groups.max()) + 1, rarest)
    if n < 2:
        raise NoFigure(f"cross-validation needs two clips of each class, there is {rarest} of one")
    fold = np.empty(len(y), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=n, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros((len(y), 1)), y, groups)):
        fold[held_out] = number
    return fold, f"cross-validated, {n} folds {how}"


def cross_validated(
    x: FloatArray, y: IntArray, is_category: np.ndarray, fold: IntArray, seed: int
) -> FloatArray:
    """The score [n] of each clip by a model that was fitted on the other folds.

    A fold whose counterpart holds one class only cannot be scored: 0.5 for all of it.
    """
    scores = np.full(len(y), 0.5)
    for number in np.unique(fold):
        held_out = fold == number
        if len(np.unique(y[~held_out])) > 1:
            model = fit(x[~held_out], y[~held_out], is_category, seed)
            scores[held_out] = model.score(x[held_out])
    return scores


def importance(model: Trees, x: FloatArray, y: IntArray, rng: np.random.Generator) -> FloatArray:
    """How much AUC [facts] the model loses when a fact is shuffled over the clips (Breiman 2001)."""
    drop = np.zeros(x.shape[1])
    chosen = np.sort(rng.permutation(len(y))[:_CLIPS_FOR_IMPORTANCE])
    x, y = x[chosen], y[chosen]
    if len(np.unique(y)) < 2:
        return drop
    whole = auc_of(y, model.score(x))
    for place in np.flatnonzero(model.used):
        shuffled = np.tile(x, (_REPEATS, 1))
        shuffled[:, place] = np.concatenate([rng.permutation(x[:, place]) for _ in range(_REPEATS)])
        scores = model.score(shuffled).reshape(_REPEATS, -1)
        drop[place] = whole - np.mean([auc_of(y, score) for score in scores])
    return drop


def _shares(codes: FloatArray, y: IntArray) -> Shares:
    known = ~np.isnan(codes)
    weight = np.where(y == 1, 0.5 / (y == 1).sum(), 0.5 / (y == 0).sum()) * len(y)
    places = codes[known].astype(np.int64)
    total = np.bincount(places, weights=weight[known])
    fakes = np.bincount(places, weights=(weight * y)[known])
    return Shares((fakes + _PULL / 2) / (total + _PULL))


def auc_of(y: IntArray, score: FloatArray) -> float:
    """As `avfake.evaluation.metrics.auc`, without the checks, which cost more than the figure."""
    return float(weighted_auc(y, score, iter([np.ones(len(y), dtype=np.int64)]))[0])
