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
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from avfake.dataset.features import FeatureSet
from avfake.errors import RunError
from avfake.model.balance import shares
from avfake.model.clips import Clips
from avfake.model.detector import FAKE, REAL, Detector
from avfake.model.folds import generators_of, held_out, own_clips
from avfake.model.inference import fake_probability
from avfake.model.linear_heads import HEADS, Linear, calibrated, fold
from avfake.model.selection import Selection, best_epoch
from avfake.model.streams import SOUND, Windows
from avfake.model.training import Progress
from avfake.model.validation import Data
from avfake.params import TrainParams

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Features of the windows of a split, clip by clip.

    Attributes:
        features: float32 [windows, F].
        clip: int64 [windows], position of the window's clip in `Clips`, ascending.
        targets: int64 [clips], 1 for fake.
    """

    features: NDArray[np.float32]
    clip: NDArray[np.int64]
    targets: NDArray[np.int64]

    @property
    def window_targets(self) -> NDArray[np.int64]:
        """Target of each window's clip."""
        return self.targets[self.clip]

    def clip_means(self, values: NDArray[np.floating]) -> Floats:
        """Mean over each clip's windows of values [windows, ...]: float64 [clips, ...]."""
        counts = np.bincount(self.clip, minlength=len(self.targets))
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        sums: Floats = np.add.reduceat(np.asarray(values, np.float64), starts, axis=0)
        return sums / counts.reshape(-1, *[1] * (sums.ndim - 1))

    def asked(self, pooling: str) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
        """What a head is asked about under `pooling`, [n, F], and the clip of each row, int64 [n]."""
        if pooling == "mean":
            return self.features, self.clip
        return self.clip_means(self.features), np.arange(len(self.targets))

    def clip_statistics(self) -> Floats:
        """Mean and standard deviation of each feature over a clip's windows: float64 [clips, 2 F]."""
        means = self.clip_means(self.features)
        squares = self.clip_means((self.features - means[self.clip]) ** 2)
        return np.concatenate([means, np.sqrt(squares)], axis=1)

    def odds(self, linear: Linear, pooling: str) -> Floats:
        """Log-odds of each clip's probability of fake with `linear` as the head, float64 [clips]."""
        rows, _ = self.asked(pooling)
        each = linear.log_odds(rows)
        if pooling != "mean":
            return each
        score = np.clip(self.clip_means(1 / (1 + np.exp(-each))), 1e-12, 1 - 1e-12)
        odds: Floats = np.log(score / (1 - score))
        return odds


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
    chosen = None
    if params.selection == "generators":
        chosen = _choose(train, weights, data.train, params)
        strengths = strengths[: chosen.epoch]
    progress = Progress([], {}, None if chosen is None else chosen.epoch)
    for number, strength in enumerate(strengths, 1):
        head = _fit(train, weights, params, strength)
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


def _choose(table: Table, weights: Floats, clips: Clips, params: TrainParams) -> Selection:
    """The strength, by folds: each is fitted without its held-out clips, and scored on them."""
    strengths = HEADS[params.frozen_head][1]
    folds = held_out(clips, params.folds, params.seed)
    judged = folds & own_clips(clips)
    without = [generators_of(clips.take(own)) for own in judged]
    auc, loss = np.zeros((2, len(folds), len(strengths)))
    for number, (out, own) in enumerate(zip(folds, judged, strict=True)):
        for place, strength in enumerate(strengths):
            odds = table.odds(_fit(table, weights * ~out, params, strength), params.pooling)
            told, targets = odds[own], table.targets[own]
            auc[number, place] = roc_auc_score(targets, told)
            loss[number, place] = _cross_entropy(told, targets)
        best = int(auc[number].argmax())
        print(
            f"fold {number + 1} of {len(folds)}: without {', '.join(without[number])}:"
            f" AUC {auc[number].min():.4f} to {auc[number, best]:.4f}, the best at {strengths[best]:g}",
            flush=True,
        )
    return Selection(best_epoch(auc, loss), auc, loss, without)


def _fit(table: Table, weights: Floats, params: TrainParams, strength: float) -> Linear:
    """The head on clips of weight above 0; a clip's windows share its weight."""
    rows, clip = table.asked(params.pooling)
    each = weights[clip] / np.bincount(clip, minlength=len(weights))[clip]
    kept = each > 0
    return HEADS[params.frozen_head][0](rows[kept], table.targets[clip[kept]], each[kept], strength)


def read_table(
    detector: Detector, features: FeatureSet, clips: Clips, batch_size: int, device: torch.device
) -> Table:
    """Features of all windows of all clips. Raises RunError, with the clip's name, if one is not finite."""
    detector.eval()
    parts = []
    for row, name in zip(clips.rows, clips.names, strict=True):
        parts_of_clip = features.windows if detector.modality == SOUND else features.faces
        part = window_features(detector, parts_of_clip(int(row)), batch_size, device)
        if not np.isfinite(part).all():
            raise RunError(f"{name}: the backbone's features are not finite", "choose other weights")
        parts.append(part)
    return Table(np.concatenate(parts), np.repeat(np.arange(len(clips)), clips.counts), clips.targets)


def window_features(
    detector: Detector, windows: Windows, batch_size: int, device: torch.device
) -> NDArray[np.float32]:
    """What the head sees of windows uint8 [n >= 1, C, H, W] of one clip: float32 [n, F].

    Of faces uint8 [n >= 1, S, S, 3], where the detector looks and does not listen.
    """
    branch = detector.audio if detector.modality == SOUND else detector.visual
    parts = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            batch = torch.from_numpy(
                np.array(windows[start : start + batch_size])
            )  # a copy: maps are read-only
            parts.append(branch(batch.to(device)).float().cpu().numpy())
    return np.concatenate(parts)


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
