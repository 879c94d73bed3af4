"""Stage `featurize`: every clip's sound to windows in grey levels, packed for memory-mapped reading.

The face crops, which need nothing done to them, are packed beside the windows.

    python -m avfake.stages.featurize

Reads data/extracted, writes data/features. Sound seen before comes from the memo.
"""

import hashlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avfake.dataset.features import faces_file, times_file, write_index
from avfake.dataset.layout import NO_FACE, split_order
from avfake.dataset.shards import list_shards, n_rows, read_shard
from avfake.errors import RunError, UserError
from avfake.features.front_ends import VERSION, check, compute, library_versions, settings_of, shape_of
from avfake.files import atomic_file, write_json
from avfake.memo import Memo, memo_key
from avfake.parallel import map_ordered
from avfake.params import FeaturizeParams, MemoParams, ParallelParams, load
from avfake.stages._run import stage_main

EXTRACTED = Path("data/extracted")
FEATURES = Path("data/features")
_COLUMNS = ["video_name", "audio_error", "video_error", "pcm", "pcm_shift", "n_faces"]


@dataclass(frozen=True)
class Task:
    """One shard for a worker."""

    split: str
    source: Path
    folder: Path
    sample_rate: int
    face_size: int | None
    params: FeaturizeParams
    memo: MemoParams


@dataclass(frozen=True)
class Done:
    """What a worker made of a shard: rows of the index, and how many clips were new and from the memo."""

    rows: list[dict[str, Any]]
    computed: int
    from_memo: int


def main() -> None:
    """Runs the stage in the current folder."""
    run(load(FeaturizeParams), load(MemoParams), load(ParallelParams).workers)


def run(
    params: FeaturizeParams,
    memo_params: MemoParams,
    workers: int,
    extracted: Path = EXTRACTED,
    features: Path = FEATURES,
) -> None:
    """Turns all shards under `extracted` into windows under `features`.

    Raises:
        UserError: `extract` has not run, or the front ends do not go with its sample rate.
        RunError: a worker process died.
    """
    try:
        extract = json.loads((extracted / "extract.json").read_text(encoding="utf-8"))["params"]
    except FileNotFoundError:
        raise UserError(
            f"{extracted / 'extract.json'}: no such file",
            "run the stage before this one: `dvc repro featurize`",
        ) from None
    check(extract["sample_rate"], params)
    shutil.rmtree(features, ignore_errors=True)
    features.mkdir(parents=True)
    face_size = extract["face_size"] if extract["n_faces"] else None
    tasks = [
        Task(split, path, features, extract["sample_rate"], face_size, params, memo_params)
        for split, path in list_shards(extracted)
    ]
    rows: list[dict[str, Any]] = []
    computed = from_memo = 0
    weights = [n_rows(task.source) for task in tasks]
    for result in map_ordered(featurize_task, tasks, workers, "featurize", start_worker, weights):
        if result.value is None:
            raise RunError(
                f"{result.item.source}: {result.error}", "give it more memory, or fewer `parallel.workers`"
            )
        rows += result.value.rows
        computed += result.value.computed
        from_memo += result.value.from_memo
    rows.sort(key=lambda row: (split_order(row["split"]), row["video_name"]))
    write_index(rows, features)
    info = {
        "front_end": params.front_end,
        "shape": list(shape_of(params, extract["sample_rate"])),
        "params": params.model_dump(),
        "sample_rate": extract["sample_rate"],
        "max_seconds": extract["max_seconds"],
        "min_seconds": extract["min_seconds"],
        "n_faces": extract["n_faces"],
        "face_size": face_size,
        "version": VERSION,
    }
    write_json(features / "features.json", info)
    Memo(memo_params.folder, memo_params.max_gib).trim()
    faces = f", {sum(row['face_count'] for row in rows)} faces" if face_size else ""
    print(
        f"featurize: {len(rows)} clips, {computed} computed, {from_memo} from the memo, "
        f"{len(rows) - computed - from_memo} without windows{faces}"
    )


def start_worker() -> None:
    """One thread per process: the processes share the cores already."""
    cv2.setNumThreads(1)


def featurize_task(task: Task) -> Done:
    """Computes one shard and writes its windows and faces; runs in a worker."""
    memo = Memo(task.memo.folder, task.memo.max_gib)
    name = f"{task.split}/{task.source.stem}.npy"
    rows: list[dict[str, Any]] = []
    windows: list[np.ndarray] = []
    start = computed = from_memo = 0
    for clip in read_shard(task.source, _COLUMNS):
        found = np.zeros((0, *shape_of(task.params, task.sample_rate)), np.uint8)
        if clip["audio_error"] is None:
            found, fresh = _windows(clip["pcm"], clip["pcm_shift"], task, memo)
            computed += fresh
            from_memo += not fresh
        windows.append(found)
        rows.append(
            {
                "split": task.split,
                "video_name": clip["video_name"],
                "shard": name,
                "start": start,
                "count": len(found),
                "reason": clip["audio_error"],
                "face_start": 0,
                "face_count": 0,
                "face_reason": None if clip["n_faces"] else _why_faceless(clip, task),
            }
        )
        start += len(found)
    with atomic_file(task.folder / name) as file:
        np.save(file, np.concatenate(windows), allow_pickle=False)
    if task.face_size:
        for row, place in zip(rows, _pack_faces(task, name, task.face_size), strict=True):
            row["face_start"], row["face_count"] = place
    return Done(rows, computed, from_memo)


def _why_faceless(clip: dict[str, Any], task: Task) -> str:
    if not task.face_size:
        return "extract.n_faces is 0"
    return clip["video_error"] or NO_FACE


def _pack_faces(task: Task, name: str, size: int) -> list[tuple[int, int]]:
    """Writes the faces of a shard and their times; the first and the number of each clip's, in order."""
    times = [row["face_times"] for row in read_shard(task.source, ["face_times"])]
    counts = [len(own) for own in times]
    header = {"descr": "|u1", "fortran_order": False, "shape": (sum(counts), size, size, 3)}
    with atomic_file(task.folder / faces_file(name)) as file:
        # Clip by clip behind the header, as np.save would write them all: they need not fit in memory twice.
        np.lib.format.write_array_header_1_0(file, header)
        for row in read_shard(task.source, ["faces"]):
            file.write(row["faces"])
    with atomic_file(task.folder / times_file(name)) as file:
        np.save(file, np.array([time for own in times for time in own], np.float64), allow_pickle=False)
    starts = [0, *np.cumsum(counts).tolist()]
    return list(zip(starts, counts, strict=False))


def _windows(pcm: bytes, shift: int, task: Task, memo: Memo) -> tuple[np.ndarray, bool]:
    """The windows of a clip, and whether they were computed now."""
    key = memo_key(
        "featurize", VERSION, hashlib.sha256(pcm).hexdigest(), shift, task.sample_rate,
        settings_of(task.params), library_versions(),
    )  # fmt: skip
    data = memo.get(key)
    if data is not None:
        memo.touch(key)
        return np.load(io.BytesIO(data), allow_pickle=False), False
    found = compute(np.frombuffer(pcm, "<i2"), task.sample_rate, task.params, shift)
    buffer = io.BytesIO()
    np.save(buffer, found, allow_pickle=False)
    memo.put(key, buffer.getvalue())
    return found, True


if __name__ == "__main__":
    stage_main(main)
