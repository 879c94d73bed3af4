"""Linear heads on a table of features: of all clips, and without those that a fold holds out.

Where the last feature is that of lines (avfake.features.frame_lines) the head is fitted without it, and how
much each of the two says is fitted on clips that the head was not fitted on (avfake.model.stacking): those of
all folds, each told by the head that its fold was held out from. Without folds it is fitted on validation,
and also where the heads of folds tell their clips the wrong way round, as they may with few sources: they
then say nothing about the head on all clips, which validation knows.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from avfake.model.feature_table import Table
from avfake.model.linear_heads import HEADS, Linear
from avfake.model.stacking import fit_shares, stacked
from avfake.params import TrainParams

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Heads:
    """Heads on the features of the training clips.

    Attributes:
        table: features and targets.
        val: those of validation.
        weights: float64 [clips], what each clip weighs.
        folds: bool [folds, clips], whether each fold holds each clip out; there may be none.
        own: bool [clips], clips that came with labels.
        params: the section `train`: `frozen_head` and `pooling`.
        lines: whether the last feature is that of lines.
    """

    table: Table
    val: Table
    weights: Floats
    folds: Mask
    own: Mask
    params: TrainParams
    lines: bool
    _fitted: dict[tuple[frozenset[int], float], Linear] = field(default_factory=dict)

    def of_all(self, strength: float) -> Linear:
        """The head on all clips."""
        head = self._fit(np.ones(len(self.own), bool), strength)
        return self._joined(head, strength, None)

    def without(self, fold: int, strength: float) -> Linear:
        """The head without the clips that a fold holds out.

        What lines and features say for themselves is taken from the clips of the other folds alone, each told
        by a head without both folds.
        """
        return self._joined(self._without({fold}, strength), strength, fold)

    def _joined(self, head: Linear, strength: float, left_out: int | None) -> Linear:
        """The head with the lines, by what both say of the clips of all folds but one, or of validation."""
        if not self.lines:
            return head
        shares = self._of_held_out(strength, left_out)
        if shares is None or not shares[0]:
            rows, clip = self.val.asked(self.params.pooling)
            each = 1 / np.bincount(clip)[clip]
            shares = fit_shares(head.log_odds(rows[:, :-1]), _last(rows), self.val.targets[clip], each)
            if not shares[0]:  # wrong there as well: the order that it has stays, and shows in the AUC
                shares = np.array([1.0, shares[1], 0.0])
        return stacked(head, shares)

    def _of_held_out(self, strength: float, left_out: int | None) -> Floats | None:
        """Shares of head and lines on the clips of all folds but one; None where that leaves no clips to fit
        a head on."""
        rows, clip = self.table.asked(self.params.pooling)
        said = []
        for fold in range(len(self.folds)):
            without = {fold} if left_out is None else {fold, left_out}
            if fold == left_out or len(without) == len(self.folds):
                continue
            places = np.flatnonzero((self.folds[fold] & self.own)[clip])
            said.append((self._without(without, strength).log_odds(rows[places, :-1]), places))
        if not said:
            return None
        odds, places = (np.concatenate(parts) for parts in zip(*said, strict=True))
        weights = self._row_weights()[places]
        return fit_shares(odds, _last(rows)[places], self.table.targets[clip[places]], weights)

    def _without(self, folds: set[int], strength: float) -> Linear:
        """The head, without lines, on the clips that none of some folds holds out."""
        key = frozenset(folds), strength
        if key not in self._fitted:
            held_out: Mask = np.logical_or.reduce(self.folds[sorted(folds)], axis=0)
            self._fitted[key] = self._fit(~held_out, strength)
        return self._fitted[key]

    def _fit(self, clips: Mask, strength: float) -> Linear:
        """The head on some clips of weight above 0, without the lines if they are joined later."""
        rows, clip = self.table.asked(self.params.pooling)
        kept = clips[clip] & (self.weights[clip] > 0)
        features = rows[kept, :-1] if self.lines else rows[kept]
        fit = HEADS[self.params.frozen_head][0]
        return fit(features, self.table.targets[clip[kept]], self._row_weights()[kept], strength)

    def _row_weights(self) -> Floats:
        """What each row that the head is asked about weighs; a clip's windows share its weight."""
        _, clip = self.table.asked(self.params.pooling)
        weights: Floats = self.weights[clip] / np.bincount(clip, minlength=len(self.weights))[clip]
        return weights


def _last(rows: NDArray[np.floating]) -> Floats:
    """The last feature of rows [n, F], float64 [n]."""
    return np.asarray(rows[:, -1], np.float64)
