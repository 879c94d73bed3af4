"""What training reads, and the figures of its validation."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from avfake.dataset.features import FeatureSet
from avfake.errors import RunError
from avfake.model.clips import Clips
from avfake.model.detector import Detector
from avfake.model.inference import clip_logits, clip_probability
from avfake.model.packed import read_clip


@dataclass(frozen=True)
class Data:
    """What training reads."""

    features: FeatureSet
    train: Clips
    val: Clips


def validate(detector: Detector, data: Data, batch_size: int, device: torch.device) -> tuple[float, float]:
    """Mean cross entropy over the windows of validation, and the AUC over its clips (mean probability).

    With attention the clip is judged as a whole, and the cross entropy is the mean over clips.

    All windows of every clip count, in full precision, as in prediction.
    """
    detector.eval()
    losses, scores = [], []
    for row, target in zip(data.val.rows, data.val.targets, strict=True):
        looks = read_clip(data.features, int(row), detector.modality)
        logits = clip_logits(detector, looks, batch_size, device)
        peak = logits.max(axis=1)
        losses.append(peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1)) - logits[:, target])
        scores.append(clip_probability(logits, detector.pooling))
    loss = float(np.concatenate(losses).mean())
    if not np.isfinite(loss):
        raise RunError("the validation loss is not finite", "lower train.lr")
    return loss, float(roc_auc_score(data.val.targets, scores))
