"""The table of a leave-one-out: a row per generator, and their mean."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import homes
from avfake.dataset.predictions import format_score
from avfake.evaluation import intervals, metrics
from avfake.evaluation.metrics import NoFigure
from avfake.leave_one_out.run import Scored
from avfake.params import EvaluateParams

COLUMNS = ("generator", "n_fake", "n_real", "auc", "auc_ci_low", "auc_ci_high", "eer", "note")
SCORE_COLUMNS = ("generator", "home", "video_name", "target", "source", "score")
MEAN = "(mean)"
DECIMALS = 6
# A mean over fewer generators says nothing of the next one.
FEWEST_FOR_INTERVAL = 3


@dataclass(frozen=True)
class Row:
    """One row of the table; a figure that cannot be had is None, and `note` says why."""

    generator: str
    n_fake: int
    n_real: int
    auc: float | None
    auc_ci_low: float | None
    auc_ci_high: float | None
    eer: float | None
    note: str


def scores_of(done: Iterable[Scored], features: FeatureSet, labels: pd.DataFrame) -> pd.DataFrame:
    """The scored clips of all folds: SCORE_COLUMNS, in the order of folds, homes and names."""
    keys = zip(homes(labels), labels["video_name"], strict=True)
    sources = dict(zip(keys, labels["source"], strict=True))
    rows = []
    for item in done:
        for row, target, score in zip(item.rows, item.targets, item.scores, strict=True):
            home, name = (features.index[column].iloc[row] for column in ("split", "video_name"))
            rows.append((item.fold.generator, home, name, target, sources[home, name], score))
    frame = pd.DataFrame(rows, columns=list(SCORE_COLUMNS), dtype=object)
    return frame.astype({"target": "int64", "score": "float64"})


def make_table(done: Sequence[Scored], scores: pd.DataFrame, params: EvaluateParams) -> list[Row]:
    """A row per fold, then their mean.

    Args:
        done: the folds.
        scores: as `scores_of` gives them; every figure follows from it.
        params: the section `evaluate`: confidence, n_bootstrap, seed.
    """
    rows = [_row(item, scores[scores["generator"] == item.fold.generator], params) for item in done]
    return [*rows, _mean(rows, scores, params)]


def to_csv(rows: Iterable[Row]) -> str:
    """The table as CSV; an empty field where there is no figure."""
    return _csv(
        COLUMNS,
        (
            ["" if value is None else value for value in (getattr(row, key) for key in COLUMNS)]
            for row in rows
        ),
    )


def scores_to_csv(scores: pd.DataFrame) -> str:
    """The scores as CSV, six decimals."""
    table = scores.assign(
        score=[format_score(score) for score in scores["score"]],
        source=["" if value is None else value for value in scores["source"]],
    )
    return _csv(SCORE_COLUMNS, table[list(SCORE_COLUMNS)].itertuples(index=False))


def to_text(rows: Sequence[Row]) -> str:
    """The table for a terminal, without the notes of rows that have their figures."""
    width = max(len("generator"), *(len(row.generator) for row in rows))
    lines = [f"{'generator':{width}}  {'fake':>6}  {'real':>6}  {'AUC':>6}  {'interval':>16}  {'EER':>6}"]
    for row in rows:
        interval = "-"
        if row.auc_ci_low is not None and row.auc_ci_high is not None:
            interval = f"{row.auc_ci_low:.4f}-{row.auc_ci_high:.4f}"
        auc, eer = (f"{value:.4f}" if value is not None else "-" for value in (row.auc, row.eer))
        line = (
            f"{row.generator:{width}}  {row.n_fake:>6}  {row.n_real:>6}  {auc:>6}  {interval:>16}  {eer:>6}"
        )
        lines.append(line if row.auc is not None else f"{line}  {row.note}")
    return "\n".join(lines)


def _row(item: Scored, scores: pd.DataFrame, params: EvaluateParams) -> Row:
    target, score = scores["target"].to_numpy(), scores["score"].to_numpy()
    n_fake = int((target == 1).sum())
    auc = eer = low = high = None
    notes = []
    try:
        if item.why_not:
            raise NoFigure(item.why_not)
        auc, eer = metrics.auc(target, score), metrics.eer(target, score)
        made = intervals.best_interval(
            target,
            score,
            scores["source"].tolist(),
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            rng=intervals.generator(params.seed, f"leave_one_out.{item.fold.generator}"),
        )
        low, high = made.low, made.high
        notes.append(made.how)
    except NoFigure as none:
        notes.append(none.reason if auc is None else f"no interval: {none.reason}")
    return Row(
        item.fold.generator, n_fake, len(target) - n_fake, _rounded(auc), _rounded(low), _rounded(high),
        _rounded(eer), "; ".join([*notes, *item.fold.notes]),
    )  # fmt: skip


def _mean(rows: Sequence[Row], scores: pd.DataFrame, params: EvaluateParams) -> Row:
    """Each generator counts the same; the interval is that of the mean over generators drawn anew."""
    aucs = np.array([row.auc for row in rows if row.auc is not None])
    eers = [row.eer for row in rows if row.eer is not None]
    tested = scores.drop_duplicates(["home", "video_name"])
    n_fake = int((tested["target"] == 1).sum())
    low = high = None
    if not aucs.size:
        note = "no generator has an AUC"
    elif aucs.size < FEWEST_FOR_INTERVAL:
        note = f"mean over {aucs.size} of {len(rows)} generators: too few for an interval"
    else:
        rng = intervals.generator(params.seed, f"leave_one_out.{MEAN}")
        means = rng.choice(aucs, (params.n_bootstrap, aucs.size)).mean(axis=1)
        limits = [(1 - params.confidence) / 2, (1 + params.confidence) / 2]
        low, high = (float(value) for value in np.quantile(means, limits))
        note = f"mean over {aucs.size} of {len(rows)} generators"
        note += f"; {params.confidence:g} interval, bootstrap by generator"
    auc = float(aucs.mean()) if aucs.size else None
    eer = float(np.mean(eers)) if eers else None
    n_real = len(tested) - n_fake
    return Row(MEAN, n_fake, n_real, _rounded(auc), _rounded(low), _rounded(high), _rounded(eer), note)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
