"""A linear head on the features of a backbone that is not trained: the cheap, strong baseline.

The backbone runs once over every window (or face), in evaluation mode. The head (avfake.model.linear_heads)
is fitted on what `train.pooling` will ask it about: on single windows where a clip's score is the mean of
their probabilities, each clip weighing the same however many it has; on the clip's mean features where it is
the probability of their mean log-odds, which a linear head takes of those very means. Standardisation and
weights fold into the detector's own linear layer. The detector is one module as any other.

In place of epochs there is a path of strengths, from strong regularisation to weak. The validation AUC
chooses, or the mean AUC of leave-generators-out folds inside the training clips (avfake.model.folds).
Nothing in it is random but the folds. Interrupted, it starts again and ends with the same bytes.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from avfake.model.balance import shares
from avfake.model.clips import Clips
from avfake.model.detector import FAKE, REAL, Detector
from avfake.model.feature_table import Table, read_table
from avfake.model.folds import generators_of, held_out, own_clips
from avfake.model.held_out_heads import Heads
from avfake.model.inference import fake_probability
from avfake.model.linear_heads import HEADS, Linear, calibrated, fold
from avfake.model.selection import Selection, best_epoch
from avfake.model.streams import SOUND
from avfake.model.training import Progress
from avfake.model.validation import Data
from avfake.params import TrainParams

Floats = NDArray[np.float64]


def fit_frozen_head(
    detector: Detector,
    data: Data,
    params: TrainParams,
    device: torch.device,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> tuple[Progress, Selection | None]:
    """Fits the head of `detector` (on `device`, its backbone's weights loaded) in place.

    Args:
        detector: its backbone stays as it is, statistics of batch normalisation included.
        data: what training and the choice of the strength read.
        params: the section `train`; `balance` and `class_weights` say what each clip weighs.
        device: where the detector is.
        on_epoch: called with each row. What it raises ends the fit.

    Returns:
        a row for each strength in place of an epoch, `lr` is 0, since there is no learning rate; and what the
        folds said, None where validation chose. Where they did, the rows end with the strength chosen.
        `best` holds the detector's weights with the head of that strength.

    Raises:
        RunError: features are not finite.
        UserError: as `folds.assign`.
    """
    strengths = HEADS[params.frozen_head][1]
    train = read_table(detector, data.features, data.train, params.batch_size, device)
    val = read_table(detector, data.features, data.val, params.batch_size, device)
    weights = clip_weights(data.train, params.balance, params.class_weights == "balanced")
    lines = detector.modality == SOUND and detector.audio.lines
    folds = np.zeros((0, len(data.train)), bool)
    if params.selection == "generators":
        folds = held_out(data.train, params.folds, params.seed)
    heads = Heads(train, val, weights, folds, own_clips(data.train), params, lines)
    chosen = None
    if params.selection == "generators":
        chosen = _choose(heads, data.train, params)
        strengths = strengths[: chosen.epoch]
    progress = Progress([], {}, None if chosen is None else chosen.epoch)
    for number, strength in enumerate(strengths, 1):
        head = heads.of_all(strength)
        if params.frozen_head == "discriminant":
            head = _calibrated(head, val, params.pooling)
        fold(head, detector)
        train_loss, train_right, _ = _figures(detector, train, params.pooling)
        val_loss, _, val_score = _figures(detector, val, params.pooling)
        row = {
            "epoch": number,
            "train_loss": train_loss,
            "train_accuracy": train_right,
            "val_loss": val_loss,
            "val_auc": float(roc_auc_score(val.targets, val_score)),
            "lr": 0.0,
        }
        progress.rows.append(row)
        if progress.best_row is row:
            progress.best = {
                key: value.detach().cpu().clone() for key, value in detector.state_dict().items()
            }
        print(
            f"head {number}/{len(strengths)}, {params.frozen_head} {strength:g}: train loss {train_loss:.4f},"
            f" validation loss {val_loss:.4f}, AUC {row['val_auc']:.4f}",
            flush=True,
        )
        if on_epoch is not None:
            on_epoch(dict(row))
    return progress, chosen


def _calibrated(head: Linear, table: Table, pooling: str) -> Linear:
    """The head with log-odds that fit the clips of `table`; a clip's windows share its weight."""
    rows, clip = table.asked(pooling)
    weights = 1 / np.bincount(clip, minlength=len(table.targets))[clip]
    return calibrated(head, head.log_odds(rows), table.targets[clip], weights)


def _choose(heads: Heads, clips: Clips, params: TrainParams) -> Selection:
    """The strength, by folds: each is fitted without its held-out clips, and scored on them."""
    table, strengths = heads.table, HEADS[params.frozen_head][1]
    judged = heads.folds & own_clips(clips)
    without = [generators_of(clips.take(own)) for own in judged]
    auc, loss = np.zeros((2, len(judged), len(strengths)))
    for number, own in enumerate(judged):
        for place, strength in enumerate(strengths):
            odds = table.odds(heads.without(number, strength), params.pooling)
            told, targets = odds[own], table.targets[own]
            auc[number, place] = roc_auc_score(targets, told)
            loss[number, place] = _cross_entropy(told, targets)
        best = int(auc[number].argmax())
        print(
            f"fold {number + 1} of {len(judged)}: without {', '.join(without[number])}:"
            f" AUC {auc[number].min():.4f} to {auc[number, best]:.4f}, the best at {strengths[best]:g}",
            flush=True,
        )
    return Selection(best_epoch(auc, loss), auc, loss, without)


def clip_weights(clips: Clips, balance: str, balanced: bool) -> Floats:
    """Weight of each clip, float64 [clips], one on average.

    Args:
        clips: of both classes.
        balance: as for the draw of clips (avfake.model.balance).
        balanced: both classes weigh the same besides.
    """
    n = len(clips)
    weights: Floats = np.ones(n) if balance == "none" else n * shares(clips, balance)
    if balanced:
        weights = weights * (n / 2 / np.bincount(clips.targets, weights, minlength=2))[clips.targets]
    return weights


def _figures(detector: Detector, table: Table, pooling: str) -> tuple[float, float, Floats]:
    """Mean cross entropy and accuracy over what the head is asked about, and the score of each clip, with the
    head as it is."""
    rows, clip = table.asked(pooling)
    with torch.inference_mode():
        features = torch.from_numpy(np.asarray(rows, np.float32)).to(detector.head.weight.device)
        logits = detector.head(features).double().cpu().numpy()
    odds = logits[:, FAKE] - logits[:, REAL]
    targets = table.targets[clip]
    right = float(((odds > 0) == (targets == FAKE)).mean())
    scores = fake_probability(logits)
    return _cross_entropy(odds, targets), right, table.clip_means(scores) if pooling == "mean" else odds


def _cross_entropy(odds: Floats, targets: NDArray[np.int64]) -> float:
    """Mean over log-odds of fake, [n]."""
    return float(np.logaddexp(0.0, np.where(targets == FAKE, -odds, odds)).mean())
