"""What a trial is judged by, and the training that it is.

The figure is one of validation inside the training; nothing here reads the test split.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.model.provenance import code_facts
from avfake.model.recipe import train_detector, weights_sha256
from avfake.model.validation import Data
from avfake.model.waveform import sound_hash
from avfake.params import TrainParams
from avfake.tune.edit import without
from avfake.tune.study import FIGURE

Watch = Callable[[dict[str, float]], None]


def figure(facts: Mapping[str, Any]) -> float:
    """The figure of a finished training, from the facts of model.json: the higher the better.

    Where leave-generators-out folds chose, it is their mean AUC, of forgeries that no fold's training saw;
    elsewhere the validation AUC.
    """
    folds = facts["selection"]
    return float(facts["val_auc"] if folds is None else folds["auc"])


def figure_of_epoch(row: Mapping[str, float]) -> float:
    """The figure after one epoch, by which a trial is compared with others that are as far."""
    return float(row["val_auc"])


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        value: its figure.
        facts: of model.json, those that a table shows.
    """

    value: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What all trials of a search train on.

    Attributes:
        data: clips and windows.
        content: fingerprint of the data.
        folder: of the checkpoints, and of nothing else.
        max_parameters: what the contest allows.
    """

    data: Data
    content: str
    folder: Path
    max_parameters: int

    def facts(self, base: TrainParams, searched: set[str]) -> dict[str, Any]:
        """What the figures of all trials rest on: data, code, weights, and the parameters not searched.

        Args:
            base: the section `train`.
            searched: dotted paths in it.

        Raises:
            UserError: the weights to start from are not there.
        """
        varies = any(path.endswith((".backbone", ".pretrained")) for path in searched)
        waveform = base.augmentation.waveform
        if "train.augmentation.waveform.share" in searched:
            waveform = waveform.model_copy(update={"share": 1.0})
        return {
            "figure": FIGURE,
            "data_sha256": self.content,
            "code": code_facts(),
            "sound_sha256": sound_hash(self.data.features, waveform),
            "max_parameters": self.max_parameters,
            "pretrained_sha256": None if varies else weights_sha256(base),
            "train": without(base.model_dump(), {path.partition(".")[2] for path in searched}),
        }

    def train(self, params: TrainParams, watch: Watch) -> Outcome:
        """Trains once, from its own checkpoint if there is one. Call it inside `deterministic`.

        Args:
            params: the section `train`.
            watch: called with the row of every epoch; what it raises ends the training.

        Raises:
            UserError, RunError: as `train_detector` raises them.
        """
        trained = train_detector(
            self.data, params, self.folder, self.content, self.max_parameters, on_epoch=watch
        )
        facts = {key: trained.facts[key] for key in ("best_epoch", "parameters")}
        return Outcome(figure(trained.facts), {**facts, "epochs": len(trained.progress.rows)})

    def forget(self) -> None:
        """Removes the checkpoint of a training whose result is safe, or that was given up."""
        shutil.rmtree(self.folder, ignore_errors=True)
