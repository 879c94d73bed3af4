"""The flat figures of one split, and the reason for each that cannot be had."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from avfake.evaluation import intervals, metrics
from avfake.evaluation.figure_intervals import Settings, figure_intervals
from avfake.evaluation.metrics import FloatArray, IntArray, Interval, NoFigure
from avfake.evaluation.split import SplitScores
from avfake.evaluation.threshold import Threshold
from avfake.params import EvaluateParams

# Enough to see any difference that matters, few enough that the last bits of a sum do not change a file.
DECIMALS = 6
FPR_TARGETS = {"tpr_at_fpr_1e_2": 1e-2, "tpr_at_fpr_5e_3": 5e-3, "tpr_at_fpr_1e_3": 1e-3}

# The figures whose interval stands beside them in the JSON; that of the others is in
# data/evaluation/figures.csv: more numbers would bury those that a comparison of revisions looks at.
WITH_INTERVAL = ("eer", "ap", "log_loss", "brier", "ece", "min_dcf")


def ci(key: str) -> tuple[str, str, str]:
    """The keys of a figure and of the limits of its interval."""
    return key, f"{key}_ci_low", f"{key}_ci_high"


# The keys of metrics/evaluate.json, in its order.
KEYS = (
    *ci("auc"), *ci("eer"), *ci("ap"), *FPR_TARGETS, "f1", "precision", "recall", "accuracy",
    *ci("log_loss"), *ci("brier"), *ci("ece"), *ci("min_dcf"), "threshold",
    "n", "n_real", "n_fake", "n_unscored", *ci("auc_seen"), "n_seen_fake", *ci("auc_unseen"), "n_unseen_fake",
)  # fmt: skip
# Every figure that has an interval, in the order of figures.csv.
FIGURES = tuple(key for key in KEYS if not key.startswith("n") and "_ci_" not in key and key != "threshold")

Figure = float | int | None


@dataclass(frozen=True)
class Report:
    """All figures of one split.

    Attributes:
        figures: every key of `KEYS`, None where it cannot be had.
        notes: at least a reason per None.
        intervals: of every figure in `FIGURES`, or the reason why it has none.
    """

    figures: dict[str, Figure]
    notes: dict[str, str]
    intervals: dict[str, Interval | NoFigure]


def report(
    split: SplitScores,
    threshold: Threshold | NoFigure,
    seen: frozenset[str] | None,
    params: EvaluateParams,
    held_out: SplitScores | None = None,
) -> Report:
    """All figures of one split.

    Args:
        split: the labelled clips with their scores.
        threshold: as chosen on validation, or why there is none.
        seen: generators of the training fakes, None where the labels do not name them.
        params: the section `evaluate`.
        held_out: clips held out of training; where given, the figures of unseen forgeries are theirs.
    """
    return _Builder(split, threshold, seen, params, held_out).build()


class _Builder:
    """Collects figures and notes; a `NoFigure` becomes null and its reason a note."""

    def __init__(
        self,
        split: SplitScores,
        threshold: Threshold | NoFigure,
        seen: frozenset[str] | None,
        params: EvaluateParams,
        held_out: SplitScores | None,
    ) -> None:
        self.split, self.threshold, self.seen, self.params = split, threshold, seen, params
        self.held_out = held_out
        self.figures: dict[str, Figure] = {}
        self.notes: dict[str, str] = {}
        self.intervals: dict[str, Interval | NoFigure] = {}

    def build(self) -> Report:
        t, s = self.split.target, self.split.score
        self._auc("auc", self.split, np.ones(t.size, dtype=bool))
        self._ranking(t, s)
        self._decisions()
        self._probabilities(t, s)
        self._counts(t)
        self._by_generator()
        if self.held_out is not None:
            self._of_held_out(self.held_out)
        self._bootstrapped()
        return Report({key: self.figures[key] for key in KEYS}, self.notes, self.intervals)

    def _ranking(self, t: IntArray, s: FloatArray) -> None:
        self._add("eer", lambda: metrics.eer(t, s))
        self._add("ap", lambda: metrics.average_precision(t, s))
        for key, fpr in FPR_TARGETS.items():
            self._add(key, partial(metrics.tpr_at_fpr, t, s, fpr))
        p = self.params
        costs = p.dcf_p_fake, p.dcf_cost_miss, p.dcf_cost_false_alarm
        self._add("min_dcf", lambda: metrics.min_dcf(t, s, *costs))

    def _decisions(self) -> None:
        for function in (metrics.f1, metrics.precision, metrics.recall, metrics.accuracy):
            self._add(function.__name__, partial(self._at_threshold, function))
        try:
            # Not rounded: the number in the file calls exactly the same clips fake.
            self.figures["threshold"] = self._threshold().value
            self.notes["threshold"] = self._threshold().why
        except NoFigure as none:
            self._null("threshold", none.reason)

    def _probabilities(self, t: IntArray, s: FloatArray) -> None:
        self._add("log_loss", lambda: metrics.log_loss(t, s))
        self._add("brier", lambda: metrics.brier(t, s))
        self._add("ece", lambda: metrics.ece(t, s, self.params.calibration_bins))

    def _counts(self, t: IntArray) -> None:
        n_fake = int(t.sum())
        self.figures |= {
            "n": t.size, "n_real": t.size - n_fake, "n_fake": n_fake, "n_unscored": self.split.n_unscored,
        }  # fmt: skip
        if self.split.left_out:
            self.notes["n"] = "; ".join(self.split.left_out)
        if self.split.n_unscored:
            self.notes["n_unscored"] = "unreadable clips; they count with the training prior as score"

    def _by_generator(self) -> None:
        """Fakes of generators that training saw, and of those it never saw, each against all real clips."""
        t = self.split.target
        names, seen = self.split.generator, self.seen
        fake = t == 1
        try:
            metrics.need_both_classes(t)
            if seen is None:
                raise NoFigure("the training labels have no generator column")
            if not any(name is not None for name, is_fake in zip(names, fake, strict=True) if is_fake):
                raise NoFigure("the labels of this split have no generator column")
        except NoFigure as none:
            for part in ("seen", "unseen"):
                self._no_auc(f"auc_{part}", none.reason)
                self._null(f"n_{part}_fake", none.reason)
            return
        of_seen = fake & np.array([name in seen for name in names])
        of_unseen = fake & np.array([name is not None and name not in seen for name in names])
        for part, chosen, text in (("seen", of_seen, "was"), ("unseen", of_unseen, "was not")):
            self.figures[f"n_{part}_fake"] = int(chosen.sum())
            self._auc(
                f"auc_{part}", self.split, chosen | ~fake, f"no fake whose generator {text} in training"
            )
        if unknown := int(fake.sum() - of_seen.sum() - of_unseen.sum()):
            self.notes["n_seen_fake"] = f"{unknown} fakes name no generator: neither seen nor unseen"

    def _of_held_out(self, held_out: SplitScores) -> None:
        """Forgeries that training was kept from, against the real clips that it was kept from."""
        for key in (*ci("auc_unseen"), "n_unseen_fake"):
            self.notes.pop(key, None)
        n_fake = int(held_out.target.sum())
        self.figures["n_unseen_fake"] = n_fake
        self._auc("auc_unseen", held_out, np.ones(held_out.target.size, dtype=bool))
        if self.figures["auc_unseen"] is not None:
            n_real = held_out.target.size - n_fake
            self.notes["auc_unseen"] = (
                f"of the split held_out: {n_fake} held-out forgeries against {n_real} held-out real clips"
            )

    def _auc(self, key: str, split: SplitScores, chosen: np.ndarray, why_not: str = "") -> None:
        """AUC and its interval on some of the clips; `why_not` is the reason where no fake is among them."""
        t, s = split.target[chosen], split.score[chosen]
        source = [name for name, is_chosen in zip(split.source, chosen, strict=True) if is_chosen]
        try:
            if why_not and not t.any():
                raise NoFigure(why_not)
            value = metrics.auc(t, s)
        except NoFigure as none:
            self._no_auc(key, none.reason if split.target.size else split.why_empty)
            return
        self.figures[key] = round(value, DECIMALS)
        try:
            self.intervals[key] = intervals.best_interval(
                t,
                s,
                source,
                confidence=self.params.confidence,
                n_bootstrap=self.params.n_bootstrap,
                rng=intervals.generator(self.params.seed, key),
            )
        except NoFigure as none:
            self.intervals[key] = none
        self._limits(key)

    def _no_auc(self, key: str, reason: str) -> None:
        for name in ci(key):
            self._null(name, reason)
        self.intervals[key] = NoFigure(self.notes[key])

    def _bootstrapped(self) -> None:
        """Intervals of all figures but the AUCs."""
        others = [key for key in FIGURES if key not in self.intervals]
        made: dict[str, Interval | NoFigure] = {}
        if self.split.target.size:
            p = self.params
            value = None if isinstance(self.threshold, NoFigure) else self.threshold.value
            made = figure_intervals(
                self.split.target,
                self.split.score,
                self.split.source,
                Settings(
                    FPR_TARGETS,
                    value,
                    p.calibration_bins,
                    p.dcf_p_fake,
                    p.dcf_cost_miss,
                    p.dcf_cost_false_alarm,
                ),
                confidence=p.confidence,
                n_bootstrap=p.n_bootstrap,
                rng=intervals.generator(p.seed, "figures"),
            )
        for key in others:
            null = self.figures[key] is None
            self.intervals[key] = NoFigure(self.notes[key]) if null else made[key]
            if key in WITH_INTERVAL:
                self._limits(key)

    def _limits(self, key: str) -> None:
        """Writes the limits of the figure's interval, or nulls with the reason."""
        interval = self.intervals[key]
        _, low, high = ci(key)
        if isinstance(interval, NoFigure):
            self.figures[low] = self.figures[high] = None
            self.notes[low] = self.notes[high] = interval.reason
            return
        self.figures[low], self.figures[high] = round(interval.low, DECIMALS), round(interval.high, DECIMALS)
        self.notes[low] = self.notes[high] = interval.how

    def _at_threshold(self, function: Callable[[IntArray, FloatArray, float], float]) -> float:
        return function(self.split.target, self.split.score, self._threshold().value)

    def _threshold(self) -> Threshold:
        if isinstance(self.threshold, NoFigure):
            raise self.threshold
        return self.threshold

    def _add(self, key: str, figure: Callable[[], float]) -> None:
        try:
            self.figures[key] = round(figure(), DECIMALS)
        except NoFigure as none:
            self._null(key, none.reason)

    def _null(self, key: str, reason: str) -> None:
        self.figures[key] = None
        self.notes[key] = reason if self.split.target.size else self.split.why_empty
