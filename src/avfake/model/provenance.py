"""Fingerprints of what a training depends on: data, code, parameters."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch

import avfake
from avfake.dataset.features import FeatureSet
from avfake.files import sha256_file
from avfake.model.clips import TRAINING_SPLITS, Clips
from avfake.model.streams import SOUND


def data_hash(
    folder: str | Path, features: FeatureSet, clips: Mapping[str, Clips], modality: str = SOUND
) -> str:
    """SHA-256 over what training reads: windows and labels of train and val, and the front end; and the
    faces, where `modality` has eyes.

    Other splits do not count: the model does not depend on them.
    """
    digest = hashlib.sha256(_canonical(features.info))
    index = features.index
    for split in TRAINING_SPLITS:
        for name in sorted(set(index.loc[(index["split"] == split) & (index["count"] > 0), "shard"])):
            digest.update(_canonical([name, sha256_file(Path(folder) / name)]))
        part = clips[split]
        digest.update(
            _canonical([split, part.names, part.rows.tolist(), part.counts.tolist(), part.targets.tolist()])
        )
        digest.update(_canonical(part.generators))
        if modality != SOUND:
            for row in part.rows.tolist():
                digest.update(_canonical(np.asarray(features.face_times(row), np.float64).tolist()))
                digest.update(np.ascontiguousarray(features.faces(row)).tobytes())
    return digest.hexdigest()


def names_hash(names: Iterable[str]) -> str:
    """SHA-256 over the names of the clips trained on, in their order."""
    return hashlib.sha256(_canonical(list(names))).hexdigest()


def code_facts() -> dict[str, str]:
    """Versions of what computes the weights, and SHA-256 of the sources of avfake.model.

    Only the sources that the stage `train` lists in dvc.yaml: the file must follow from what DVC tracks.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()} {sha256_file(path)}\n".encode())
    return {
        "avfake": avfake.__version__,
        "torch": torch.__version__,
        "timm": timm.__version__,
        "model_sha256": digest.hexdigest(),
    }


def fingerprint(*parts: Any) -> str:
    """SHA-256 over parts that JSON can hold."""
    return hashlib.sha256(_canonical(parts)).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode() + b"\n"
