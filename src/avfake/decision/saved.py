"""`decision.json`, beside the weights in a model's folder: what validation says about this model's scores.

Keys: `format`, `model_sha256` (of the weights it belongs to), `threshold` (`value`, `why`; a clip is called
fake where its score is at least `value`, null where none could be chosen), `calibration`
(avfake.decision.calibration), `false_alarms` (avfake.decision.false_alarms), `training_clips`
(avfake.decision.training_clips), `validation` (`n_real`, `n_fake`: the clips behind it).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.decision.calibration import Calibration
from avfake.decision.false_alarms import FalseAlarms
from avfake.decision.training_clips import TrainingClips
from avfake.errors import UserError
from avfake.files import write_json

DECISION = "decision.json"
FORMAT = 1
FAKE, REAL = "fake", "real"
# A score as score files have it: what validation's scores were compared as.
DECIMALS = 6
_REMEDY = "write it anew with `dvc repro decide`, or remove it: clips are scored without it too"


@dataclass(frozen=True)
class Decision:
    """What a score of this model means.

    Attributes:
        model_sha256: of the weights.
        threshold: a clip is called fake where its score is at least this; None: `threshold_why` says why.
        threshold_why: how it was chosen.
        calibration: score to probability.
        false_alarms: scores of the real clips of validation.
        training_clips: what training met.
        n_real, n_fake: clips of validation that have a score of their own.
    """

    model_sha256: str
    threshold: float | None
    threshold_why: str
    calibration: Calibration
    false_alarms: FalseAlarms
    training_clips: TrainingClips
    n_real: int
    n_fake: int

    def label(self, score: float) -> str | None:
        """`fake` or `real`; None where there is no threshold."""
        if self.threshold is None:
            return None
        return FAKE if round(score, DECIMALS) >= self.threshold else REAL

    def probability(self, score: float) -> float | None:
        """The calibrated probability of fake; None where there is no calibration."""
        return self.calibration.probability(round(score, DECIMALS))

    def expected_fpr(self, score: float) -> float | None:
        """Share of the real validation clips with a score at least as high."""
        return self.false_alarms.rate(round(score, DECIMALS))

    def facts(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "format": FORMAT,
            "model_sha256": self.model_sha256,
            "threshold": {"value": self.threshold, "why": self.threshold_why},
            "calibration": self.calibration.facts(),
            "false_alarms": self.false_alarms.facts(),
            "training_clips": self.training_clips.facts(),
            "validation": {"n_real": self.n_real, "n_fake": self.n_fake},
        }


def save_decision(folder: str | Path, decision: Decision) -> None:
    """Writes decision.json into a model's folder."""
    write_json(Path(folder) / DECISION, decision.facts())


def load_decision(folder: str | Path, model_sha256: str) -> Decision | None:
    """The decision of a model's folder, or None where it has none.

    Args:
        folder: of the model.
        model_sha256: of the weights that were loaded from it.

    Raises:
        UserError: it is damaged, of another format, or belongs to other weights.
    """
    path = Path(folder) / DECISION
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON: {error}", _REMEDY) from None
    version = facts.get("format") if isinstance(facts, dict) else None
    if version != FORMAT:
        raise UserError(f"{path}: format {version}, this avfake reads format {FORMAT}", _REMEDY)
    try:
        decision = _read(facts)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: damaged: {type(error).__name__}: {error}", _REMEDY) from None
    if decision.model_sha256 != model_sha256:
        raise UserError(
            f"{path}: belongs to weights with the SHA-256 {decision.model_sha256[:12]}...,"
            f" those beside it have {model_sha256[:12]}...",
            _REMEDY,
        )
    return decision


def _read(facts: dict[str, Any]) -> Decision:
    threshold = facts["threshold"]["value"]
    return Decision(
        str(facts["model_sha256"]),
        None if threshold is None else float(threshold),
        str(facts["threshold"]["why"]),
        Calibration.read(facts["calibration"]),
        FalseAlarms.read(facts["false_alarms"]),
        TrainingClips.read(facts["training_clips"]),
        int(facts["validation"]["n_real"]),
        int(facts["validation"]["n_fake"]),
    )
