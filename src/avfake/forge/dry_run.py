"""What the recipes would make, and how long that would take, before it is done."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from avfake.files import sha256_file
from avfake.forge.make import libraries
from avfake.forge.plan import Job
from avfake.forge.registry import TOOLS
from avfake.forge.run import entry_key, made
from avfake.memo import Memo
from avfake.parallel import n_workers
from avfake.params.sections import AugmentParams, MemoParams, RecipeParams

MEASURED = 3  # clips of a recipe that are made to see how long one takes


@dataclass(frozen=True)
class Forecast:
    """What one recipe would make.

    Attributes:
        recipe, tool: names. label: `keeps` or `fake`. of: real, fake or all.
        sources: training clips that it is applied to. clips: that it would make.
        known: of them, those in the memo already (or known there to be impossible).
        missing: of them, those whose source or partner is not there.
        n_bytes: of all its clips: as many as the sources have, corrected by the clips that were measured.
        measured: clips that were made to see how long one takes, 0 if none were.
        seconds: that one clip takes in one process, the median; None if none were measured.
    """

    recipe: str
    tool: str
    label: str
    of: str
    sources: int
    clips: int
    known: int
    missing: int
    n_bytes: int
    measured: int = 0
    seconds: float | None = None

    @property
    def left(self) -> int:
        """Clips that are still to be made."""
        return self.clips - self.known - self.missing

    @property
    def seconds_left(self) -> float | None:
        """How long that takes in one process; None where that is not known."""
        return 0.0 if not self.left else None if self.seconds is None else self.left * self.seconds


def forecast(
    jobs: Sequence[Job], params: AugmentParams, memo: MemoParams, workers: int, timed: bool
) -> list[Forecast]:
    """The forecast of each recipe, in their order. `timed`: by making a few clips, which stay in the memo.

    Raises:
        RunError: a tool failed.
    """
    hashes = _hashes(jobs, workers)
    return [
        _forecast(
            recipe,
            [job for job in jobs if job.recipe == recipe.name],
            params.max_seconds,
            memo,
            hashes,
            timed,
        )
        for recipe in params.recipes
    ]


def seconds_left(forecasts: Iterable[Forecast], workers: int) -> float | None:
    """How long the rest takes with so many processes; None where a recipe was not measured."""
    each = [item.seconds_left for item in forecasts]
    known = [seconds for seconds in each if seconds is not None]
    return sum(known) / n_workers(workers) if len(known) == len(each) else None


def _forecast(
    recipe: RecipeParams,
    jobs: Sequence[Job],
    max_seconds: float,
    memo: MemoParams,
    hashes: Mapping[Path, str],
    timed: bool,
) -> Forecast:
    tool = TOOLS[recipe.tool]
    there = [job for job in jobs if _is_there(job, hashes)]
    new = _not_in_memo(there, memo, hashes)
    sources = {job.source.path for job in jobs}
    n_bytes = sum(_size(job) for job in jobs)
    chosen = _spread(new, MEASURED) if timed else []
    # One process, so that what is measured is not what two cost each other; the median leaves out the start.
    tried = list(made(chosen, max_seconds, memo, 1, label=recipe.name)) if chosen else []
    came = [item for item in tried if item.n_bytes]
    if came:
        n_bytes = round(n_bytes * sum(item.n_bytes for item in came) / sum(_size(item.job) for item in came))
    return Forecast(
        recipe=recipe.name,
        tool=tool.name,
        label=tool.label,
        of=recipe.of,
        sources=len(sources),
        clips=len(jobs),
        known=len(there) - len(new) + len(tried),
        missing=len(jobs) - len(there),
        n_bytes=n_bytes,
        measured=len(tried),
        seconds=median(item.seconds for item in tried) if tried else None,
    )


def _hashes(jobs: Iterable[Job], workers: int) -> dict[Path, str]:
    """SHA-256 of every source and partner that is there; hashing leaves the interpreter's lock to others."""
    clips = [clip for job in jobs for clip in (job.source, job.partner) if clip is not None]
    paths = sorted({clip.path for clip in clips if clip.path.is_file()})
    with ThreadPoolExecutor(n_workers(workers)) as pool:
        return dict(zip(paths, pool.map(sha256_file, paths), strict=True))


def _is_there(job: Job, hashes: Mapping[Path, str]) -> bool:
    return job.source.path in hashes and (job.partner is None or job.partner.path in hashes)


def _not_in_memo(jobs: Sequence[Job], memo: MemoParams, hashes: Mapping[Path, str]) -> list[Job]:
    """The jobs that a run would have to work on."""
    if not jobs:
        return []
    store, versions = Memo(memo.folder, memo.max_gib), libraries(TOOLS[jobs[0].tool])

    def key(job: Job) -> str:
        partner = hashes[job.partner.path] if job.partner else None
        return entry_key(job, versions, hashes[job.source.path], partner)

    return [job for job in jobs if not store.touch(key(job))]


def _size(job: Job) -> int:
    return job.source.path.stat().st_size if job.source.path.is_file() else 0


def _spread(jobs: Sequence[Job], count: int) -> list[Job]:
    """At most `count` of the jobs, from the first to the last at even distances."""
    count = min(count, len(jobs))
    return [jobs[index * (len(jobs) - 1) // max(1, count - 1)] for index in range(count)]
