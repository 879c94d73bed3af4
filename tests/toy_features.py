"""Small packed features in the layout of `featurize`, on which a toy detector learns within seconds."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avfake.dataset.features import faces_file, times_file, write_index
from avfake.dataset.layout import NO_FACE
from avfake.files import write_json, write_parquet
from train_params import neutral
from workspace import ROOT, set_params

SHAPE = (1, 32, 48)
FACE_SIZE = 32
SIZES = {"train": 16, "val": 9, "test": 7}
COUNTS = (3, 1, 2)
UNREADABLE = "no audio stream"
PARAMS: dict[str, Any] = neutral() | {
    "train.backbone": "test_efficientnet",
    "train.pretrained": "none",
    "train.epochs": 3,
    "train.batch_size": 8,
    "train.device": "cpu",
    "train.threads": 1,
    "predict.device": "cpu",
    "predict.threads": 1,
    "memo.folder": ".memo",
}


def make_workspace(
    folder: Path, contrast: int = 60, sizes: dict[str, int] | None = None, n_faces: int = 0, **params: Any
) -> Path:
    """Writes features, labels and params.yaml under `folder`; the last clip of val and test has no window.

    Fakes have a brighter band, by `contrast` grey levels. With `n_faces` up to so many pictures stand for the
    faces of a clip, none for the clip in the middle of each split; those of fakes have a brighter lower half.
    `params` such as train__epochs=2.
    """
    random = np.random.default_rng(0)
    painter = np.random.default_rng(1)
    index: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    for split, size in (sizes or SIZES).items():
        pictures, start = [], 0
        faces, times = [], []
        for number in range(size):
            fake = number % 2
            silent = split != "train" and number == size - 1
            count = 0 if silent else COUNTS[number % len(COUNTS)]
            windows = random.integers(0, 120, (count, *SHAPE)).astype(np.uint8)
            windows[:, :, :8] += np.uint8(contrast * fake)
            pictures.append(windows)
            name = f"{split}-{number:02d}.mp4"
            reason = UNREADABLE if silent else None
            shard = f"{split}/shard-00.npy"
            seen = 0 if not n_faces or number == size // 2 else 1 + number % n_faces
            crops = painter.integers(0, 120, (seen, FACE_SIZE, FACE_SIZE, 3)).astype(np.uint8)
            crops[:, FACE_SIZE // 2 :] += np.uint8(contrast * fake)
            face_start = sum(map(len, faces))
            faces.append(crops)
            times += [0.25 + 0.5 * place for place in range(seen)]
            index.append(
                {
                    "split": split,
                    "video_name": name,
                    "shard": shard,
                    "start": start,
                    "count": count,
                    "reason": reason,
                    "face_start": face_start,
                    "face_count": seen,
                    "face_reason": None if seen else NO_FACE if n_faces else "extract.n_faces is 0",
                }
            )
            labels.append(
                {"split": split, "video_name": name, "target": fake, "generator": "comb" if fake else "real"}
            )
            start += count
        path = folder / "data/features" / split / "shard-00.npy"
        path.parent.mkdir(parents=True)
        np.save(path, np.concatenate(pictures))
        if n_faces:
            np.save(folder / "data/features" / faces_file(shard), np.concatenate(faces))
            np.save(folder / "data/features" / times_file(shard), np.array(times))
    write_index(index, folder / "data/features")
    cut = {"hop_length": 256, "window_frames": SHAPE[2], "window_hop": SHAPE[2] // 2, "trim_db": None}
    levels = {"normalise": "peak", "dynamic_range": 80.0, **cut}
    info = {"front_end": ["log_mel"], "shape": list(SHAPE), "params": levels, "version": "1"}
    info |= {"sample_rate": 22050, "n_faces": n_faces, "face_size": FACE_SIZE if n_faces else None}
    write_json(folder / "data/features/features.json", info)
    write_labels(folder, labels)
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(folder, PARAMS | {name.replace("__", "."): value for name, value in params.items()})
    return folder


def write_labels(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Writes data/labels/clips.parquet."""
    columns = {"split": pa.string(), "video_name": pa.string(), "target": pa.int8(), "generator": pa.string()}
    table = {key: pa.array([row[key] for row in rows], kind) for key, kind in columns.items()}
    table["source"] = pa.array([None] * len(rows), pa.string())
    write_parquet(pa.table(table), folder / "data/labels/clips.parquet")
