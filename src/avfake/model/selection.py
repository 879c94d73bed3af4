"""The number of epochs, chosen by forgeries that the training did not see.

Each fold is a training of its own, from the same start, on the clips of the other folds; after every epoch
it is scored on the clips that its fold holds out (avfake.model.folds). The epoch whose mean AUC over the
folds is highest is the one after which the training on all clips ends. Clips derived from a held-out clip
are held out with it, and are not scored: the figure is of clips that came with labels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avfake.model.checkpoint import Checkpoint
from avfake.model.detector import Detector
from avfake.model.folds import generators_of, held_out, own_clips
from avfake.model.training import fit
from avfake.model.validation import Data
from avfake.params import TrainParams


@dataclass(frozen=True)
class Selection:
    """What the folds said.

    Attributes:
        epoch: after which training ends.
        auc: float [folds, epochs], of each fold's held-out clips after each epoch.
        loss: float [folds, epochs], mean cross entropy over their windows.
        generators: by fold, those held out, sorted.
    """

    epoch: int
    auc: NDArray[np.float64]
    loss: NDArray[np.float64]
    generators: list[list[str]]

    def facts(self) -> dict[str, Any]:
        """Of model.json: `epoch`, `auc` (mean over the folds after it) and, by fold, what it held out."""
        column = self.epoch - 1
        return {
            "epoch": self.epoch,
            "auc": float(self.auc[:, column].mean()),
            "folds": [
                {"held_out": names, "auc": float(value)}
                for names, value in zip(self.generators, self.auc[:, column], strict=True)
            ],
        }


def choose_epoch(
    make: Callable[[], Detector],
    data: Data,
    params: TrainParams,
    device: torch.device,
    checkpoint: Checkpoint,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Selection:
    """Trains once per fold.

    Args:
        make: a detector on `device` with the weights to start from; the same at every call.
        data: what training reads; its validation is not looked at.
        params: the section `train`; `folds` of them, drawn with `seed`.
        device: where detectors are.
        checkpoint: of the training; folds keep theirs beside it.
        on_epoch: see `fit`; told of every fold's epochs.

    Raises:
        UserError: as `folds.assign` and `fit`.
    """
    own = own_clips(data.train)
    rows, held = [], []
    # Every fold has as many epochs: the mean over folds is of the same epochs.
    same_length = params.model_copy(update={"patience": None})
    for fold, out in enumerate(held_out(data.train, params.folds, params.seed)):
        part = Data(data.features, data.train.take(~out), data.train.take(out & own))
        names = generators_of(part.val)
        print(f"fold {fold + 1} of {params.folds}: without {', '.join(names)}", flush=True)
        progress = fit(make(), part, same_length, device, checkpoint.part(f"fold{fold + 1}"), on_epoch)
        rows.append(progress.rows)
        held.append(names)
    auc, loss = (_table(rows, key) for key in ("val_auc", "val_loss"))
    return Selection(best_epoch(auc, loss), auc, loss, held)


def best_epoch(auc: NDArray[np.float64], loss: NDArray[np.float64]) -> int:
    """The epoch, 1 ..., of the highest mean AUC of the folds [folds, epochs]; of equals, the lowest loss."""
    order = np.lexsort((loss.mean(axis=0), -auc.mean(axis=0)))
    return int(order[0]) + 1


def _table(rows: Sequence[Sequence[Mapping[str, float]]], key: str) -> NDArray[np.float64]:
    return np.array([[row[key] for row in fold] for fold in rows], np.float64)
