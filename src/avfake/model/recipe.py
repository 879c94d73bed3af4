"""One training, from packed windows to a detector and the facts of model.json.

The stage `train` and leave-one-out train by the same function: the figures of both are of one recipe. A
member of an ensemble is the training that `params` with its seed, its bag of clips and no ensemble would be.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from avfake.features.front_ends import has_lines
from avfake.files import sha256_file
from avfake.memo import Memo
from avfake.model import budget
from avfake.model.assembly import assemble
from avfake.model.bagging import bag
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import Clips, class_counts, seen_generators
from avfake.model.detector import Detector
from avfake.model.distillation import Teacher, load_teacher
from avfake.model.ensemble import Ensemble
from avfake.model.folds import most_folds
from avfake.model.frozen import fit_frozen_head
from avfake.model.inference import choose_device, to_device
from avfake.model.members import Kept, ensemble_facts, keep, mean_rows, member_params, recall
from avfake.model.pretrained import find, load_pretrained, origin
from avfake.model.provenance import code_facts, fingerprint, names_hash
from avfake.model.selection import choose_epoch
from avfake.model.streams import PICTURE, SOUND
from avfake.model.training import Progress, fit
from avfake.model.validation import Data, validate
from avfake.model.visual import Sight
from avfake.model.visual_weights import find_visual, load_visual, visual_origin
from avfake.model.waveform import sound_hash
from avfake.params import TrainParams

OnEpoch = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        detector: with the weights of the best epoch, in evaluation mode.
        device: where it is.
        facts: of model.json, without the checksum of the weights.
        progress: a row per epoch.
        checkpoint: to be removed once the results are safe.
        members: rows per epoch of each member of an ensemble, whose `progress` is their mean; else none.
    """

    detector: Detector
    device: torch.device
    facts: dict[str, Any]
    progress: Progress
    checkpoint: Checkpoint
    members: tuple[list[dict[str, float]], ...] = ()


def train_detector(
    data: Data,
    params: TrainParams,
    memo_folder: str | Path,
    content: str,
    max_parameters: int | None = None,
    on_epoch: OnEpoch | None = None,
) -> Trained:
    """Trains as `params` says, going on from the checkpoint of the same training if there is one.

    Call it inside `deterministic(params.threads)`.

    Args:
        data: what training and the choice of the epoch read.
        params: the section `train`.
        memo_folder: where checkpoints lie.
        content: fingerprint of `data`, as model.json and the checkpoint name it.
        max_parameters: what the contest allows; None: as many as there are.
        on_epoch: see `fit`.

    Raises:
        UserError, RunError: as the backbone, its weights, the teacher and the loop raise them.
    """
    device = choose_device(params.device)
    generators = seen_generators(data.train)
    teacher = load_teacher(params.distil, data.features.info, generators, device, params.modality)
    one = partial(_train_one, memo_folder=memo_folder, on_epoch=on_epoch, teacher=teacher)
    if params.ensemble.members == 1:
        return one(data, params, content, max_parameters=max_parameters)
    if max_parameters is not None:
        shape, n = data.features.shape, params.ensemble.members
        size = budget.measure(_build(params, data), shape).times(n)
        budget.check(size, f"{n} x {' and '.join(backbones(params))}", max_parameters)
    memo = Memo(memo_folder, 0)  # its size is cut by whoever made the outputs
    return _train_members(partial(one, memo=memo), data, params, content)


def _train_members(
    train: Callable[[Data, TrainParams, str], Trained], data: Data, params: TrainParams, content: str
) -> Trained:
    """Trains each member, and makes the ensemble of them and its facts."""
    n = params.ensemble.members
    trained: list[Trained] = []
    for number in range(n):
        own = member_params(params, number)
        print(f"member {number + 1} of {n}: seed {own.seed}", flush=True)
        part = Data(data.features, bag(data.train, params.ensemble.bagging, own.seed), data.val)
        drawn = fingerprint(content, part.train.rows.tolist())
        trained.append(train(part, own, drawn))
    detector, device = Ensemble([one.detector for one in trained]).eval(), trained[0].device
    _, auc = validate(detector, data, params.batch_size, device)
    print(f"{n} members: validation AUC {auc:.4f}")
    facts = {
        **ensemble_facts([one.facts for one in trained], params),
        "val_auc": auc,
        **_data_facts(data, content),
        **asdict(budget.measure(detector, data.features.shape)),
    }
    rows = tuple(one.progress.rows for one in trained)
    # The members' checkpoints are gone: the memo holds what came of them.
    return Trained(detector, device, facts, Progress(mean_rows(rows), {}), trained[0].checkpoint, rows)


def _train_one(
    data: Data,
    params: TrainParams,
    content: str,
    *,
    memo_folder: str | Path,
    on_epoch: OnEpoch | None,
    teacher: Teacher | None,
    max_parameters: int | None = None,
    memo: Memo | None = None,
) -> Trained:
    """Trains a single detector, or takes it from the memo where one is given."""
    device = choose_device(params.device)
    counts = class_counts(data.train)
    sight = Sight.of(params, data.features.info)
    backbone = params.backbone if params.modality != PICTURE else params.visual.backbone
    print(
        f"train: {len(data.train)} clips ({counts[0]} real, {counts[1]} fake), validation: {len(data.val)};"
        f" {' and '.join(backbones(params))} on {device} ({params.device})"
    )
    shape = data.features.shape
    torch.manual_seed(params.seed)
    detector = _build(params, data)
    size = budget.measure(detector, shape)
    if max_parameters is not None:
        budget.check(size, " and ".join(backbones(params)), max_parameters)
    pretrained_sha256, visual = None, None
    if params.modality != PICTURE:
        pretrained_sha256 = load_pretrained(detector, params.backbone, params.pretrained, shape)
    if sight is not None:
        visual = {
            **sight.facts(),
            "pretrained_sha256": load_visual(detector, params.visual),
            "pretrained": visual_origin(params.visual),
        }
    detector = to_device(detector, device)

    code = code_facts()
    checkpoint = Checkpoint(
        memo_folder,
        fingerprint(
            params.model_dump(),
            pretrained_sha256,
            visual,
            content,
            sound_hash(data.features, params.augmentation.waveform),
            data.train.sources,
            [sorted(names) for names in data.train.parents],
            code,
            str(device),
            None if teacher is None else teacher.sha256,
        ),
    )
    if memo is not None and (kept := recall(memo, checkpoint.name)) is not None:
        print(f"from the memo: epoch {kept.facts['best_epoch']}, validation AUC {kept.facts['val_auc']:.4f}")
        detector.load_state_dict(kept.weights, strict=True)
        if on_epoch is not None:
            for row in kept.rows:
                on_epoch(row)
        return Trained(detector.eval(), device, kept.facts, Progress(kept.rows, kept.weights), checkpoint)
    checkpoint.remove_stale()
    chosen = None
    asked, params = params, _with_selection(params, data.train)
    if params.frozen_head != "none":
        progress, chosen = fit_frozen_head(detector, data, params, device, on_epoch)
    else:
        if params.selection == "generators":
            chosen = choose_epoch(lambda: deepcopy(detector), data, params, device, checkpoint, on_epoch)
            print(f"all clips: {chosen.epoch} of {params.epochs} epochs, as the folds say")
        last = None if chosen is None else chosen.epoch
        progress = fit(detector, data, params, device, checkpoint, on_epoch, last, teacher)

    detector.load_state_dict(progress.best, strict=True)
    best = progress.best_row
    facts = {
        "backbone": backbone,
        "visual": visual,
        "features": data.features.info,
        "train": asked.model_dump(),
        "pretrained": origin("none" if params.modality == PICTURE else params.pretrained, params.backbone),
        "pretrained_sha256": pretrained_sha256,
        "best_epoch": int(best["epoch"]),
        "val_auc": best["val_auc"],
        "selection": None if chosen is None else chosen.facts(),
        **_data_facts(data, content),
        **asdict(size),
        "ensemble": None,
        "teacher": None if teacher is None else teacher.facts(),
        "code": code,
    }
    if memo is not None:
        keep(memo, checkpoint.name, Kept(facts, progress.rows, progress.best))
        checkpoint.remove()
    return Trained(detector.eval(), device, facts, progress, checkpoint)


def _with_selection(params: TrainParams, train: Clips) -> TrainParams:
    """The parameters with what `selection: auto` means for these clips."""
    if params.selection != "auto":
        return params
    n_folds, why = most_folds(train, params.folds, params.seed)
    if not n_folds:
        print(f"chosen by validation: {why}")
        return params.model_copy(update={"selection": "validation"})
    return params.model_copy(update={"selection": "generators", "folds": n_folds})


def _build(params: TrainParams, data: Data) -> Detector:
    features = data.features
    sight = Sight.of(params, features.info)
    lines = has_lines(features.info)
    return assemble(params.backbone, features.shape, sight, params.readout, params.pooling, lines)


def _data_facts(data: Data, content: str) -> dict[str, Any]:
    """Of model.json, what training read."""
    return {
        "prior": class_counts(data.train)[1] / len(data.train),
        "generators": seen_generators(data.train),
        "sizes": {"n_train": len(data.train), "n_val": len(data.val)},
        "data_sha256": content,
        "clips_sha256": names_hash(data.train.names),
    }


def backbones(params: TrainParams) -> list[str]:
    """The backbones that the detector has, that of the sound first."""
    names = [] if params.modality == PICTURE else [params.backbone]
    return names if params.modality == SOUND else [*names, params.visual.backbone]


def weights_sha256(params: TrainParams) -> str | None:
    """SHA-256 of the file of weights that training starts from, or of both files; None without any."""
    files = [] if params.modality == PICTURE else [weights_file(params)]
    if params.modality != SOUND and params.visual.pretrained != "none":
        files.append(find_visual(params.visual))
    hashes = [sha256_file(path) for path in files if path is not None]
    return hashes[0] if len(hashes) == 1 else fingerprint(*hashes) if hashes else None


def weights_file(params: TrainParams) -> Path | None:
    """The file of weights that the sound branch starts from; None where it starts from random ones."""
    return None if params.pretrained == "none" else find(params.pretrained, params.backbone)
