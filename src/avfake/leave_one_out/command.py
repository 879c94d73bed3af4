"""Leave-one-out from the files of the pipeline to the files of the result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.files import atomic_write_text, write_json
from avfake.leave_one_out.folds import at_home, make_folds
from avfake.leave_one_out.run import Runner, Scored, run_folds
from avfake.leave_one_out.table import make_table, scores_of, scores_to_csv, to_csv, to_text
from avfake.model.clips import open_inputs
from avfake.model.inference import deterministic
from avfake.params import EvaluateParams, MemoParams, ResplitParams, TrainParams

FEATURES, LABELS = Path("data/features"), Path("data/resplit")
FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """The sections of params.yaml that the result depends on."""

    train: TrainParams
    resplit: ResplitParams
    evaluate: EvaluateParams
    memo: MemoParams


def leave_one_out(
    settings: Settings, file: Path, wanted: list[str] | None = None, most: int | None = None
) -> int:
    """Runs the folds; when all are finished, prints the table and writes it.

    Writes `file` (the table), beside it `<stem>_scores.csv` (the scores that every figure follows from) and
    `<stem>.json` (what made them).

    Args:
        settings: sections of params.yaml.
        file: of the table.
        wanted: generators; all if None.
        most: trainings in this run; no limit if None.

    Returns:
        how many folds are not finished; nothing is written unless it is 0.
    """
    features, labels = open_inputs(FEATURES, LABELS)
    table = at_home(labels)
    folds = make_folds(table, settings.resplit, wanted)
    with deterministic(settings.train.threads):
        runner = Runner(FEATURES, features, table, settings.train, settings.memo)
        done = list(run_folds(runner, folds, most))
    if len(done) < len(folds):
        return len(folds) - len(done)
    scores = scores_of(done, features, table)
    rows = make_table(done, scores, settings.evaluate)
    atomic_write_text(file.with_name(f"{file.stem}_scores.csv"), scores_to_csv(scores))
    write_json(file.with_suffix(".json"), _facts(runner, done, settings))
    atomic_write_text(file, to_csv(rows))
    print(to_text(rows))
    return 0


def _facts(runner: Runner, done: list[Scored], settings: Settings) -> dict[str, Any]:
    """What made the table, and what each fold was."""
    folds = {
        item.fold.generator: {
            **item.facts,
            "counts": item.fold.held.counts,
            "held_out_sources": item.fold.held.sources,
            "notes": [*([item.why_not] if item.why_not else []), *item.fold.notes],
        }
        for item in done
    }
    return {
        "format": FORMAT,
        "train": settings.train.model_dump(),
        "resplit": {"real_share": settings.resplit.real_share, "seed": settings.resplit.seed},
        "evaluate": {key: getattr(settings.evaluate, key) for key in ("confidence", "n_bootstrap", "seed")},
        "features": runner.features.info,
        "data_sha256": runner.data_sha256,
        "pretrained_sha256": runner.pretrained_sha256,
        "device": str(runner.device),
        "code": runner.code,
        "folds": folds,
    }
