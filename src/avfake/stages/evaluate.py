"""Stage `evaluate`: figures, notes and plot tables from the score files.

Run by DVC as `python -m avfake.stages.evaluate` from the repository's root. Reads data/resplit (labels),
data/facts and data/predictions; writes metrics/evaluate.json (validation), metrics/evaluate_test.json,
metrics/notes.json (`<file>.<figure>` -> remarks: why it is null, or how it came about), plots/*.csv and
data/evaluation: figures.csv (every figure with its interval), groups.csv (the parts of every split) and
misclassified.csv.
"""

from pathlib import Path

import pandas as pd

from avfake.dataset.facts import FILE as FACTS_FILE
from avfake.dataset.facts import read_facts
from avfake.dataset.labels import HELD_OUT, read_labels
from avfake.dataset.predictions import FILES, UNSCORED, read_predictions, read_unscored
from avfake.errors import UserError
from avfake.evaluation import plots
from avfake.evaluation.figures import figures_table
from avfake.evaluation.misclassified import misclassified
from avfake.evaluation.report import Report, report
from avfake.evaluation.split import SplitScores, join, seen_generators, sound_seconds
from avfake.evaluation.subgroups import groups_table
from avfake.evaluation.threshold import choose_threshold
from avfake.files import atomic_write_text, write_json
from avfake.params import EvaluateParams, load
from avfake.stages._run import stage_main

LABELS = Path("data/resplit")
FACTS = Path("data/facts")
PREDICTIONS = Path("data/predictions")
METRICS = Path("metrics")
PLOTS = Path("plots")
TABLES = Path("data/evaluation")
# Split -> name of its file of figures, which is also the first part of its keys in notes.json.
NAMES = {"val": "evaluate", "test": "evaluate_test"}


def main() -> None:
    """Parses, calls, writes."""
    params = load(EvaluateParams)
    labels, facts, splits = _read()
    threshold = choose_threshold(splits["val"], params)
    seen = seen_generators(labels)
    reports = {}
    for split, scores in splits.items():
        # Held out of the training set, they stand beside validation; a test has forgeries of its own.
        held_out = splits.get(HELD_OUT) if split == "val" else None
        reports[split] = report(scores, threshold, seen, params, held_out)
        print(_line(split, reports[split]))
    for split, name in NAMES.items():
        write_json(METRICS / f"{name}.json", reports[split].figures)
    write_json(
        METRICS / "notes.json",
        {
            f"{name}.{key}": [text]
            for split, name in NAMES.items()
            for key, text in reports[split].notes.items()
        },
    )
    seconds = {split: sound_seconds(scores, facts) for split, scores in splits.items()}
    tables = {
        "figures": figures_table(reports),
        "groups": groups_table(splits, seconds, threshold, params),
        "misclassified": misclassified(splits, seconds, threshold),
    }
    for name, table in tables.items():
        atomic_write_text(TABLES / f"{name}.csv", plots.to_csv(table))
    curves = {split: (scores.target, scores.score) for split, scores in splits.items()}
    for name, table in plots.tables(curves, params.calibration_bins).items():
        atomic_write_text(PLOTS / f"{name}.csv", plots.to_csv(table))


def _read() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, SplitScores]]:
    """Labels, facts, and the clips of each split: validation, test, and held_out where the labels have it."""
    needed = (
        LABELS / "clips.parquet",
        FACTS / FACTS_FILE,
        PREDICTIONS / FILES["val"],
        PREDICTIONS / UNSCORED,
    )
    for path in needed:
        if not path.exists():
            raise UserError(f"{path}: no such file", "run the stages before this one: `dvc repro evaluate`")
    labels = read_labels(LABELS)
    unscored = read_unscored(PREDICTIONS / UNSCORED)
    names = [*NAMES, HELD_OUT] if (labels["split"] == HELD_OUT).any() else list(NAMES)
    splits = {
        split: join(
            labels,
            _predictions(split, labels),
            {item.video_name for item in unscored if item.split == split},
            split,
        )
        for split in names
    }
    return labels, read_facts(FACTS), splits


def _predictions(split: str, labels: pd.DataFrame) -> pd.DataFrame:
    """The split's scores. Only the test split may be absent, and then it must be from the labels too."""
    path = PREDICTIONS / FILES[split]
    if split == "test" and not path.exists() and not (labels["split"] == split).any():
        return pd.DataFrame({"video_name": pd.Series(dtype=object), "score": pd.Series(dtype=float)})
    return read_predictions(path)


def _line(split: str, made: Report) -> str:
    figures = made.figures
    if figures["auc"] is None:
        return f"{split}: no AUC: {made.notes['auc']}"
    if figures["auc_ci_low"] is None:
        interval = made.notes["auc_ci_low"]
    else:
        interval = f"{figures['auc_ci_low']:.4f} to {figures['auc_ci_high']:.4f}"
    return (
        f"{split}: AUC {figures['auc']:.4f} ({interval}), {figures['n_real']} real, {figures['n_fake']} fake"
    )


if __name__ == "__main__":
    stage_main(main)
