"""Stage `extract`: every clip once, to sound, faces and facts; every label, with its problems.

    python -m avfake.stages.extract

Reads data.root and data/augmented, writes data/extracted, data/facts and data/labels. Clips seen before come
from the memo.
"""

import errno
import shutil
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2

from avfake.dataset.augmented import MANIFEST
from avfake.dataset.derived import with_derived
from avfake.dataset.facts import facts_row, write_facts
from avfake.dataset.labels import write_labels, write_problems
from avfake.dataset.layout import NO_FACE, Clip, Problem, split_order
from avfake.dataset.root import DataRoot, load_root
from avfake.dataset.shards import bucket_of, pack_row, shard_name, unpack_row, write_shard
from avfake.errors import RunError
from avfake.files import sha256_file, write_json
from avfake.media.clip import VERSION, decoder_versions, extract_clip, unreadable
from avfake.media.image import NO_SOUND
from avfake.memo import Memo, memo_key
from avfake.parallel import map_ordered
from avfake.params import DataParams, ExtractParams, MemoParams, ParallelParams, load
from avfake.stages._run import stage_main

AUGMENTED = Path("data/augmented")
EXTRACTED = Path("data/extracted")
FACTS = Path("data/facts")
LABELS = Path("data/labels")
NO_SUCH_CLIP = "no such clip"
_LISTED = 10  # problems that the error message names; the others are in the file


@dataclass(frozen=True)
class Task:
    """One clip for a worker; sent to another process, hence plain values only."""

    clip: Clip
    params: ExtractParams
    memo: MemoParams


@dataclass(frozen=True)
class Done:
    """What a worker made of a clip: the entry's key in the memo, or why the file cannot be read at all."""

    sha256: str | None = None
    key: str | None = None
    decoded: bool = False
    error: str | None = None


def main() -> None:
    """Runs the stage in the current folder."""
    data, params, memo = load(DataParams), load(ExtractParams), load(MemoParams)
    root = load_root(data)
    if (AUGMENTED / MANIFEST).exists():
        root = with_derived(root, AUGMENTED)
    else:
        print(f"extract: no {AUGMENTED / MANIFEST}: the clips of {data.root} alone")
    run(root, data, params, memo, load(ParallelParams).workers)


def run(
    root: DataRoot,
    data: DataParams,
    params: ExtractParams,
    memo_params: MemoParams,
    workers: int,
    extracted: Path = EXTRACTED,
    labels: Path = LABELS,
    facts: Path = FACTS,
) -> None:
    """Extracts all clips of a root into `extracted`, with their facts and labels in folders of their own.

    Raises:
        RunError: more than data.max_unreadable of the clips cannot be used.
    """
    memo = Memo(memo_params.folder, memo_params.max_gib)
    for folder in (extracted, facts, labels):
        shutil.rmtree(folder, ignore_errors=True)
    write_labels(root.clips, labels, root.name_column)
    write_json(extracted / "extract.json", {"version": VERSION, "params": params.model_dump()})

    # In the order of the shards, so that the parent holds no more than one of them.
    clips = sorted(root.clips, key=lambda clip: (*_shard(clip, params), clip.video_name))
    tasks = [Task(clip, params, memo_params) for clip in clips]
    results = map_ordered(extract_task, tasks, workers, "extract", initializer=start_worker)
    present = decoded = from_memo = 0
    known: list[dict[str, Any]] = []
    unusable: list[Problem] = []
    flawed: list[Problem] = []  # sound as it should be, picture not
    for (_, bucket), group in groupby(results, key=lambda result: _shard(result.item.clip, params)):
        rows = []
        for result in group:
            clip = result.item.clip
            done = result.value or Done(error=result.error)
            row, fresh = _row(clip, done, params, memo)
            rows.append(row)
            known.append(facts_row(clip.split, row))
            if row["error"] == NO_SUCH_CLIP:
                continue  # among the root's problems already
            present += 1
            decoded += fresh
            from_memo += done.key is not None and not fresh
            still = row["audio_error"] == NO_SOUND
            if still and row["n_faces"] == 0:
                unusable.append(_still_problem(clip, params))
            elif row["audio_error"] is not None and not still:
                unusable.append(_problem(clip, row))
            elif row["video_error"] is not None:
                flawed.append(_problem(clip, row))
        write_shard(rows, extracted / clip.split / f"{shard_name(bucket)}.parquet")

    write_facts(known, facts)
    found = sorted([*unusable, *flawed], key=lambda item: (item.file, item.video_name))
    write_problems([*root.problems, *found], labels)
    memo.trim()
    print(
        f"extract: {present} clips, {decoded} decoded, {from_memo} from the memo, {len(unusable)} unreadable"
    )
    _check_share(root, unusable, data.max_unreadable, labels / "problems.csv")


def start_worker() -> None:
    """One thread per process: the processes share the cores already."""
    cv2.setNumThreads(1)


def extract_task(task: Task) -> Done:
    """Makes sure that the memo holds the clip's row; runs in a worker."""
    path = task.clip.path
    if not path.exists():
        return Done(error="broken symbolic link" if path.is_symlink() else NO_SUCH_CLIP)
    try:
        sha256 = sha256_file(path)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise  # this machine's trouble, not the clip's
        return Done(error=f"cannot be opened: {error.strerror}")
    memo = Memo(task.memo.folder, task.memo.max_gib)
    key = _key(sha256, task.params)
    if memo.get(key) is not None:
        memo.touch(key)
        return Done(sha256, key)
    memo.put(key, pack_row(asdict(extract_clip(path, task.params))))
    return Done(sha256, key, decoded=True)


def _key(sha256: str, params: ExtractParams) -> str:
    settings = params.model_dump(exclude={"buckets"})
    if not params.n_faces:
        del settings["face_size"]
    return memo_key("extract", VERSION, sha256, settings, decoder_versions())


def _shard(clip: Clip, params: ExtractParams) -> tuple[int, int]:
    return split_order(clip.split), bucket_of(clip.video_name, params.buckets)


def _row(clip: Clip, done: Done, params: ExtractParams, memo: Memo) -> tuple[dict[str, Any], bool]:
    """The clip's row of the shard, and whether it was decoded in this run."""
    if done.key is None:
        reason = done.error or "no result"
        row, fresh = asdict(unreadable(reason, params)), False
    else:
        data = memo.get(done.key)
        fresh = done.decoded
        if data is None:  # another run trimmed it in the meantime
            data = pack_row(asdict(extract_clip(clip.path, params)))
            fresh = True
        row = unpack_row(data)
    return {"video_name": clip.video_name, "clip_sha256": done.sha256, **row}, fresh


def _problem(clip: Clip, row: dict[str, Any]) -> Problem:
    reason, remedy = row["error"], "replace the file, or remove it and its label"
    if reason is None and row["audio_error"] is not None:
        reason, remedy = row["audio_error"], "replace the clip, or let it get the training prior as score"
    elif reason is None:
        reason, remedy = row["video_error"], "nothing, if the sound alone will do; or replace the clip"
    return Problem(str(clip.path), None, clip.video_name, reason, remedy)


def _still_problem(clip: Clip, params: ExtractParams) -> Problem:
    """Of a still image without a face there is nothing that a detector could look at."""
    reason, remedy = NO_FACE, "replace the image, or let it get the training prior as score"
    if not params.n_faces:
        reason = "a still image, and extract.n_faces is 0: no picture is read"
        remedy = "set extract.n_faces in params.yaml to 1 or more"
    return Problem(str(clip.path), None, clip.video_name, reason, remedy)


def _check_share(root: DataRoot, unusable: list[Problem], limit: float, report: Path) -> None:
    # One clip may have several problems, and counts once.
    bad = [*root.problems, *unusable]
    names = {clip.video_name for clip in root.clips} | {item.video_name for item in bad}
    share = len({item.video_name for item in bad}) / max(1, len(names))
    if share <= limit:
        return
    lines = [
        f"  {item.file}{f' line {item.line}' if item.line else ''}: {item.video_name}: {item.reason}"
        for item in bad[:_LISTED]
    ]
    if len(bad) > _LISTED:
        lines.append(f"  and {len(bad) - _LISTED} more in {report}")
    raise RunError(
        f"{share:.1%} of the clips and labels cannot be used, data.max_unreadable allows {limit:.1%}:\n"
        + "\n".join(lines),
        f"correct them ({report} names a remedy for each), or raise data.max_unreadable in params.yaml",
    )


if __name__ == "__main__":
    stage_main(main)
