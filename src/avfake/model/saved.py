"""The saved model: `model.safetensors` (weights) and `model.json` (what made them). Nothing else is needed.

Keys of model.json: `format`, `backbone` (of the sound; of the faces where the detector does not listen),
`visual` (null for sound alone, else avfake.model.visual.Sight with the record and the hash of its weights),
`features` (features.json as featurize wrote it: the front end and its parameters), `train` (the parameters of
training), `pretrained` (where the weights came from that it started with: avfake.model.pretrained.origin),
`pretrained_sha256` (of their file), `best_epoch`, `val_auc`, `selection` (what the folds said, null where
validation chose the epoch), `prior` (share of fakes among the clips trained on), `generators` (ways of
forging seen in training, sorted), `sizes` (`n_train`, `n_val` clips), `parameters`, `parameters_thop`,
`macs_thop` (per window), `ensemble` (null; of an ensemble `bagging` and
`members`, each with its `seed`, `best_epoch`, `val_auc`, `selection` and `n_clips`, and `best_epoch` is a
list), `teacher` (null, or whose scores were learned: avfake.model.distillation.Teacher.facts), `data_sha256`
(windows and labels), `clips_sha256` (names of the clips trained on), `code` (versions, SHA-256 of the sources
of avfake.model), `sha256` (of model.safetensors).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from avfake.errors import UserError
from avfake.features.front_ends import has_lines
from avfake.files import atomic_write_bytes, sha256_file, write_json
from avfake.model.assembly import assemble
from avfake.model.detector import Detector
from avfake.model.ensemble import Ensemble
from avfake.model.inference import to_device
from avfake.model.visual import Sight
from avfake.params.train import ReadoutParams

WEIGHTS, FACTS = "model.safetensors", "model.json"
FORMAT = 3
_REMEDY = "train one with `dvc repro train`, or fetch one with `dvc pull`"


@dataclass(frozen=True)
class SavedModel:
    """A detector ready to score, with the facts of model.json."""

    detector: Detector
    facts: dict[str, Any]

    @property
    def prior(self) -> float:
        """Share of fakes among the clips trained on: the score of a clip that cannot be scored."""
        return float(self.facts["prior"])

    @property
    def sight(self) -> Sight | None:
        """What it looks at faces with; None where it listens only."""
        return Sight.read(self.facts.get("visual"))

    @property
    def modality(self) -> str:
        """`sound`, `picture` or `both`."""
        return Sight.modality_of(self.facts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a window."""
        channels, height, width = self.facts["features"]["shape"]
        return int(channels), int(height), int(width)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what the backbone gets of a window: all but the lines."""
        channels, height, width = self.shape
        return channels - has_lines(self.facts["features"]), height, width


def save_model(folder: str | Path, detector: Detector, facts: dict[str, Any]) -> None:
    """Writes both files; the same weights and facts give the same bytes."""
    folder = Path(folder)
    state = {key: value.detach().cpu().contiguous() for key, value in detector.state_dict().items()}
    # One key of metadata only: safetensors writes several in no fixed order.
    atomic_write_bytes(folder / WEIGHTS, safetensors.torch.save(state, metadata={"format": "pt"}))
    write_json(folder / FACTS, {"format": FORMAT, **facts, "sha256": sha256_file(folder / WEIGHTS)})


def load_model(folder: str | Path, device: torch.device | None = None) -> SavedModel:
    """Loads a detector in evaluation mode.

    Raises:
        UserError: a file is missing, damaged, of another format or does not belong to the other one.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise UserError(f"{weights}: no such file", _REMEDY)
    found = sha256_file(weights)
    if found != facts["sha256"]:
        raise UserError(
            f"{weights}: damaged, or from another training than {folder / FACTS}:"
            f" its SHA-256 is {found}, expected {facts['sha256']}",
            _REMEDY,
        )
    detector = build_saved(facts)
    try:
        detector.load_state_dict(safetensors.torch.load_file(weights), strict=True)
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{weights}: does not fit the backbone {facts['backbone']}: {str(error)[:300]}",
            "install the versions that model.json names under `code`, or train anew with `dvc repro train`",
        ) from None
    return SavedModel(to_device(detector.eval(), device or torch.device("cpu")), facts)


def n_members(facts: Mapping[str, Any]) -> int:
    """How many detectors a model.json speaks of: 1 unless it is an ensemble's."""
    ensemble = facts.get("ensemble")
    return len(ensemble["members"]) if ensemble else 1


def build_saved(facts: Mapping[str, Any]) -> Detector:
    """The architecture that a model.json names, on random weights. Raises UserError as `build` does."""
    channels, height, width = map(int, facts["features"]["shape"])
    shape, train = (channels, height, width), facts["train"]
    readout, sight = ReadoutParams.model_validate(train["readout"]), Sight.read(facts.get("visual"))
    lines = has_lines(facts["features"])
    members = [
        assemble(facts["backbone"], shape, sight, readout, train["pooling"], lines)
        for _ in range(n_members(facts))
    ]
    return members[0] if len(members) == 1 else Ensemble(members).eval()


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Reads model.json alone. Raises UserError if it is missing, damaged or of another format."""
    path = Path(folder) / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file", _REMEDY) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON: {error}", _REMEDY) from None
    version = facts.get("format") if isinstance(facts, dict) else None
    if version != FORMAT:
        raise UserError(f"{path}: format {version}, this avfake reads format {FORMAT}", _REMEDY)
    missing = sorted({"backbone", "features", "train", "prior", "sha256"} - facts.keys())
    if missing:
        raise UserError(f"{path}: `{missing[0]}` is missing", _REMEDY)
    return dict(facts)
