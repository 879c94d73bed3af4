"""Stage `train`: features and labels to one detector.

    dvc repro train                    # as part of the pipeline
    python -m avfake.stages.train      # by itself, from the repository's root

Reads data/features, data/resplit; writes models/ and data/training/. Killed, it goes on after the last
finished epoch when started again; of an ensemble, with the members that the memo does not hold.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from avfake.files import atomic_write_text
from avfake.memo import Memo
from avfake.model.clips import held_out_generators, open_inputs, select_training
from avfake.model.inference import deterministic
from avfake.model.packed import examples
from avfake.model.provenance import data_hash
from avfake.model.recipe import Trained, train_detector
from avfake.model.saved import save_model
from avfake.model.training import COLUMNS
from avfake.model.validation import Data
from avfake.params import MemoParams, RulesParams, TrainParams, load
from avfake.stages._run import stage_main

FEATURES, LABELS = Path("data/features"), Path("data/resplit")
MODELS, TRAINING = Path("models"), Path("data/training")


def main() -> None:
    """Trains as params.yaml says."""
    params, memo, rules = load(TrainParams), load(MemoParams), load(RulesParams)
    with deterministic(params.threads):
        _train(params, memo, rules.max_parameters)


def _train(params: TrainParams, memo: MemoParams, max_parameters: int) -> None:
    features, labels = open_inputs(FEATURES, LABELS)
    counts = examples(features, params.modality)
    data = Data(features, *select_training(features.index, labels, counts))
    if strangers := held_out_generators(labels):
        print(f"train: never seen, nor used to choose the epoch: {', '.join(sorted(strangers))}")
    content = data_hash(FEATURES, features, {"train": data.train, "val": data.val}, params.modality)
    trained = train_detector(data, params, memo.folder, content, max_parameters)
    _write_tables(trained, data.train.names)
    save_model(MODELS, trained.detector, trained.facts)
    trained.checkpoint.remove()
    if trained.members:
        Memo(memo.folder, memo.max_gib).trim()
    print(f"kept epoch {trained.facts['best_epoch']}: validation AUC {trained.facts['val_auc']:.4f}")


def _write_tables(trained: Trained, names: list[str]) -> None:
    """The rows per epoch, of an ensemble their mean and beside it those of each member; and the clips."""
    atomic_write_text(TRAINING / "epochs.csv", _csv([list(COLUMNS), *map(_cells, trained.progress.rows)]))
    atomic_write_text(TRAINING / "clips.csv", _csv([["video_name"], *([name] for name in names)]))
    if not trained.members:
        (TRAINING / "members.csv").unlink(missing_ok=True)  # of an ensemble that was trained before
        return
    each = [[number, *_cells(row)] for number, rows in enumerate(trained.members, 1) for row in rows]
    atomic_write_text(TRAINING / "members.csv", _csv([["member", *COLUMNS], *each]))


def _cells(row: dict[str, float]) -> list[object]:
    return [int(row["epoch"]), *(f"{row[key]:.6g}" for key in COLUMNS[1:])]


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    stage_main(main)
