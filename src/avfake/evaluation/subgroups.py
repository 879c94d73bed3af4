"""The figures of every part of a split: by generator, source, further label columns and length of sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from avfake.dataset.augmented import DERIVED_COLUMNS
from avfake.evaluation import intervals, metrics
from avfake.evaluation.metrics import FloatArray, IntArray, NoFigure
from avfake.evaluation.report import FPR_TARGETS
from avfake.evaluation.split import SplitScores, texts
from avfake.evaluation.threshold import Threshold
from avfake.params import EvaluateParams

COLUMNS = (
    "split", "column", "group", "n", "n_real", "n_fake", "auc", "auc_ci_low", "auc_ci_high", "eer",
    *FPR_TARGETS, "recall", "false_positive_rate", "accuracy", "accuracy_ci_low", "accuracy_ci_high",
    "mean_score_real", "mean_score_fake", "note",
)  # fmt: skip

_NUMBERS = [
    name for name in COLUMNS if name not in {"split", "column", "group", "n", "n_real", "n_fake", "note"}
]

GENERATOR, SOURCE, DURATION = "generator", "source", "duration"
# Columns of the label table that are no grouping of their own.
_OWN = frozenset({"split", "home", "video_name", "target", "score", GENERATOR, SOURCE, *DERIVED_COLUMNS})
NONE = "(none)"
# More values than this, most of them of a single clip, number the clips and do not group them.
MANY_VALUES = 20
# A table for people and a page of plots: above this the smallest groups are taken together.
MAX_GROUPS = 300
SMALLER = "(smaller groups)"
QUARTERS = 4


@dataclass(frozen=True)
class Group:
    """Some clips of a split: `rows` are positions, `note` is what to know about the choice."""

    column: str
    name: str
    rows: IntArray
    note: str = ""


@dataclass
class _Row:
    """A row of the table: figures by column, and the reasons of those that are missing."""

    values: dict[str, object]
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, figure: Callable[[], float]) -> None:
        try:
            self.values[name] = figure()
        except NoFigure as none:
            self.missing(name, none.reason)

    def missing(self, name: str, reason: str) -> None:
        self.values[name] = None
        self.reasons.setdefault(reason, []).append(name)


def groups_table(
    splits: dict[str, SplitScores],
    seconds: dict[str, FloatArray],
    threshold: Threshold | NoFigure,
    params: EvaluateParams,
) -> pd.DataFrame:
    """A row per split, column and group, with the columns `COLUMNS`; null where there is no figure.

    Args:
        splits: split name -> its clips, in the table's order.
        seconds: split name -> length of the sound of each clip [n], NaN where it has none.
        threshold: as chosen on validation, or why there is none.
        params: the section `evaluate`.
    """
    rows = []
    for name, split in splits.items():
        if not split.target.size:
            rows.append(_counts(name, Group("", "", split.target), split.target) | {"note": split.why_empty})
        for group in divide(split, seconds[name]):
            rows.append(_figures(name, split, group, threshold, params))
    table = pd.DataFrame([[row.get(column) for column in COLUMNS] for row in rows], columns=list(COLUMNS))
    return table.astype(dict.fromkeys(_NUMBERS, "float64"))


def divide(split: SplitScores, seconds: FloatArray) -> Iterator[Group]:
    """The groups of a split, by generator, source, every further column, then length of the sound.

    A column without a value gives one group without clips, whose note says so.
    """
    if not split.target.size:
        return
    yield from _forgeries(split, GENERATOR, split.generator, real_groups=False)
    yield from _parts(SOURCE, split.source)
    for column in sorted(set(split.table.columns) - _OWN):
        values = texts(split.table[column])
        if _tells_classes_apart(split.target, values) and not _numbers(pd.Series(values).dropna()):
            yield from _forgeries(split, column, values, real_groups=True)
        else:
            yield from _parts(column, values)
    yield from _quarters(seconds)


def _parts(column: str, values: list[str | None], what: str = "clip") -> Iterator[Group]:
    """A group per value, of the clips that have it; `what` names the clips that were asked."""
    table = pd.Series(values, dtype=object)
    named = table.dropna()
    if named.empty:
        yield Group(column, "", np.zeros(0, dtype=np.int64), f"no {what} of this split has a `{column}`")
        return
    sizes = named.value_counts()
    if _numbers(named):
        text = f"{len(sizes)} values for {len(named)} {what}s: too many to be groups"
        yield Group(column, "", np.zeros(0, dtype=np.int64), text)
        return
    # By size, then by name: which groups are the small ones does not hang on the order of the clips.
    ranked = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    positions = table.groupby(table).indices
    for name in sorted(ranked[:MAX_GROUPS]):
        yield Group(column, name, np.asarray(positions[name], dtype=np.int64))
    if small := ranked[MAX_GROUPS:]:
        rows = np.sort(np.concatenate([positions[name] for name in small]))
        yield Group(column, SMALLER, rows, f"{len(small)} groups of at most {sizes[small[0]]} {what}s")
    if (table.isna()).any():
        yield Group(column, NONE, np.flatnonzero(table.isna()), f"{what}s without a `{column}`")


def _forgeries(
    split: SplitScores, column: str, values: list[str | None], *, real_groups: bool
) -> Iterator[Group]:
    """A group per value that fakes have: those fakes against all real clips of the split."""
    fake = split.target == 1
    of_fakes = [value if is_fake else None for value, is_fake in zip(values, fake, strict=True)]
    real = np.flatnonzero(~fake)
    for group in _parts(column, of_fakes, "fake"):
        rows = group.rows[fake[group.rows]]
        if not group.name:
            yield group
        elif rows.size:
            note = "; ".join(filter(None, [group.note, "against all real clips"]))
            yield Group(column, group.name, np.sort(np.concatenate([rows, real])), note)
    if real_groups and any(
        value is not None for value, is_fake in zip(values, fake, strict=True) if not is_fake
    ):
        of_reals = [None if is_fake else value for value, is_fake in zip(values, fake, strict=True)]
        for group in _parts(column, of_reals, "real clip"):
            if group.name != NONE:
                yield group


def _numbers(named: "pd.Series[str]") -> bool:
    """Whether the values tell single clips apart and group none."""
    return named.nunique() > max(MANY_VALUES, len(named) / 2)


def _tells_classes_apart(target: IntArray, values: list[str | None]) -> bool:
    """Whether no value is common to a real and a fake clip, as with the name of a forging method."""
    real, fake = (
        {
            value
            for value, is_fake in zip(values, target, strict=True)
            if value is not None and is_fake == kind
        }
        for kind in (0, 1)
    )
    return bool(fake) and not real & fake


def _quarters(seconds: FloatArray) -> Iterator[Group]:
    """Four groups of about equal size by the length of the sound; clips of one length stay together."""
    known = ~np.isnan(seconds)
    if not known.any():
        text = "no clip of this split has a known length of sound"
        yield Group(DURATION, "", np.zeros(0, dtype=np.int64), text)
        return
    edges = np.quantile(seconds[known], [0.25, 0.5, 0.75])
    # NaN is sorted behind every number; those clips are taken out by `known`.
    quarter = np.searchsorted(edges, seconds, side="left")
    for k in range(QUARTERS):
        rows = np.flatnonzero(known & (quarter == k))
        if rows.size:
            low, high = seconds[rows].min(), seconds[rows].max()
            yield Group(DURATION, f"{k + 1} ({low:.2f} to {high:.2f} s)", rows)
    if not known.all():
        yield Group(DURATION, NONE, np.flatnonzero(~known), "clips without sound")


def _figures(
    name: str, split: SplitScores, group: Group, threshold: Threshold | NoFigure, params: EvaluateParams
) -> dict[str, object]:
    t, s = split.target[group.rows], split.score[group.rows]
    row = _Row(_counts(name, group, t))
    notes = [group.note] if group.note else []
    if not t.size:
        return row.values | {"note": "; ".join(notes)}
    notes += _auc(
        row, t, s, [split.source[i] for i in group.rows], f"{name}.{group.column}.{group.name}", params
    )
    row.add("eer", lambda: metrics.eer(t, s))
    for key, fpr in FPR_TARGETS.items():
        row.add(key, partial(metrics.tpr_at_fpr, t, s, fpr))
    _decisions(row, t, s, threshold, params.confidence)
    row.add("mean_score_real", lambda: _mean(s[t == 0], "real"))
    row.add("mean_score_fake", lambda: _mean(s[t == 1], "fake"))
    if t.size > 1 and s.min() == s.max():
        notes.append("all scores are identical")
    notes += [f"no {', '.join(keys)}: {reason}" for reason, keys in row.reasons.items()]
    return row.values | {"note": "; ".join(notes)}


def _counts(split: str, group: Group, t: IntArray) -> dict[str, object]:
    n_fake = int(t.sum())
    return {
        "split": split, "column": group.column, "group": group.name,
        "n": t.size, "n_real": t.size - n_fake, "n_fake": n_fake,
    }  # fmt: skip


def _auc(
    row: _Row, t: IntArray, s: FloatArray, source: list[str | None], stream: str, params: EvaluateParams
) -> list[str]:
    """Adds the AUC and its interval; what to say about the interval."""
    row.add("auc", lambda: metrics.auc(t, s))
    if row.values["auc"] is None:
        return []
    try:
        made = intervals.best_interval(
            t,
            s,
            source,
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            rng=intervals.generator(params.seed, stream),
        )
    except NoFigure as none:
        row.missing("auc_ci_low", none.reason)
        row.missing("auc_ci_high", none.reason)
        return []
    row.values |= {"auc_ci_low": made.low, "auc_ci_high": made.high}
    return [made.how]


def _decisions(
    row: _Row, t: IntArray, s: FloatArray, threshold: Threshold | NoFigure, confidence: float
) -> None:
    if isinstance(threshold, NoFigure):
        for name in ("recall", "false_positive_rate", "accuracy", "accuracy_ci_low", "accuracy_ci_high"):
            row.missing(name, threshold.reason)
        return
    called = s >= threshold.value
    row.add("recall", lambda: _mean(called[t == 1], "fake"))
    row.add("false_positive_rate", lambda: _mean(called[t == 0], "real"))
    right = int((called == (t == 1)).sum())
    # Wilson 1927: stays within [0, 1] and has a width where every clip is right.
    limits = binomtest(right, t.size).proportion_ci(confidence, method="wilson")
    row.values |= {
        "accuracy": right / t.size,
        "accuracy_ci_low": float(limits.low),
        "accuracy_ci_high": float(limits.high),
    }


def _mean(values: np.ndarray, what: str) -> float:
    if not values.size:
        raise NoFigure(f"no {what} clip in the group")
    return float(values.mean())
