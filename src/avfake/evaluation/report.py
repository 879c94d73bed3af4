"""The flat figures of one split, and the reason for each that cannot be had."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from avfake.evaluation import intervals, metrics
from avfake.evaluation.metrics import FloatArray, IntArray, NoFigure
from avfake.evaluation.split import SplitScores
from avfake.evaluation.threshold import Threshold, choose
from avfake.params import EvaluateParams

# Enough to see any difference that matters, few enough that the last bits of a sum do not change a file.
DECIMALS = 6
FPR_TARGETS = {"tpr_at_fpr_1e_2": 1e-2, "tpr_at_fpr_5e_3": 5e-3, "tpr_at_fpr_1e_3": 1e-3}

# The keys of metrics/evaluate.json, in its order.
KEYS = (
    "auc", "auc_ci_low", "auc_ci_high", "eer", "ap", *FPR_TARGETS, "f1", "precision", "recall", "accuracy",
    "log_loss", "brier", "ece", "threshold", "n", "n_real", "n_fake", "n_unscored",
    "auc_seen", "auc_seen_ci_low", "auc_seen_ci_high", "n_seen_fake",
    "auc_unseen", "auc_unseen_ci_low", "auc_unseen_ci_high", "n_unseen_fake",
)  # fmt: skip

Figure = float | int | None


@dataclass(frozen=True)
class Report:
    """`figures`: every key of `KEYS`, None where it cannot be had. `notes`: at least a reason per None."""

    figures: dict[str, Figure]
    notes: dict[str, str]


def choose_threshold(validation: SplitScores, params: EvaluateParams) -> Threshold | NoFigure:
    """The threshold of every split, or why there is none."""
    try:
        metrics.need_clips(validation.target)
        return choose(validation.target, validation.score, params.threshold_rule, params.threshold_fpr)
    except NoFigure as none:
        empty = not validation.target.size
        reason = validation.why_empty if empty else none.reason
        return NoFigure(f"no threshold can be chosen on validation: {reason}")


def report(
    split: SplitScores, threshold: Threshold | NoFigure, seen: frozenset[str] | None, params: EvaluateParams
) -> Report:
    """All figures of one split.

    Args:
        split: the labelled clips with their scores.
        threshold: as chosen on validation, or why there is none.
        seen: generators of the training fakes, None where the labels do not name them.
        params: the section `evaluate`.
    """
    return _Builder(split, threshold, seen, params).build()


class _Builder:
    """Collects figures and notes; a `NoFigure` becomes null and its reason a note."""

    def __init__(
        self,
        split: SplitScores,
        threshold: Threshold | NoFigure,
        seen: frozenset[str] | None,
        params: EvaluateParams,
    ) -> None:
        self.split, self.threshold, self.seen, self.params = split, threshold, seen, params
        self.figures: dict[str, Figure] = {}
        self.notes: dict[str, str] = {}

    def build(self) -> Report:
        t, s = self.split.target, self.split.score
        self._ranking(t, s)
        self._decisions()
        self._probabilities(t, s)
        self._counts(t)
        self._by_generator()
        return Report({key: self.figures[key] for key in KEYS}, self.notes)

    def _ranking(self, t: IntArray, s: FloatArray) -> None:
        self._auc("auc", np.ones(t.size, dtype=bool))
        self._add("eer", lambda: metrics.eer(t, s))
        self._add("ap", lambda: metrics.average_precision(t, s))
        for key, fpr in FPR_TARGETS.items():
            self._add(key, partial(metrics.tpr_at_fpr, t, s, fpr))

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
                for key in (f"auc_{part}", f"auc_{part}_ci_low", f"auc_{part}_ci_high", f"n_{part}_fake"):
                    self._null(key, none.reason)
            return
        of_seen = fake & np.array([name in seen for name in names])
        of_unseen = fake & np.array([name is not None and name not in seen for name in names])
        for part, chosen, text in (("seen", of_seen, "was"), ("unseen", of_unseen, "was not")):
            self.figures[f"n_{part}_fake"] = int(chosen.sum())
            self._auc(f"auc_{part}", chosen | ~fake, f"no fake whose generator {text} in training")
        if unknown := int(fake.sum() - of_seen.sum() - of_unseen.sum()):
            self.notes["n_seen_fake"] = f"{unknown} fakes name no generator: neither seen nor unseen"

    def _auc(self, key: str, chosen: np.ndarray, why_not: str = "") -> None:
        """AUC and its interval on some of the clips; `why_not` is the reason where no fake is among them."""
        t, s = self.split.target[chosen], self.split.score[chosen]
        source = [name for name, is_chosen in zip(self.split.source, chosen, strict=True) if is_chosen]
        low, high = f"{key}_ci_low", f"{key}_ci_high"
        try:
            if why_not and not t.any():
                raise NoFigure(why_not)
            self.figures[key] = round(metrics.auc(t, s), DECIMALS)
            interval = intervals.auc_interval(
                t,
                s,
                source if any(name is not None for name in source) else None,
                confidence=self.params.confidence,
                n_bootstrap=self.params.n_bootstrap,
                rng=intervals.generator(self.params.seed, key),
            )
        except NoFigure as none:
            for name in (key, low, high):
                if name not in self.figures:
                    self._null(name, none.reason)
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
