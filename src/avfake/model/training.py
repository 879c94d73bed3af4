"""The training loop: cross entropy, Adam, StepLR; the epoch with the best validation AUC wins.

An epoch is the unit of resumption: everything random in it follows from (seed, epoch), so that a run which
is killed and started again ends with the same bytes as one that was not.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from tqdm import tqdm

from avfake.dataset.features import FeatureSet
from avfake.errors import RunError, UserError
from avfake.model.batches import draw_epoch, read_batches
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import Clips
from avfake.model.detector import Detector
from avfake.model.inference import fake_probability, window_logits
from avfake.params import TrainParams

COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_auc", "lr")


@dataclass(frozen=True)
class Data:
    """What training reads."""

    features: FeatureSet
    train: Clips
    val: Clips


@dataclass
class Progress:
    """How far training has come: a row of `COLUMNS` per finished epoch, and the best weights so far."""

    rows: list[dict[str, float]]
    best: dict[str, Tensor]

    @property
    def best_row(self) -> dict[str, float]:
        """The epoch of the highest validation AUC; of equals, the one of the lowest validation loss."""
        return max(self.rows, key=lambda row: (row["val_auc"], -row["val_loss"]))


def fit(
    detector: Detector, data: Data, params: TrainParams, device: torch.device, checkpoint: Checkpoint
) -> Progress:
    """Trains `detector` (on `device`) in place, going on from the checkpoint if there is one.

    Returns:
        the progress after the last epoch; `best` holds the weights to keep.

    Raises:
        UserError: one window in all, of which no batch statistics can be had.
        RunError: the loss is not finite.
    """
    if int(np.minimum(data.train.counts, params.windows_per_clip).sum()) < 2:
        raise UserError("training needs two windows at least", "add clips to the train split")
    optimiser = torch.optim.Adam(detector.parameters(), lr=params.lr)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, params.lr_step, params.lr_gamma)
    progress = Progress([], {})
    parts: dict[str, Any] = {"detector": detector, "optimiser": optimiser, "schedule": schedule}
    stored = checkpoint.load()
    if stored is not None:
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        progress = Progress(stored["rows"], stored["best"])
        print(f"resumed after epoch {len(progress.rows)} of {params.epochs}")

    for epoch in range(len(progress.rows) + 1, params.epochs + 1):
        rate = schedule.get_last_lr()[0]
        train_loss, accuracy = _train_epoch(detector, data, params, device, optimiser, epoch)
        schedule.step()
        val_loss, val_auc = validate(detector, data, params.batch_size, device)
        values = (epoch, train_loss, accuracy, val_loss, val_auc, float(rate))
        progress.rows.append(dict(zip(COLUMNS, values, strict=True)))
        if progress.best_row["epoch"] == epoch:
            progress.best = {
                key: value.detach().cpu().clone() for key, value in detector.state_dict().items()
            }
        print(
            f"epoch {epoch}/{params.epochs}: train loss {train_loss:.4f}, accuracy {accuracy:.4f};"
            f" validation loss {val_loss:.4f}, AUC {val_auc:.4f}",
            flush=True,
        )
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        checkpoint.save({**state, "rows": progress.rows, "best": progress.best})
    return progress


def validate(detector: Detector, data: Data, batch_size: int, device: torch.device) -> tuple[float, float]:
    """Mean cross entropy over the windows of validation, and the AUC over its clips (mean probability).

    All windows of every clip count, in full precision, as in prediction.
    """
    detector.eval()
    losses, scores = [], []
    for row, target in zip(data.val.rows, data.val.targets, strict=True):
        logits = window_logits(detector, data.features.windows(int(row)), batch_size, device)
        peak = logits.max(axis=1)
        losses.append(peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1)) - logits[:, target])
        scores.append(fake_probability(logits).mean())
    loss = float(np.concatenate(losses).mean())
    if not np.isfinite(loss):
        raise RunError("the validation loss is not finite", "lower train.lr")
    return loss, float(roc_auc_score(data.val.targets, scores))


def _train_epoch(
    detector: Detector,
    data: Data,
    params: TrainParams,
    device: torch.device,
    optimiser: torch.optim.Optimizer,
    epoch: int,
) -> tuple[float, float]:
    """One pass; mean loss and accuracy over the windows as they were when each batch came."""
    drawn = draw_epoch(
        data.train, params.windows_per_clip, params.flip_time, params.flip_frequency, params.seed, epoch
    )
    # For backbones with dropout. Torch takes one number; numpy mixes the two into it.
    torch.manual_seed(int(np.random.default_rng([params.seed, epoch, 1]).integers(2**63)))
    criterion = nn.CrossEntropyLoss()
    detector.train()
    loss_sum, n_right, n_seen = 0.0, 0, 0
    label = f"epoch {epoch}/{params.epochs}"
    with tqdm(total=len(drawn), desc=label, unit="window", file=sys.stderr, disable=None, leave=False) as bar:
        for windows, targets in read_batches(data.features, data.train, drawn, params.batch_size):
            wanted = torch.from_numpy(targets).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=params.mixed_precision):
                logits = detector(torch.from_numpy(windows).to(device))
                loss = criterion(logits.float(), wanted)
            if not torch.isfinite(loss):
                raise RunError(f"the loss is not finite in epoch {epoch}", "lower train.lr")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss_sum += loss.item() * len(targets)
            n_right += int((logits.argmax(1) == wanted).sum())
            n_seen += len(targets)
            bar.update(len(targets))
            bar.set_postfix(
                loss=f"{loss_sum / n_seen:.4f}", accuracy=f"{n_right / n_seen:.3f}", refresh=False
            )
    return loss_sum / n_seen, n_right / n_seen
