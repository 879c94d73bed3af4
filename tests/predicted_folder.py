"""A folder as `predict` leaves it, for the stage `evaluate` to run in; and what to read there afterwards."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from avfake.dataset.facts import FILE, SCHEMA
from avfake.dataset.predictions import Unscored, write_predictions, write_unscored
from avfake.files import write_parquet
from workspace import set_params

PARAMS = Path(__file__).parents[1] / "params.yaml"
N = 120
SPLITS = {"val": "prediction.csv", "test": "prediction_test.csv", "held_out": "prediction_held_out.csv"}


def write_split(folder: Path, rows: list[tuple]) -> None:
    """The labels as `resplit` leaves them; columns split, video_name, target, generator, source, home."""
    names = ["split", "video_name", "target", "generator", "source", "home"]
    types = [pa.string(), pa.string(), pa.int8(), pa.string(), pa.string(), pa.string()]
    columns = zip(names, types, zip(*rows, strict=True), strict=True)
    write_parquet(pa.table({n: pa.array(v, t) for n, t, v in columns}), folder / "data/resplit/clips.parquet")


def write_scores(folder: Path, rows: list[tuple], split: str, rng: np.random.Generator) -> None:
    scores = [
        (row[1], float(np.clip(rng.normal(0.4 + 0.2 * (row[2] or 0), 0.2), 0, 1)))
        for row in rows
        if row[0] == split
    ]
    write_predictions(folder / "data/predictions" / SPLITS[split], scores[::-1])


def label_rows() -> list[tuple]:
    rows: list[tuple] = []
    for split in ("train", "val", "test"):
        for i in range(N):
            target = i % 2
            generator = ("g1" if split == "train" or i % 4 == 1 else "g2") if target else "real"
            rows.append((split, f"{split}{i:03}.mp4", target, generator, f"{split}-s{i % 12}", split))
    return [*rows, ("val", "val-unlabelled.mp4", None, None, None, "val")]


def as_predict_leaves(folder: Path) -> Path:
    """Fills a folder as `predict` leaves it: three splits, an unlabelled clip, an unreadable clip."""
    rng = np.random.default_rng(0)
    shutil.copy(PARAMS, folder)
    set_params(folder, {"evaluate.n_bootstrap": 40})
    rows = label_rows()
    write_split(folder, rows)
    for split in ("val", "test"):
        write_scores(folder, rows, split, rng)
    write_unscored(folder / "data/predictions/unscored.csv", [Unscored("val", "val003.mp4", "no sound")])
    facts = {
        "split": [row[5] for row in rows],
        "video_name": [row[1] for row in rows],
        "sound_seconds": [None if row[1] == "val003.mp4" else 1 + i % 40 / 10 for i, row in enumerate(rows)],
    }
    empty = [None] * len(rows)
    (folder / "data/facts").mkdir()
    write_parquet(
        pa.table({field.name: pa.array(facts.get(field.name, empty), field.type) for field in SCHEMA}),
        folder / "data/facts" / FILE,
    )
    return folder


def hold_out(folder: Path) -> Path:
    """As if `resplit` held clips of train out: generators g7 and g8, and a few reals."""
    rows = []
    for row in label_rows():
        if row[0] == "train" and int(row[1][5:8]) < 40:
            name = "g7" if int(row[1][5:8]) % 4 == 1 else "g8"
            rows.append(("held_out", *row[1:3], name if row[2] else "real", *row[4:]))
        else:
            rows.append(row)
    write_split(folder, rows)
    write_scores(folder, rows, "held_out", np.random.default_rng(5))
    return folder


def read(path: str) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_notes() -> dict[str, str]:
    return {key: " ".join(texts) for key, texts in read("metrics/notes.json").items()}


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in ("metrics", "plots", "data/evaluation")
        for path in sorted((folder / part).iterdir())
    }
