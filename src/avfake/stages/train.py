"""Stage `train`: features and labels to one detector.

    dvc repro train                    # as part of the pipeline
    python -m avfake.stages.train      # by itself, from the repository's root

Reads data/features, data/labels; writes models/ and data/training/. Killed, it goes on after the last
finished epoch when started again.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from avfake.files import atomic_write_text
from avfake.model import budget
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import class_counts, open_inputs, seen_generators, select
from avfake.model.detector import build
from avfake.model.inference import choose_device, deterministic, to_device
from avfake.model.pretrained import load_pretrained
from avfake.model.provenance import code_facts, data_hash, fingerprint
from avfake.model.saved import save_model
from avfake.model.training import COLUMNS, Data, Progress, fit
from avfake.params import MemoParams, TrainParams, load
from avfake.stages._run import stage_main

FEATURES, LABELS = Path("data/features"), Path("data/labels")
MODELS, TRAINING = Path("models"), Path("data/training")


def main() -> None:
    """Trains as params.yaml says."""
    params, memo = load(TrainParams), load(MemoParams)
    with deterministic(params.threads):
        _train(params, memo)


def _train(params: TrainParams, memo: MemoParams) -> None:
    device = choose_device(params.device)
    features, labels = open_inputs(FEATURES, LABELS)
    data = Data(features, select(features.index, labels, "train"), select(features.index, labels, "val"))
    counts = class_counts(data.train)
    print(
        f"train: {len(data.train)} clips ({counts[0]} real, {counts[1]} fake), validation: {len(data.val)};"
        f" {params.backbone} on {device} ({params.device})"
    )

    torch.manual_seed(params.seed)
    detector = build(params.backbone, features.shape)
    size = budget.measure(detector, features.shape)
    budget.check(size, params.backbone)
    pretrained_sha256 = load_pretrained(detector, params.backbone, params.pretrained, features.shape)
    detector = to_device(detector, device)

    content = data_hash(FEATURES, features, {"train": data.train, "val": data.val})
    code = code_facts()
    checkpoint = Checkpoint(
        memo.folder, fingerprint(params.model_dump(), pretrained_sha256, content, code, str(device))
    )
    checkpoint.remove_stale()
    progress = fit(detector, data, params, device, checkpoint)

    detector.load_state_dict(progress.best, strict=True)
    best = progress.best_row
    facts = {
        "backbone": params.backbone,
        "features": features.info,
        "train": params.model_dump(),
        "pretrained_sha256": pretrained_sha256,
        "best_epoch": int(best["epoch"]),
        "val_auc": best["val_auc"],
        "prior": counts[1] / len(data.train),
        "generators": seen_generators(data.train),
        "sizes": {"n_train": len(data.train), "n_val": len(data.val)},
        "parameters": size.parameters,
        "parameters_thop": size.parameters_thop,
        "macs_thop": size.macs_thop,
        "data_sha256": content,
        "code": code,
    }
    _write_tables(progress, data.train.names)
    save_model(MODELS, detector, facts)
    checkpoint.remove()
    print(f"kept epoch {facts['best_epoch']}: validation AUC {best['val_auc']:.4f}")


def _write_tables(progress: Progress, names: list[str]) -> None:
    epochs = [[int(row["epoch"]), *(f"{row[key]:.6g}" for key in COLUMNS[1:])] for row in progress.rows]
    atomic_write_text(TRAINING / "epochs.csv", _csv([list(COLUMNS), *epochs]))
    atomic_write_text(TRAINING / "clips.csv", _csv([["video_name"], *([name] for name in names)]))


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    stage_main(main)
