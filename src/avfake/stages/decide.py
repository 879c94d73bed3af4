"""Stage `decide`: what the model's scores mean, into its folder, so that it travels with the weights.

    dvc repro decide                   # as part of the pipeline
    python -m avfake.stages.decide     # by itself, from the repository's root

Reads data/facts, data/predictions (validation), data/resplit (labels) and models/model.json; writes
models/decision.json (avfake.decision.saved). The threshold is that of the stage `evaluate`.
"""

import json
from pathlib import Path

import numpy as np

from avfake.dataset.facts import FILE as FACTS_FILE
from avfake.dataset.facts import read_facts
from avfake.dataset.labels import read_labels
from avfake.dataset.predictions import FILES, UNSCORED, read_predictions, read_unscored
from avfake.decision.false_alarms import FalseAlarms
from avfake.decision.fit import fit
from avfake.decision.met import training_clips
from avfake.decision.saved import Decision, save_decision
from avfake.errors import UserError
from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.split import join
from avfake.evaluation.threshold import choose_threshold
from avfake.params import DecideParams, EvaluateParams, load
from avfake.stages._run import stage_main

LABELS, FACTS = Path("data/resplit"), Path("data/facts")
PREDICTIONS, MODELS = Path("data/predictions"), Path("models")
# Not through avfake.model.saved: a change of the networks' code must not rerun this stage.
MODEL_FACTS = MODELS / "model.json"
SPLIT = "val"


def main() -> None:
    """Decides as params.yaml says."""
    decision = decide(load(DecideParams), load(EvaluateParams))
    save_decision(MODELS, decision)
    shown = decision.threshold_why if decision.threshold is None else f"{decision.threshold:.6f}"
    print(
        f"decide: threshold {shown}; calibration {decision.calibration.method} ({decision.calibration.why})"
    )


def decide(params: DecideParams, evaluate: EvaluateParams) -> Decision:
    """The decision of the model in models/, from its scores of validation.

    Args:
        params: the section `decide`.
        evaluate: the section `evaluate`; of it the rule of the threshold.

    Raises:
        UserError: a stage before this one did not run.
    """
    needed = (
        LABELS / "clips.parquet",
        FACTS / FACTS_FILE,
        PREDICTIONS / FILES[SPLIT],
        PREDICTIONS / UNSCORED,
        MODEL_FACTS,
    )
    for path in needed:
        if not path.exists():
            raise UserError(f"{path}: no such file", "run the stages before this one: `dvc repro decide`")
    labels = read_labels(LABELS)
    unscored = {item.video_name for item in read_unscored(PREDICTIONS / UNSCORED) if item.split == SPLIT}
    clips = join(labels, read_predictions(PREDICTIONS / FILES[SPLIT]), unscored, SPLIT)
    threshold = choose_threshold(clips, evaluate)
    # A clip that cannot be scored has the training prior in the file, which no other clip ever gets.
    own = ~clips.table["video_name"].isin(unscored).to_numpy(dtype=bool)
    target, score = clips.target[own].astype(np.int64), clips.score[own].astype(np.float64)
    chosen = None if isinstance(threshold, NoFigure) else threshold.value
    return Decision(
        model_sha256=str(json.loads(MODEL_FACTS.read_text(encoding="utf-8"))["sha256"]),
        threshold=chosen,
        threshold_why=threshold.reason if isinstance(threshold, NoFigure) else threshold.why,
        calibration=fit(target, score, params),
        false_alarms=FalseAlarms.of(score[target == 0]),
        training_clips=training_clips(labels, read_facts(FACTS)),
        n_real=int((target == 0).sum()),
        n_fake=int((target == 1).sum()),
    )


if __name__ == "__main__":
    stage_main(main)
