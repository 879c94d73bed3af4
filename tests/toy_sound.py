"""Small data/extracted with real sound, and the features and labels that belong to it."""

from pathlib import Path
from typing import Any

import numpy as np

from avfake.dataset.features import write_index
from avfake.dataset.shards import write_shard
from avfake.features import front_ends
from avfake.files import write_json
from avfake.media.pcm import to_pcm
from avfake.params import FeaturizeParams, load
from clips import forge, speech
from toy_features import PARAMS, write_labels
from toy_resplit import pass_on
from workspace import ROOT, set_params

RATE = 16000
SIZES = {"train": 12, "val": 6}
SECONDS = (1.1, 1.7, 0.6)
FRONT_END: dict[str, Any] = {
    "featurize.window_frames": 32,
    "featurize.window_hop": 16,
    "featurize.log_mel.n_mels": 32,
}


def make_workspace(folder: Path, **params: Any) -> Path:
    """Writes extracted sound, its windows, labels and params.yaml; `params` such as train__epochs=2."""
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    values = {name.replace("__", "."): value for name, value in params.items()}
    set_params(folder, PARAMS | FRONT_END | {"train.epochs": 2} | values)
    front_end = load(FeaturizeParams, folder / "params.yaml")
    index: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    for split, size in SIZES.items():
        rows, windows = [], []
        for number in range(size):
            name, fake = f"{split}-{number:02d}.mp4", number % 2
            sound = speech(SECONDS[number % len(SECONDS)], RATE, seed=len(index))
            pcm, shift = to_pcm(forge(sound, RATE) if fake else sound)
            rows.append(_row(name, pcm, shift))
            made = front_ends.compute(pcm, RATE, front_end, shift)
            place = {"shard": f"{split}/shard-00.npy", "start": sum(map(len, windows)), "count": len(made)}
            windows.append(made)
            no_faces = {"face_start": 0, "face_count": 0, "face_reason": "extract.n_faces is 0"}
            index.append({"split": split, "video_name": name, **place, "reason": None, **no_faces})
            labels.append(
                {"split": split, "video_name": name, "target": fake, "generator": "comb" if fake else "real"}
            )
        write_shard(rows, folder / f"data/extracted/{split}/shard-00.parquet")
        path = folder / f"data/features/{split}/shard-00.npy"
        path.parent.mkdir(parents=True)
        np.save(path, np.concatenate(windows))
    write_index(index, folder / "data/features")
    info = {
        "front_end": front_end.front_end,
        "shape": list(front_ends.shape_of(front_end, RATE)),
        "params": front_end.model_dump(),
        "sample_rate": RATE,
        "n_faces": 0,
        "face_size": None,
        "version": front_ends.VERSION,
    }
    write_json(folder / "data/features/features.json", info)
    write_labels(folder, labels)
    pass_on(folder)
    return folder


def _row(name: str, pcm: np.ndarray, shift: int) -> dict[str, Any]:
    return {
        "video_name": name, "clip_sha256": "", "error": None, "audio_error": None, "video_error": None,
        "sample_rate": RATE, "pcm": pcm.tobytes(), "pcm_shift": shift, "n_faces": 0, "faces": b"",
        "face_times": [], "facts": "{}",
    }  # fmt: skip
