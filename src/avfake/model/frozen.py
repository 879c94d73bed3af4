"""A linear head on the features of a backbone that is not trained: the cheap, strong baseline.

The backbone runs once over every window, in evaluation mode. Logistic regression (scikit-learn) on the
standardised features of single windows then gives the head, each clip weighing the same however many windows
it has. Standardisation and weights fold into the detector's own linear layer. The detector is one module as
any other, and gives each window exactly the probability that was fitted; a clip's score is their mean, as
always. (A head fitted on the clip's mean features would be asked, by the mean of probabilities, for what it
never saw.)

In place of epochs there is a path of strengths, from strong regularisation to weak; the validation AUC
chooses. Nothing in it is random. Interrupted, it starts again and ends with the same bytes.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from avfake.dataset.features import FeatureSet
from avfake.errors import RunError
from avfake.model.clips import Clips
from avfake.model.detector import FAKE, REAL, Detector
from avfake.model.inference import fake_probability
from avfake.model.streams import Windows
from avfake.model.training import Data, Progress

Floats = NDArray[np.float64]

# Inverse strengths C of scikit-learn's penalty, for standardised features and a weight of one per clip.
STRENGTHS = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_MAX_STEPS = 2000
# A feature that varies by less, compared to its size, is constant: folded into float32 it would be rounding.
_LEAST_SPREAD = 1e-3


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

    def clip_statistics(self) -> Floats:
        """Mean and standard deviation of each feature over a clip's windows: float64 [clips, 2 F]."""
        means = self.clip_means(self.features)
        squares = self.clip_means((self.features - means[self.clip]) ** 2)
        return np.concatenate([means, np.sqrt(squares)], axis=1)


@dataclass(frozen=True)
class Linear:
    """Log-odds of fake as a linear function of features: weights float64 [F] and a bias."""

    weights: Floats
    bias: float

    def log_odds(self, features: NDArray[np.floating]) -> Floats:
        """Features [n, F] to log-odds float64 [n]."""
        odds: Floats = np.asarray(features, np.float64) @ self.weights + self.bias
        return odds


def fit_linear_head(
    detector: Detector,
    data: Data,
    batch_size: int,
    balanced: bool,
    device: torch.device,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Progress:
    """Fits the head of `detector` (on `device`, its backbone's weights loaded) in place.

    Args:
        detector: its backbone stays as it is, statistics of batch normalisation included.
        data: what training and the choice of the strength read.
        batch_size: windows at once.
        balanced: both classes weigh the same; otherwise each clip does.
        device: where the detector is.
        on_epoch: called with each row. What it raises ends the fit.

    Returns:
        a row for each of `STRENGTHS` in place of an epoch; `lr` is 0, since there is no learning rate. `best`
        holds the detector's weights with the head that has the highest validation AUC.

    Raises:
        RunError: features are not finite.
    """
    train = read_table(detector, data.features, data.train, batch_size, device)
    val = read_table(detector, data.features, data.val, batch_size, device)
    weights = clip_weights(data.train.targets, balanced)[train.clip]
    weights /= np.bincount(train.clip)[train.clip]
    progress = Progress([], {})
    for number, strength in enumerate(STRENGTHS, 1):
        fold(fit_linear(train.features, train.window_targets, weights, strength), detector)
        train_loss, train_right, _ = _figures(detector, train)
        val_loss, _, val_score = _figures(detector, val)
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
            f"head {number}/{len(STRENGTHS)}, C {strength:g}: train loss {train_loss:.4f},"
            f" validation loss {val_loss:.4f}, AUC {row['val_auc']:.4f}",
            flush=True,
        )
        if on_epoch is not None:
            on_epoch(dict(row))
    return progress


def read_table(
    detector: Detector, features: FeatureSet, clips: Clips, batch_size: int, device: torch.device
) -> Table:
    """Features of all windows of all clips. Raises RunError, with the clip's name, if one is not finite."""
    detector.eval()
    parts = []
    for row, name in zip(clips.rows, clips.names, strict=True):
        part = window_features(detector, features.windows(int(row)), batch_size, device)
        if not np.isfinite(part).all():
            raise RunError(f"{name}: the backbone's features are not finite", "choose other weights")
        parts.append(part)
    return Table(np.concatenate(parts), np.repeat(np.arange(len(clips)), clips.counts), clips.targets)


def window_features(
    detector: Detector, windows: Windows, batch_size: int, device: torch.device
) -> NDArray[np.float32]:
    """What the head sees of windows uint8 [n >= 1, C, H, W] of one clip: float32 [n, F]."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            batch = torch.from_numpy(
                np.array(windows[start : start + batch_size])
            )  # a copy: maps are read-only
            parts.append(detector.audio(batch.to(device)).float().cpu().numpy())
    return np.concatenate(parts)


def clip_weights(targets: NDArray[np.int64], balanced: bool) -> Floats:
    """Weight of each clip, float64 [clips], one on average."""
    if not balanced:
        return np.ones(len(targets))
    weights: Floats = (len(targets) / 2 / np.bincount(targets, minlength=2))[targets]
    return weights


def fit_linear(
    features: NDArray[np.floating], targets: NDArray[np.int64], weights: Floats, strength: float
) -> Linear:
    """Logistic regression with an L2 penalty on standardised features, as a function of the features.

    On one thread of linear algebra, because sums are ordered by thread.

    Args:
        features: [n, F]; those that hardly vary get the weight 0.
        targets: [n], 1 for fake, of both classes.
        weights: float64 [n].
        strength: C of scikit-learn.
    """
    x = np.asarray(features, np.float64)
    mean = np.average(x, axis=0, weights=weights)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
    varies = spread > _LEAST_SPREAD * np.abs(x).max(axis=0)
    found = np.zeros(x.shape[1])
    bias = 0.0
    x = (x[:, varies] - mean[varies]) / spread[varies]
    if not varies.any():
        x = np.zeros((len(x), 1))
    model = LogisticRegression(C=strength, max_iter=_MAX_STEPS)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # Said below in words of ours; what has been found by then is used.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, targets, sample_weight=weights)
    if int(model.n_iter_[0]) >= _MAX_STEPS:
        print(f"warning: logistic regression with C {strength:g} did not converge in {_MAX_STEPS} steps")
    if varies.any():
        found[varies] = model.coef_[0] / spread[varies]
    bias = float(model.intercept_[0] - found @ mean)
    return Linear(found, bias)


def fold(linear: Linear, detector: Detector) -> None:
    """Makes `linear` the detector's head: the logit of fake less that of real are its log-odds."""
    head = detector.head
    with torch.no_grad():
        for row, sign in ((REAL, -0.5), (FAKE, 0.5)):
            head.weight[row] = torch.from_numpy(sign * linear.weights).to(head.weight)
            head.bias[row] = sign * linear.bias


def _figures(detector: Detector, table: Table) -> tuple[float, float, Floats]:
    """Mean cross entropy and accuracy over windows, and the score of each clip, with the head as it is."""
    device = detector.head.weight.device
    with torch.inference_mode():
        logits = detector.head(torch.from_numpy(table.features).to(device)).double().cpu().numpy()
    odds = logits[:, FAKE] - logits[:, REAL]
    targets = table.window_targets
    loss = float(np.logaddexp(0.0, np.where(targets == FAKE, -odds, odds)).mean())
    right = float(((odds > 0) == (targets == FAKE)).mean())
    return loss, right, table.clip_means(fake_probability(logits))
