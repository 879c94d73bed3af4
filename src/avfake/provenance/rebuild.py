"""Derived clips made anew from their sources, without the memo, and held against those that are there."""

import hashlib
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avfake.dataset.augmented import SKIPPED
from avfake.forge.plan import Job
from avfake.forge.run import Made, clip_bytes, made, start_worker
from avfake.memo import Memo
from avfake.parallel import map_ordered
from avfake.params import MemoParams
from avfake.provenance.compare import Apart, picture_apart, sound_apart
from avfake.provenance.expected import Expected, derived_path
from avfake.provenance.machine import other_machine
from avfake.provenance.seen import Row, Seen
from avfake.provenance.verdict import Check, Finding, judged, unchecked

REBUILT = ("rebuilt", "made anew from their sources, derived clips have the bytes that the manifest says")
# On another machine type clips may differ in their bytes and must not differ by more than this, decoded: the
# `mean` of `avfake.provenance.compare.Apart`. docs/provenance.md has what was measured.
SOUND_LIMIT = 0.3
PICTURE_LIMIT = 2.0
_LIMITS = f"{SOUND_LIMIT:.0%} of the sound, {PICTURE_LIMIT:g} levels of the picture, on average"


class Far(NamedTuple):
    """How far a clip made anew lies from the one that is there, in sound and in picture."""

    sound: Apart | None
    picture: Apart | None


@dataclass(frozen=True)
class Pair:
    """A clip to be made once more and to be compared with the one that is there; sent to another process."""

    made: Made
    memo: MemoParams


def drawn(jobs: Iterable[Job], share: float, seed: int) -> list[Job]:
    """A random share of the jobs of every recipe, at least one if any, in the order of the plan."""
    if share == 0:
        return []
    by_recipe: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_recipe[job.recipe].append(job)
    chosen = set()
    for group in by_recipe.values():
        ranked = sorted(group, key=lambda job: hashlib.sha256(f"{seed}:{job.derived_name}".encode()).digest())
        chosen |= {job.derived_name for job in ranked[: max(1, math.ceil(share * len(group)))]}
    return [job for group in by_recipe.values() for job in group if job.derived_name in chosen]


def check_rebuilt(
    seen: Seen, expected: Expected, share: float, seed: int, memo: MemoParams, workers: int
) -> Check:
    """Makes a sample anew; one that the list of skipped clips names must still be refused for that reason."""
    assert seen.rows is not None
    rows = {row["derived_name"]: row for row in seen.rows}
    refused = {(row["recipe"], row["copy"], row["source_name"]): row["reason"] for row in seen.skipped}
    known = [job for job in seen.jobs if job.derived_name in rows or _key(job) in refused]
    sample = drawn(known, share, seed)
    if known and not sample:
        return unchecked(*REBUILT, "no clip was asked for: --share is 0")
    findings: list[Finding] = []
    notes, other, equal = [], [], 0
    for item in made(sample, seen.augment.max_seconds, memo, workers, anew=True, label="rebuild"):
        row = rows.get(item.job.derived_name)
        if row is None:
            findings += _refused(item, refused[_key(item.job)])
            equal += item.skipped == refused[_key(item.job)]
        elif item.derived_sha256 is None:
            findings.append(Finding(item.job.derived_name, f"cannot be made: {item.skipped}"))
        elif item.derived_sha256 == row["derived_sha256"]:
            equal += 1
        else:
            other.append(item)
    for item, far in _compared(other, memo, workers):
        name = item.job.derived_name
        text = f"made anew it has SHA-256 {item.derived_sha256}: {_told(far)}"
        there = _there(seen, rows[name], expected.rows[name])
        if there and _within(far):
            notes.append(f"{name}: differs on another machine type ({there}): {text}")
        else:
            limits = f"; made on another machine type ({there}), the limit is {_LIMITS}" if there else ""
            findings.append(Finding(name, f"{text}{limits}"))
    how_many = "all" if len(sample) == len(known) else f"{len(sample)} of {len(known)}"
    return judged(
        *REBUILT,
        f"{how_many} made anew (seed {seed}): {equal} as they were, {len(other)} other bytes",
        findings,
        notes,
    )


def _key(job: Job) -> tuple[str, str, str]:
    return job.recipe, str(job.copy), job.source.video_name


def _refused(item: Made, reason: str) -> Iterator[Finding]:
    """A clip that was skipped and can be made, or is skipped for another reason."""
    name = item.job.source.video_name
    told = f"{SKIPPED}: recipe {item.job.recipe}, copy {item.job.copy}: `{reason}`"
    if item.skipped is None:
        yield Finding(name, f"{told}, but {item.job.derived_name} can be made")
    elif item.skipped != reason:
        yield Finding(name, f"{told}, it is `{item.skipped}`")


def _compared(items: Sequence[Made], memo: MemoParams, workers: int) -> Iterator[tuple[Made, Far | None]]:
    if not items:
        return
    pairs = [Pair(item, memo) for item in items]
    for result in map_ordered(compare_task, pairs, workers, "compare", initializer=start_worker):
        yield result.item.made, result.value


def compare_task(pair: Pair) -> Far | None:
    """How far a clip made anew lies from the one that is there, None without one; runs in a worker."""
    there = derived_path(pair.made.job.derived_name)
    if not there.is_file():
        return None
    data = clip_bytes(pair.made, Memo(pair.memo.folder, pair.memo.max_gib))
    with tempfile.NamedTemporaryFile(suffix=there.suffix) as file:
        file.write(data)
        file.flush()
        here = Path(file.name)
        return Far(sound_apart(here, there), picture_apart(here, there))


def _there(seen: Seen, row: Row, wanted: Mapping[str, object]) -> str:
    """What was otherwise where the clip was made; empty on the same machine type."""
    return ", ".join(other_machine(seen, str(row["libraries"]), json.loads(str(wanted["libraries"]))))


def _within(far: Far | None) -> bool:
    if far is None:
        return False
    limits = ((far.sound, SOUND_LIMIT), (far.picture, PICTURE_LIMIT))
    return all(track is None or track.mean <= limit for track, limit in limits)


def _told(far: Far | None) -> str:
    if far is None:
        return "the clip that is there cannot be compared with it"
    sound, picture = "no sound", "no picture"
    if far.sound is not None:
        mean = f"{far.sound.mean:.2%} of the sound on average"
        sound = f"{far.sound.largest:.5f} of full scale in a sample ({mean})"
    if far.picture is not None:
        picture = f"{far.picture.largest:.0f} levels of 255 in a pixel ({far.picture.mean:.3f} on average)"
    return f"largest difference {sound}, {picture}"
