"""Making derived clips: the map over jobs, with the memo. The stage, the dry run and the audit share it."""

import errno
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from avfake.errors import AvfakeError, RunError
from avfake.files import sha256_file
from avfake.forge.make import derive, libraries
from avfake.forge.plan import Job, params_json, seed_of
from avfake.forge.registry import TOOLS, check_params
from avfake.media.errors import ClipError
from avfake.media.probe import probe
from avfake.memo import Memo, memo_key
from avfake.parallel import map_ordered
from avfake.params.sections import MemoParams

# Raised whenever the same job would give another clip, or another reason, without any library's doing.
VERSION = 1
NO_PARTNER = "there is no real training clip of another source to go with it"
_CLIP, _REASON = b"+", b"-"  # an entry of the memo: the clip, or why there can be none
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_LISTED = 10


@dataclass(frozen=True)
class Task:
    """One job for a worker; sent to another process, hence plain values only. `anew`: without the memo."""

    job: Job
    libraries: dict[str, str]
    max_seconds: float
    memo: MemoParams
    anew: bool


@dataclass(frozen=True)
class Made:
    """What became of a job.

    Attributes:
        libraries: what the clip's bytes depend on -> version.
        skipped: why there is no clip; `key` and `derived_sha256` are None then, the other two where the files
            could not be read.
        key: the clip's entry in the memo, see `clip_bytes`; None if it was made `anew`.
        n_bytes: of the clip.
        seconds: that it took to make it, 0 for one that was in the memo already.
        fresh: whether it was made in this run.
    """

    job: Job
    libraries: dict[str, str]
    skipped: str | None = None
    key: str | None = None
    source_sha256: str | None = None
    partner_sha256: str | None = None
    derived_sha256: str | None = None
    n_bytes: int = 0
    seconds: float = 0.0
    fresh: bool = False


def made(
    jobs: Sequence[Job],
    max_seconds: float,
    memo: MemoParams,
    workers: int,
    anew: bool = False,
    label: str = "augment",
) -> Iterator[Made]:
    """Makes the clips of the jobs, each at most once: yields what became of them, in their order.

    No clip passes through here; `clip_bytes` takes one from the memo. With `anew` the memo is neither read
    nor written: what is asked for is whether the clips come out as they did.

    Raises:
        RunError: a tool raised something else than ClipError (at once), or a worker process died (when all
            the other clips are made). What was made is in the memo.
    """
    versions = {name: libraries(TOOLS[name]) for name in {job.tool for job in jobs}}
    tasks = [Task(job, versions[job.tool], max_seconds, memo, anew) for job in jobs]
    died = []
    for result in map_ordered(make_task, tasks, workers, label, initializer=start_worker):
        if result.value is None:
            died.append(f"{_title(result.item.job)}: {result.error}")
        else:
            yield result.value
    if died:
        more = [f"and {len(died) - _LISTED} more"] if len(died) > _LISTED else []
        raise RunError(
            "\n".join([*died[:_LISTED], *more]),
            "run it again: what was made is kept; if it dies again, take the recipe or the clip out",
        )


def clip_bytes(done: Made, memo: Memo) -> bytes:
    """The clip that was made; made again if another run trimmed it from the memo in the meantime.

    Raises:
        ValueError: there is none: the job was skipped.
    """
    if done.derived_sha256 is None or done.source_sha256 is None:
        raise ValueError(f"{done.job.derived_name}: skipped: {done.skipped}")
    entry = memo.get(done.key) if done.key else None
    return entry[1:] if entry is not None else _derived(done.job, done.source_sha256)


def entry_key(job: Job, versions: Mapping[str, str], source_sha256: str, partner_sha256: str | None) -> str:
    """The key of a job's entry in the memo: all that its clip depends on."""
    tool = TOOLS[job.tool]
    seed = seed_of(job.recipe_seed, tool.name, source_sha256, job.copy)
    made_by = (VERSION, dict(versions), tool.name, tool.version)
    return memo_key("augment", *made_by, params_json(job.params), seed, source_sha256, partner_sha256)


def start_worker() -> None:
    """One thread per process: the processes share the cores already."""
    cv2.setNumThreads(1)


def make_task(task: Task) -> Made:
    """Makes sure that the memo holds the job's clip, or the reason why there is none; runs in a worker."""
    job = task.job
    try:
        source = _hashed(job.source.path, task.max_seconds)
        partner = _partner_hashed(job, task.max_seconds)
    except ClipError as error:
        return Made(job, task.libraries, skipped=error.reason)
    memo = Memo(task.memo.folder, task.memo.max_gib)
    key = entry_key(job, task.libraries, source, partner)
    entry, seconds = None, 0.0
    if not task.anew:
        entry = memo.get(key)
        memo.touch(key)
    fresh = entry is None
    if entry is None:
        start = time.perf_counter()
        try:
            entry = _CLIP + _derived(job, source)
        except ClipError as error:
            entry = _REASON + error.reason.encode()
        seconds = time.perf_counter() - start
        if not task.anew:
            memo.put(key, entry)
    if entry[:1] == _REASON:
        reason = entry[1:].decode()
        return Made(job, task.libraries, reason, None, source, partner, seconds=seconds, fresh=fresh)
    sha256 = hashlib.sha256(memoryview(entry)[1:]).hexdigest()
    kept = None if task.anew else key
    return Made(job, task.libraries, None, kept, source, partner, sha256, len(entry) - 1, seconds, fresh)


def _derived(job: Job, source_sha256: str) -> bytes:
    """Calls the tool. What it raises becomes a RunError with the clip's name; the machine's troubles pass."""
    tool = TOOLS[job.tool]
    params = check_params(tool, job.params, _title(job))
    seed = seed_of(job.recipe_seed, tool.name, source_sha256, job.copy)
    try:
        return derive(job.source.path, tool, params, seed, job.partner.path if job.partner else None)
    except (ClipError, AvfakeError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MACHINE:
            raise
        said = str(error).strip().splitlines() or [""]
        raise RunError(
            f"{_title(job)}: the tool raised {type(error).__name__}: {said[-1]}",
            "what was made is kept; correct the tool or its parameters, or take the recipe or the clip out",
        ) from error


def _title(job: Job) -> str:
    beside = f" with {job.partner.path}" if job.partner else ""
    return f"augment.recipes: `{job.recipe}`: {job.tool} on {job.source.path}{beside}"


def _hashed(path: Path, max_seconds: float) -> str:
    """SHA-256 of a clip that can be used. Raises ClipError for one that is missing, no clip, or too long."""
    if not path.exists():
        raise ClipError("broken symbolic link" if path.is_symlink() else "no such clip")
    try:
        facts = probe(path)
        lengths = [facts[name] for name in ("seconds", "audio_seconds", "video_seconds")]
        seconds = max((float(length) for length in lengths if length is not None), default=0.0)
        if seconds > max_seconds:
            raise ClipError(f"{seconds:.1f} s long, augment.max_seconds is {max_seconds:g}")
        return sha256_file(path)
    except OSError as error:
        if error.errno in _MACHINE:
            raise
        raise ClipError(f"cannot be opened: {error.strerror}") from None


def _partner_hashed(job: Job, max_seconds: float) -> str | None:
    if not TOOLS[job.tool].needs_partner:
        return None
    if job.partner is None:
        raise ClipError(NO_PARTNER)
    try:
        return _hashed(job.partner.path, max_seconds)
    except ClipError as error:
        raise ClipError(f"its partner {job.partner.video_name}: {error.reason}") from None
