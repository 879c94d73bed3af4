"""How much a detector loses when clips are disturbed: AUC per condition, and what is lost against clean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from avfake.evaluation import delong, intervals, metrics
from avfake.evaluation.metrics import NoFigure
from avfake.params import RobustnessParams

DECIMALS = 6
CLEAN = "clean"
# Of data/robustness/auc.csv, behind the plot.
COLUMNS = ("split", "condition", "auc", "low", "high", "drop", "drop_low", "drop_high")

Figure = float | int | None


@dataclass(frozen=True)
class Robustness:
    """The figures of one split.

    Attributes:
        figures: flat, as the metrics file holds them; None where a figure cannot be had.
        notes: remarks per figure, at least the reason of every None.
        rows: without the split, one per condition that has an AUC: the columns of `COLUMNS`.
    """

    figures: dict[str, Figure]
    notes: dict[str, list[str]]
    rows: list[dict[str, object]]


def robustness(
    scores: pd.DataFrame,
    sources: Mapping[str, str | None],
    conditions: Sequence[str],
    params: RobustnessParams,
    why_empty: str,
) -> Robustness:
    """AUC and interval of every condition, the drop against clean, and the worst condition.

    Args:
        scores: video_name, target, condition, score of one split; `clean` is one of the conditions. A clip
            may lack a condition: the drop is then taken over the clips that have both.
        sources: the source of each clip, by name.
        conditions: those to report, in their order, `clean` not among them.
        params: `confidence`, `n_bootstrap` and `seed` are read.
        why_empty: the reason where there is no score at all.
    """
    return _Builder(scores, sources, params, why_empty).build(conditions)


class _Builder:
    """Collects figures, notes and rows; a `NoFigure` becomes null and its reason a note."""

    def __init__(
        self,
        scores: pd.DataFrame,
        sources: Mapping[str, str | None],
        params: RobustnessParams,
        why_empty: str,
    ) -> None:
        self.sources, self.params, self.why_empty = sources, params, why_empty
        self.of = {
            name: part.sort_values("video_name").reset_index(drop=True)
            for name, part in scores.groupby("condition")
        }
        self.none = scores.iloc[:0]
        self.figures: dict[str, Figure] = {}
        self.notes: dict[str, list[str]] = {}
        self.rows: list[dict[str, object]] = []

    def build(self, conditions: Sequence[str]) -> Robustness:
        clean = self.of.get(CLEAN, self.none)
        n_fake = int((clean["target"] == 1).sum())
        self.figures |= {"n": len(clean), "n_real": len(clean) - n_fake, "n_fake": n_fake}
        for name in (CLEAN, *conditions):
            self._condition(name, clean)
        self._worst(conditions)
        return Robustness(self.figures, self.notes, self.rows)

    def _condition(self, name: str, clean: pd.DataFrame) -> None:
        part = self.of.get(name, self.none)
        row: dict[str, object] = {"condition": name}
        row |= dict(zip(("low", "high"), self._auc(f"auc_{name}", part), strict=True))
        if name != CLEAN:
            row |= self._drop(name, part, clean)
        if self.figures[f"auc_{name}"] is not None:
            row["auc"] = self.figures[f"auc_{name}"]
            self.rows.append({key: row.get(key) for key in COLUMNS[1:]})

    def _auc(self, key: str, part: pd.DataFrame) -> tuple[Figure, Figure]:
        target, score = part["target"].to_numpy(), part["score"].to_numpy()
        source = [self.sources.get(name) for name in part["video_name"]]
        low, high = f"{key}_ci_low", f"{key}_ci_high"
        try:
            self.figures[key] = round(metrics.auc(target, score), DECIMALS)
            interval = intervals.best_interval(
                target,
                score,
                source if any(name is not None for name in source) else None,
                confidence=self.params.confidence,
                n_bootstrap=self.params.n_bootstrap,
                # The same resamples for all: conditions that score alike have the same interval.
                rng=intervals.generator(self.params.seed, "auc"),
            )
        except NoFigure as none:
            for name in (key, low, high):
                if name not in self.figures:
                    self._null(name, none.reason)
            return None, None
        self.figures[low], self.figures[high] = round(interval.low, DECIMALS), round(interval.high, DECIMALS)
        for name in (low, high):
            self._note(name, interval.how)
        return self.figures[low], self.figures[high]

    def _drop(self, name: str, part: pd.DataFrame, clean: pd.DataFrame) -> dict[str, object]:
        """`drop_<name>`: AUC clean minus AUC disturbed, over the clips that have both; and its interval."""
        key = f"drop_{name}"
        both = part.merge(clean, on="video_name", suffixes=("", "_clean"), validate="one_to_one")
        target = both["target"].to_numpy()
        score, before = both["score"].to_numpy(), both["score_clean"].to_numpy()
        try:
            drop = round(metrics.auc(target, before) - metrics.auc(target, score), DECIMALS)
        except NoFigure as none:
            self._null(key, none.reason)
            return {}
        self.figures[key] = drop
        if len(both) < len(clean):
            self._note(key, f"over the {len(both)} of {len(clean)} clips that have both")
        try:
            _, interval = delong.paired_difference(target, score, before, self.params.confidence)
        except NoFigure as none:
            self._note(key, f"no interval: {none.reason}")
            return {"drop": drop}
        low, high = round(interval.low, DECIMALS), round(interval.high, DECIMALS)
        self._note(key, f"{low:.4f} to {high:.4f}: {interval.how}")
        return {"drop": drop, "drop_low": low, "drop_high": high}

    def _worst(self, conditions: Sequence[str]) -> None:
        keys = ("auc_worst", "auc_worst_ci_low", "auc_worst_ci_high")
        known = {name: value for name in conditions if (value := self.figures[f"auc_{name}"]) is not None}
        if not known:
            for key in keys:
                self._null(key, "no condition has an AUC")
            return
        worst = min(known, key=lambda name: known[name])
        for key in keys:
            own = key.replace("worst", worst)
            self.figures[key] = self.figures[own]
            for text in self.notes.get(own, []):
                self._note(key, text)
        self.notes["auc_worst"] = [
            f"the worst condition is {worst}, of {len(known)}; the lowest of many estimates lies a little "
            "below that condition's true AUC"
        ]

    def _null(self, key: str, reason: str) -> None:
        self.figures[key] = None
        self._note(key, reason if self.of else self.why_empty)

    def _note(self, key: str, text: str) -> None:
        self.notes.setdefault(key, []).append(text)
