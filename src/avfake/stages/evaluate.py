"""Stage `evaluate`: figures, notes and plot tables from the score files.

Run by DVC as `python -m avfake.stages.evaluate` from the repository's root. Reads data/labels and
data/predictions; writes metrics/evaluate.json (validation), metrics/evaluate_test.json,
metrics/notes.json (`<file>.<figure>` -> remarks: why it is null, or how it came about) and plots/*.csv.
"""

from pathlib import Path

import pandas as pd

from avfake.dataset.labels import read_labels
from avfake.dataset.predictions import FILES, UNSCORED, read_predictions, read_unscored
from avfake.errors import UserError
from avfake.evaluation import plots
from avfake.evaluation.report import Report, choose_threshold, report
from avfake.evaluation.split import join, seen_generators
from avfake.files import atomic_write_text, write_json
from avfake.params import EvaluateParams, load
from avfake.stages._run import stage_main

LABELS = Path("data/labels")
PREDICTIONS = Path("data/predictions")
METRICS = Path("metrics")
PLOTS = Path("plots")
# Split -> name of its file of figures, which is also the first part of its keys in notes.json.
NAMES = {"val": "evaluate", "test": "evaluate_test"}


def main() -> None:
    """Parses, calls, writes."""
    params = load(EvaluateParams)
    for path in (LABELS / "clips.parquet", PREDICTIONS / FILES["val"], PREDICTIONS / UNSCORED):
        if not path.exists():
            raise UserError(f"{path}: no such file", "run the stages before this one: `dvc repro evaluate`")
    labels = read_labels(LABELS)
    unscored = read_unscored(PREDICTIONS / UNSCORED)
    splits = {
        split: join(
            labels,
            _predictions(split, labels),
            {item.video_name for item in unscored if item.split == split},
            split,
        )
        for split in NAMES
    }
    threshold = choose_threshold(splits["val"], params)
    seen = seen_generators(labels)
    reports = {split: report(scores, threshold, seen, params) for split, scores in splits.items()}
    for split, made in reports.items():
        write_json(METRICS / f"{NAMES[split]}.json", made.figures)
        print(_line(split, made))
    write_json(
        METRICS / "notes.json",
        {
            f"{NAMES[split]}.{key}": [text]
            for split, made in reports.items()
            for key, text in made.notes.items()
        },
    )
    curves = {split: (scores.target, scores.score) for split, scores in splits.items()}
    for name, table in plots.tables(curves, params.calibration_bins).items():
        atomic_write_text(PLOTS / f"{name}.csv", plots.to_csv(table))


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
