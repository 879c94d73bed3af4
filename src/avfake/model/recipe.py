"""One training, from packed windows to a detector and the facts of model.json.

The stage `train` and leave-one-out train by the same function: the figures of both are of one recipe.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avfake.files import sha256_file
from avfake.model import budget
from avfake.model.assembly import assemble
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import class_counts, seen_generators
from avfake.model.detector import Detector
from avfake.model.frozen import fit_linear_head
from avfake.model.inference import choose_device, to_device
from avfake.model.pretrained import find, load_pretrained, origin
from avfake.model.provenance import code_facts, fingerprint, names_hash
from avfake.model.selection import choose_epoch
from avfake.model.streams import PICTURE, SOUND
from avfake.model.training import Data, Progress, fit
from avfake.model.visual import Sight
from avfake.model.visual_weights import find_visual, load_visual, visual_origin
from avfake.params import TrainParams


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        detector: with the weights of the best epoch, in evaluation mode.
        device: where it is.
        facts: of model.json, without the checksum of the weights.
        progress: a row per epoch.
        checkpoint: to be removed once the results are safe.
    """

    detector: Detector
    device: torch.device
    facts: dict[str, Any]
    progress: Progress
    checkpoint: Checkpoint


def train_detector(
    data: Data,
    params: TrainParams,
    memo_folder: str | Path,
    content: str,
    max_parameters: int | None = None,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
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
        UserError, RunError: as the backbone, its weights and the loop raise them.
    """
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
    detector = assemble(params.backbone, shape, sight)
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
            data.train.sources,
            [sorted(names) for names in data.train.parents],
            code,
            str(device),
        ),
    )
    checkpoint.remove_stale()
    chosen = None
    if params.selection == "generators":
        chosen = choose_epoch(lambda: deepcopy(detector), data, params, device, checkpoint, on_epoch)
        print(f"all clips: {chosen.epoch} of {params.epochs} epochs, as the folds say")
    if params.frozen_head == "linear":
        balanced = params.class_weights == "balanced"
        progress = fit_linear_head(detector, data, params.batch_size, balanced, device, on_epoch)
    else:
        last = None if chosen is None else chosen.epoch
        progress = fit(detector, data, params, device, checkpoint, on_epoch, last)

    detector.load_state_dict(progress.best, strict=True)
    best = progress.best_row
    facts = {
        "backbone": backbone,
        "visual": visual,
        "features": data.features.info,
        "train": params.model_dump(),
        "pretrained": origin("none" if params.modality == PICTURE else params.pretrained, params.backbone),
        "pretrained_sha256": pretrained_sha256,
        "best_epoch": int(best["epoch"]),
        "val_auc": best["val_auc"],
        "selection": None if chosen is None else chosen.facts(),
        "prior": counts[1] / len(data.train),
        "generators": seen_generators(data.train),
        "sizes": {"n_train": len(data.train), "n_val": len(data.val)},
        "parameters": size.parameters,
        "parameters_thop": size.parameters_thop,
        "macs_thop": size.macs_thop,
        "data_sha256": content,
        "clips_sha256": names_hash(data.train.names),
        "code": code,
    }
    return Trained(detector.eval(), device, facts, progress, checkpoint)


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
