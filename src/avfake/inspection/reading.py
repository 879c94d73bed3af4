"""Reading a root's clips for their figures: the same reading, and the same memo, as the stage `extract`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.dataset.layout import Clip
from avfake.dataset.shards import unpack_row
from avfake.media.clip import extract_clip
from avfake.memo import Memo
from avfake.parallel import map_ordered
from avfake.params import ExtractParams, FeaturizeParams, LogMelParams, MemoParams, ParallelParams, load
from avfake.stages.extract import NO_SUCH_CLIP, Task, extract_task, start_worker

# What params.yaml says where it comes from the project; used in a folder that has none.
DEFAULT_EXTRACT = ExtractParams(
    sample_rate=22050, max_seconds=120.0, min_seconds=0.05, n_faces=4, face_size=112, buckets=16
)


@dataclass(frozen=True)
class Drawing:
    """The log-mel spectrogram that a clip is drawn as: the front end's settings, samples, dB."""

    log_mel: LogMelParams
    hop_length: int
    dynamic_range: float


DEFAULT_DRAWING = Drawing(LogMelParams(n_fft=512, n_mels=128, fmin=0.0, fmax=8000.0), 128, 80.0)


@dataclass(frozen=True)
class Settings:
    """How clips are read and drawn. `memo` is None outside the project: every clip is then decoded."""

    extract: ExtractParams
    drawing: Drawing
    memo: MemoParams | None
    workers: int


@dataclass(frozen=True)
class Reading:
    """What is known of a clip after it was read; its sound and its faces are not kept.

    Attributes:
        error: why the file cannot be opened, or None; then `facts` is empty.
        audio_error, video_error: why that track cannot be used, or None.
        sound_seconds: of the sound as it was read (cut at extract.max_seconds); None without sound.
        n_faces: crops found among the frames that were searched; None where the picture was not read.
        facts: of `avfake.media.clip.ClipRow`.
    """

    error: str | None
    audio_error: str | None
    video_error: str | None
    sound_seconds: float | None
    n_faces: int | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class _Job:
    clip: Clip
    extract: ExtractParams
    memo: MemoParams | None


def settings_of(path: Path, workers: int | None) -> Settings:
    """The settings of the params.yaml at `path`, or the defaults above where there is none.

    Args:
        workers: processes (0: one per core); None: what params.yaml says.

    Raises:
        UserError: a section that is read from the file is wrong.
    """
    if not path.exists():
        return Settings(DEFAULT_EXTRACT, DEFAULT_DRAWING, None, workers or 0)
    extract, featurize = load(ExtractParams, path), load(FeaturizeParams, path)
    return Settings(
        extract,
        Drawing(featurize.log_mel, featurize.hop_length, featurize.dynamic_range),
        load(MemoParams, path),
        load(ParallelParams, path).workers if workers is None else workers,
    )


def read_clips(clips: Sequence[Clip], settings: Settings) -> Iterator[tuple[Clip, Reading]]:
    """Every clip with its reading, in the order given; reads in worker processes."""
    jobs = [_Job(clip, settings.extract, settings.memo) for clip in clips]
    for result in map_ordered(_read, jobs, settings.workers, "inspect", start_worker):
        yield result.item.clip, result.value or unread(result.error or "no result")
    if settings.memo is not None:
        Memo(settings.memo.folder, settings.memo.max_gib).trim()


def unread(reason: str) -> Reading:
    """The reading of a clip that could not be opened."""
    return Reading(reason, reason, reason, None, None, {})


def missing(path: Path) -> str | None:
    """Why there is no file to open at `path`, or None; in the same words with a memo and without."""
    if not path.exists():
        return "broken symbolic link" if path.is_symlink() else NO_SUCH_CLIP
    return None if path.is_file() else "not a file"


def _read(job: _Job) -> Reading:
    """One clip, from the memo or decoded; runs in a worker."""
    reason = missing(job.clip.path)
    if reason is not None:
        return unread(reason)
    row: Any = None
    if job.memo is not None:
        done = extract_task(Task(job.clip, job.extract, job.memo))
        if done.error is not None or done.key is None:
            return unread(done.error or "no result")
        data = Memo(job.memo.folder, job.memo.max_gib).get(done.key)
        row = None if data is None else unpack_row(data)
    if row is None:
        row = vars(extract_clip(job.clip.path, job.extract))
    if row["error"] is not None:
        return unread(row["error"])
    sound = None if row["audio_error"] is not None else len(row["pcm"]) / 2 / row["sample_rate"]
    picture_read = job.extract.n_faces > 0 and row["video_error"] is None
    return Reading(
        None,
        row["audio_error"],
        row["video_error"],
        sound,
        row["n_faces"] if picture_read else None,
        json.loads(row["facts"]),
    )
