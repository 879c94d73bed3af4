"""The section `train` as shipped, with other values."""

from functools import lru_cache
from typing import Any

from avfake.params import TrainParams, load
from workspace import ROOT

NEUTRAL: dict[str, Any] = {
    "modality": "sound",
    "modality_dropout": 0.0,
    "offset_head": 0.0,
    "frozen_head": "none",
    "pooling": "mean",
    "selection": "validation",
    "balance": "none",
    "loss": "cross_entropy",
    "label_smoothing": 0.0,
    "class_weights": "none",
    "optimiser": "adam",
    "weight_decay": 0.0,
    "schedule": "step",
    "warmup_epochs": 0,
    "averaging": "none",
    "patience": None,
}
ALONE: dict[str, Any] = {
    "readout": {"stages": [], "bands": 4},
    "ensemble": {"members": 1, "bagging": "none"},
    "distil": {"teacher": "teachers/none", "weight": 0.5, "temperature": 2.0},
}
UNCHANGED: dict[str, Any] = {
    "flip_time": False,
    "flip_frequency": False,
    "time_masks": 0,
    "band_masks": 0,
    "high_cut": 0.0,
    "tilt_db": 0.0,
    "gain_db": 0.0,
    "noise_db": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "waveform.share": 0.0,
}


def train_params(augmentation: dict[str, Any] | None = None, **values: Any) -> TrainParams:
    """The plainest training, with these values of `train.augmentation` and of `train`; checked."""
    tree = _shipped().model_dump() | NEUTRAL | ALONE | values
    for name, value in (UNCHANGED | (augmentation or {})).items():
        *parent, last = name.split(".")
        node = tree["augmentation"][parent[0]] if parent else tree["augmentation"]
        node[last] = value
    return TrainParams.model_validate(tree)


@lru_cache
def _shipped() -> TrainParams:
    return load(TrainParams, ROOT / "params.yaml")


def neutral() -> dict[str, Any]:
    """The plainest training as dotted values of params.yaml."""
    nested = ALONE | {"augmentation": UNCHANGED}
    inner = {f"train.{name}.{key}": value for name, values in nested.items() for key, value in values.items()}
    return {f"train.{name}": value for name, value in NEUTRAL.items()} | inner
