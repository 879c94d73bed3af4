"""A small untrained detector, saved as `train` saves one, and a data root scored by nobody yet."""

from pathlib import Path

import pyarrow as pa
import torch

from avfake.dataset.layout import split_order
from avfake.dataset.predictions import Unscored, write_unscored
from avfake.features import front_ends
from avfake.files import write_parquet
from avfake.model.assembly import assemble
from avfake.model.saved import save_model
from avfake.model.visual import Sight
from avfake.params import FeaturizeParams, load
from clips import make_root
from workspace import DATA, ROOT, SMALL, label_rows, set_params

BACKBONE = "test_resnet"


def make_model(
    folder: Path,
    seed: int = 0,
    sample_rate: int = 22050,
    max_seconds: float = 120.0,
    sight: Sight | None = None,
) -> Path:
    """Writes model.safetensors and model.json; returns the folder. The front end is that of `SMALL`.

    With `sight` the detector has eyes, for four faces per clip.
    """
    params = load(FeaturizeParams, ROOT / "params.yaml")
    log_mel = params.log_mel.model_copy(update={"n_mels": 32})
    params = params.model_copy(
        update={"front_end": ["log_mel"], "window_frames": 64, "window_hop": 32, "log_mel": log_mel}
    )
    shape = front_ends.shape_of(params, sample_rate)
    torch.manual_seed(seed)
    facts = {
        "backbone": BACKBONE,
        "features": {
            "front_end": params.front_end,
            "shape": list(shape),
            "params": params.model_dump(),
            "sample_rate": sample_rate,
            "max_seconds": max_seconds,
            "min_seconds": 0.05,
            "n_faces": 4,
            "face_size": 112 if sight is None else sight.face_size,
            "version": front_ends.VERSION,
        },
        "train": {"readout": {"stages": [], "bands": 4}, "pooling": "mean"},
        "prior": 0.5,
        "visual": None if sight is None else sight.facts(),
    }
    save_model(folder, assemble(BACKBONE, shape, sight), facts)
    return folder


def make_place(folder: Path, n_val: int = 6, n_test: int = 4, **clip_arguments: object) -> Path:
    """Writes clips, labels with `home`, a detector and params.yaml: all that comes before `robustness`."""
    make_root(folder / DATA, n_train=2, n_val=n_val, n_test=n_test, **clip_arguments)
    make_model(folder / "models")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(folder, SMALL | {"robustness.device": "cpu", "robustness.n_bootstrap": 50})
    rows = [
        (split, row[0], int(row[1]), row[2], row[3], split)
        for split in ("train", "val", "test")
        if (folder / DATA / f"{split}_label.txt").exists()
        for row in label_rows(folder / DATA / f"{split}_label.txt")[1:]
    ]
    write_resplit(folder, rows)
    write_unscored(folder / "data/predictions/unscored.csv", [])
    return folder


def write_resplit(folder: Path, rows: list[tuple]) -> None:
    """Writes data/resplit/clips.parquet: split, video_name, target, generator, source, home."""
    names = ("split", "video_name", "target", "generator", "source", "home")
    types = (pa.string(), pa.string(), pa.int8(), pa.string(), pa.string(), pa.string())
    rows = sorted(rows, key=lambda row: (split_order(row[5]), row[1]))
    columns = zip(names, types, zip(*rows, strict=True), strict=True)
    table = pa.table({name: pa.array(values, kind) for name, kind, values in columns})
    write_parquet(table, folder / "data/resplit/clips.parquet")


def leave_unscored(folder: Path, items: list[tuple[str, str]]) -> None:
    """Says in unscored.csv that these (split, video_name) have the training prior as score."""
    write_unscored(
        folder / "data/predictions/unscored.csv", [Unscored(split, name, "no sound") for split, name in items]
    )
