"""The training loop; the epoch with the best validation AUC wins.

An epoch is the unit of resumption: everything random in it follows from (seed, epoch), so that a run which
is killed and started again ends with the same bytes as one that was not.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from avfake.errors import RunError, UserError
from avfake.model.attention import ATTENTION
from avfake.model.averaging import Averaging, make_averaging
from avfake.model.bags import BagEpoch, gathered, n_updates
from avfake.model.batches import Preparation, draw_epoch, epoch_sizes, read_batches
from avfake.model.checkpoint import Checkpoint
from avfake.model.detector import Detector
from avfake.model.distillation import Teacher
from avfake.model.epoch import Epoch, plain
from avfake.model.losses import balanced_weights, make_loss
from avfake.model.offset import OffsetHead, make_offset_head, offset_loss
from avfake.model.optimisers import Schedule, make_optimiser, make_schedule
from avfake.model.paired import PairEpoch, pair_epoch, timed_pairs
from avfake.model.pooling import bag_logits
from avfake.model.streams import SOUND, Pairs, as_input
from avfake.model.validation import Data, validate
from avfake.model.waveform import Waveforms
from avfake.params import TrainParams

COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_auc", "lr")


@dataclass
class Progress:
    """How far training has come: a row of `COLUMNS` per finished epoch, and the best weights so far.

    Where the last epoch was chosen beforehand, the best is the latest.
    """

    rows: list[dict[str, float]]
    best: dict[str, Tensor]
    last_epoch: int | None = None

    @property
    def best_row(self) -> dict[str, float]:
        """The epoch of the highest validation AUC; of equals, the one of the lowest validation loss."""
        if self.last_epoch is not None:
            return self.rows[-1]
        return max(self.rows, key=lambda row: (row["val_auc"], -row["val_loss"]))


def fit(
    detector: Detector,
    data: Data,
    params: TrainParams,
    device: torch.device,
    checkpoint: Checkpoint,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    last_epoch: int | None = None,
    teacher: Teacher | None = None,
) -> Progress:
    """Trains `detector` (on `device`) in place, going on from the checkpoint if there is one.

    Args:
        detector: with the weights to start from.
        data: what training and the choice of the epoch read.
        params: the section `train`.
        device: where the detector is.
        checkpoint: of this training.
        on_epoch: called with the row of every epoch, once the checkpoint holds it; with those of an
            interrupted run first. What it raises ends the training.
        last_epoch: after which training ends, on the schedule of all of `params.epochs`, and whose weights
            are kept; None: validation chooses.
        teacher: whose scores are learned beside the labels.

    Returns:
        the progress after the last epoch; `best` holds the weights to keep: averaged ones, where weights are
        averaged.

    Raises:
        UserError: one window in all, of which no batch statistics can be had; or the optimiser, the schedule
            or the augmentation cannot be had.
        RunError: the loss is not finite, or a worker process died.
    """
    disturbed = params.augmentation.waveform
    with Waveforms(data.features, data.train, disturbed, params.seed, checkpoint.folder) as waveforms:
        return _fit(detector, data, params, device, checkpoint, on_epoch, last_epoch, teacher, waveforms)


def _fit(
    detector: Detector,
    data: Data,
    params: TrainParams,
    device: torch.device,
    checkpoint: Checkpoint,
    on_epoch: Callable[[dict[str, float]], None] | None,
    last_epoch: int | None,
    teacher: Teacher | None,
    waveforms: Waveforms,
) -> Progress:
    sizes = epoch_sizes(data.train, params)
    if min(sizes) < 2:
        raise UserError("training needs two windows at least", "add clips to the train split")
    offset = make_offset_head(detector, data.features.info, params.seed) if params.offset_head else None
    trained = detector if offset is None else nn.ModuleList([detector, offset])
    optimiser = make_optimiser(trained, params)
    schedule = make_schedule(optimiser, params, n_updates(data.train, params))
    averaging = make_averaging(detector, params)
    loop = _Loop(detector, data, params, device, optimiser, schedule, averaging, teacher, waveforms, offset)
    progress = Progress([], {}, last_epoch)
    parts: dict[str, Any] = {
        "detector": detector,
        "optimiser": optimiser,
        "schedule": schedule,
        "averaging": averaging,
    }
    if offset is not None:
        parts["offset"] = offset
    stored = checkpoint.load()
    if stored is not None:
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        progress = Progress(stored["rows"], stored["best"], last_epoch)
        print(f"resumed after epoch {len(progress.rows)} of {params.epochs}")
        for row in progress.rows:
            _tell(on_epoch, row)

    n_epochs, patience = (params.epochs, params.patience) if last_epoch is None else (last_epoch, None)
    while len(progress.rows) < n_epochs and not _is_stale(progress, patience):
        epoch = len(progress.rows) + 1
        rate, train_loss, accuracy = loop.run(epoch)
        candidate = averaging.kept
        val_loss, val_auc = validate(candidate, data, params.batch_size, device)
        values = (epoch, train_loss, accuracy, val_loss, val_auc, rate)
        progress.rows.append(dict(zip(COLUMNS, values, strict=True)))
        if progress.best_row["epoch"] == epoch:
            progress.best = {
                key: value.detach().cpu().clone() for key, value in candidate.state_dict().items()
            }
        print(
            f"epoch {epoch}/{params.epochs}: train loss {train_loss:.4f}, accuracy {accuracy:.4f};"
            f" validation loss {val_loss:.4f}, AUC {val_auc:.4f}",
            flush=True,
        )
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        checkpoint.save({**state, "rows": progress.rows, "best": progress.best})
        _tell(on_epoch, progress.rows[-1])
    if len(progress.rows) < n_epochs:
        print(f"ended: nothing better in {params.patience} epochs after epoch {progress.best_row['epoch']}")
    return progress


@dataclass(frozen=True)
class _Loop:
    """What an epoch of training works with."""

    detector: Detector
    data: Data
    params: TrainParams
    device: torch.device
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    averaging: Averaging
    teacher: Teacher | None
    waveforms: Waveforms
    offset: OffsetHead | None = None

    def run(self, epoch: int) -> tuple[float, float, float]:
        """One pass over what is drawn.

        Returns:
            the learning rate of the first update; mean loss and accuracy over the windows as they were when
            each batch came. A mixed window is of the class of its larger share. With attention, over bags of
            windows of one clip.
        """
        params, train = self.params, self.data.train
        drawn = draw_epoch(train, params, epoch)
        judged = drawn.clip
        if params.pooling == ATTENTION:
            drawn = gathered(drawn, train, params.windows_per_clip)
            judged = drawn.clip[drawn.firsts]
        if params.modality != SOUND:
            drawn = pair_epoch(drawn, self.data.features, train, params, epoch)
        # For backbones with dropout. Torch takes one number; numpy mixes the two into it.
        torch.manual_seed(int(np.random.default_rng([params.seed, epoch, 1]).integers(2**63)))
        weights = None
        if params.class_weights == "balanced":
            weights = balanced_weights(train.targets[judged]).to(self.device)
        criterion = make_loss(params, weights)
        prepare = Preparation(params.augmentation, self.data.features.info, params.seed)
        bounds = drawn.bounds(params.batch_size)
        self.detector.train()
        rate, loss_sum, n_right, n_seen = 0.0, 0.0, 0, 0
        label = f"epoch {epoch}/{params.epochs}"
        with tqdm(
            total=len(drawn), desc=label, unit="window", file=sys.stderr, disable=None, leave=False
        ) as bar:
            heard = self.waveforms.heard(drawn, epoch)
            batches = read_batches(self.data.features, train, drawn, params.batch_size, heard)
            for number, batch in enumerate(batches):
                prepared, targets = prepare(*batch, epoch, number)
                bags = drawn.within(*bounds[number]) if isinstance(drawn, BagEpoch) else None
                if bags is not None:
                    targets = targets[np.unique(bags, return_index=True)[1]]
                inputs = as_input(prepared, self.device)
                wanted = torch.from_numpy(targets).to(self.device)
                with torch.autocast(self.device.type, torch.bfloat16, enabled=params.mixed_precision):
                    if self.offset is not None:
                        logits, beside = self._with_offset(inputs, drawn, bounds[number])
                    elif bags is not None:
                        assert isinstance(inputs, Tensor)
                        logits = bag_logits(self.detector, inputs, bags)
                    else:
                        logits = self.detector(inputs)
                    loss = criterion(logits.float(), wanted)
                    if self.teacher is not None:
                        loss = self.teacher.loss(logits.float(), loss, inputs)
                    if self.offset is not None:
                        loss = loss + beside
                if not torch.isfinite(loss):
                    raise RunError(f"the loss is not finite in epoch {epoch}", "lower train.lr")
                self.optimiser.zero_grad()
                loss.backward()
                self.schedule.before_update(epoch, number / len(bounds))
                rate = rate if number else float(self.optimiser.param_groups[0]["lr"])
                self.optimiser.step()
                self.schedule.after_update()
                self.averaging.after_update()
                loss_sum += loss.item() * len(targets)
                n_right += int((logits.argmax(1) == (wanted > 0.5)).sum())
                n_seen += len(targets)
                bar.update(bounds[number][1] - bounds[number][0])
                bar.set_postfix(
                    loss=f"{loss_sum / n_seen:.4f}", accuracy=f"{n_right / n_seen:.3f}", refresh=False
                )
        self.averaging.after_epoch(epoch, lambda: self._plain_batches(drawn))
        return rate, loss_sum / n_seen, n_right / n_seen

    def _with_offset(
        self, inputs: Tensor | Pairs, drawn: Epoch, bounds: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Logits of a batch, and the weighted loss of the offset head on it."""
        assert self.offset is not None
        assert isinstance(inputs, Pairs)
        assert isinstance(drawn, PairEpoch)
        seen = self.detector.look(inputs)
        timed = timed_pairs(self.data.features, self.data.train, drawn, *bounds)
        beside = self.params.offset_head * offset_loss(self.offset, seen, timed)
        return self.detector.judge(seen), beside

    def _plain_batches(self, drawn: Epoch) -> Iterator[Tensor | Pairs]:
        """The windows drawn, as prediction would see them."""
        batches = read_batches(self.data.features, self.data.train, plain(drawn), self.params.batch_size)
        for windows, _ in batches:
            yield as_input(windows, self.device)


def _is_stale(progress: Progress, patience: int | None) -> bool:
    """Whether the last `patience` epochs brought nothing better."""
    if patience is None or not progress.rows:
        return False
    return progress.rows[-1]["epoch"] - progress.best_row["epoch"] >= patience


def _tell(on_epoch: Callable[[dict[str, float]], None] | None, row: dict[str, float]) -> None:
    if on_epoch is not None:
        on_epoch(row)
