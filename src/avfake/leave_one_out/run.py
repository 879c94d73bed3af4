"""Training and scoring of the folds: the finished ones are kept in the memo, the rest as a checkpoint."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import HELD_OUT
from avfake.dataset.predictions import format_score
from avfake.errors import UserError
from avfake.leave_one_out.folds import Fold
from avfake.memo import Memo, memo_key
from avfake.model.clips import Clips, select, select_training
from avfake.model.inference import choose_device, clip_score
from avfake.model.packed import examples, read_clip
from avfake.model.provenance import code_facts, data_hash, fingerprint
from avfake.model.recipe import train_detector, weights_sha256
from avfake.model.validation import Data
from avfake.model.waveform import sound_hash
from avfake.params import MemoParams, TrainParams

VERSION = "1"


@dataclass(frozen=True)
class Scored:
    """What a fold came to.

    Attributes:
        fold: the generator left out.
        rows: of each scored clip [n], its row in the index of the features.
        targets: 1 for fake [n].
        scores: probability of fake [n], six decimals as in every file of scores.
        facts: best_epoch, val_auc, sizes; empty where nothing could be trained.
        why_not: why nothing could be trained, or empty.
    """

    fold: Fold
    rows: list[int]
    targets: list[int]
    scores: list[float]
    facts: dict[str, Any]
    why_not: str = ""


@dataclass(frozen=True)
class Job:
    """A fold that can be trained, with its key in the memo."""

    fold: Fold
    data: Data
    tested: Clips
    content: str
    key: str


class Runner:
    """Everything that the folds have in common.

    Args:
        folder: of the features.
        features: the packed windows.
        labels: as `at_home` gives them.
        params: the section `train`.
        memo: the section `memo`.

    Raises:
        UserError: train or val lacks a class, the device or the weights are not there.
    """

    def __init__(
        self, folder: Path, features: FeatureSet, labels: pd.DataFrame, params: TrainParams, memo: MemoParams
    ) -> None:
        self.features, self.params = features, params
        self.memo_folder, self.memo = memo.folder, Memo(memo.folder, memo.max_gib)
        self.counts = examples(features, params.modality)
        both = {split: select(features.index, labels, split, self.counts) for split in ("train", "val")}
        self.data_sha256 = data_hash(folder, features, both, params.modality)
        self.pretrained_sha256 = weights_sha256(params)
        self.sound_sha256 = sound_hash(features, params.augmentation.waveform)
        self.device = choose_device(params.device)
        self.code = code_facts()

    def prepare(self, fold: Fold) -> Job | Scored:
        """The fold's training, or why there can be none."""
        labels, index = fold.held.labels, self.features.index
        try:
            data = Data(self.features, *select_training(index, labels, self.counts))
        except UserError as error:
            return Scored(fold, [], [], [], {}, f"left out `{fold.generator}`: {error.message}")
        tested = select(index, labels, HELD_OUT, self.counts)
        content = fingerprint(self.data_sha256, _canonical(data.train), _canonical(data.val))
        key = memo_key(
            "leave_one_out", VERSION, self.params.model_dump(), self.pretrained_sha256, content, self.code,
            self.sound_sha256, str(self.device), {"tested": _canonical(tested)},
        )  # fmt: skip
        return Job(fold, data, tested, content, key)

    def kept(self, job: Job) -> Scored | None:
        """The fold as an earlier run finished it."""
        stored = self.memo.get(job.key)
        if stored is None:
            return None
        self.memo.touch(job.key)
        return _scored(job, json.loads(stored))

    def run(self, job: Job) -> Scored:
        """Trains, scores and keeps the fold. Call it inside `deterministic(params.threads)`."""
        trained = train_detector(job.data, self.params, self.memo_folder, job.content)
        scores = [
            clip_score(trained.detector, looks, self.params.batch_size, trained.device)
            for row in job.tested.rows.tolist()
            for looks in (read_clip(self.features, row, self.params.modality),)
        ]
        facts = {key: trained.facts[key] for key in ("best_epoch", "val_auc", "sizes")}
        result = {"scores": [float(format_score(score)) for score in scores], "facts": facts}
        self.memo.put(job.key, json.dumps(result).encode())
        trained.checkpoint.remove()
        return _scored(job, result)

    def windows(self, jobs: list[Job]) -> int:
        """Windows that the trainings of `jobs` see: drawn, and those of validation, in every epoch."""
        return sum(
            self.params.epochs
            * (
                int(np.minimum(job.data.train.counts, self.params.windows_per_clip).sum())
                + int(job.data.val.counts.sum())
            )
            for job in jobs
        )


def run_folds(runner: Runner, folds: list[Fold], most: int | None = None) -> Iterator[Scored]:
    """Yields the folds in their order, as far as they are finished after `most` trainings (None: all).

    Says before the first training what is to come, and before each which it is.
    """
    prepared = [runner.prepare(fold) for fold in folds]
    jobs = [item for item in prepared if isinstance(item, Job)]
    waiting = [job for job in jobs if runner.kept(job) is None]
    each = runner.windows(waiting) // len(waiting) if waiting else 0
    print(
        f"leave-one-out: {len(folds)} generators; {len(jobs) - len(waiting)} trainings are done already,"
        f" {len(waiting)} x {each} windows to go ({runner.params.epochs} epochs each)",
        flush=True,
    )
    trained = 0
    for number, item in enumerate(prepared, 1):
        if isinstance(item, Scored):
            yield item
            continue
        done = runner.kept(item)
        if done is None and (most is None or trained < most):
            print(f"fold {number}/{len(prepared)}: without {item.fold.generator}", flush=True)
            done = runner.run(item)
            trained += 1
            print(f"fold {number}/{len(prepared)}: finished", flush=True)
        if done is not None:
            yield done


def _scored(job: Job, result: dict[str, Any]) -> Scored:
    tested = job.tested
    return Scored(job.fold, tested.rows.tolist(), tested.targets.tolist(), result["scores"], result["facts"])


def _canonical(clips: Clips) -> list[Any]:
    return [clips.names, clips.rows.tolist(), clips.targets.tolist(), clips.generators]
