"""What the manifest must say: the plan of the recipes, with hashes of the files themselves."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from avfake.dataset.augmented import FOLDER, MANIFEST, SKIPPED
from avfake.forge.make import libraries
from avfake.forge.plan import Job, manifest_row
from avfake.forge.registry import TOOLS
from avfake.provenance.seen import AUGMENTED, Row, Seen
from avfake.provenance.verdict import Check, Finding, judged

PLAN = ("plan", "the manifest holds what the recipes of params.yaml plan, each clip once")
CELLS = (
    "cells",
    "every cell of the manifest follows from the recipes, the label files and the source clips' bytes",
)
# Held against the files, the registry and the lock files by checks of their own.
_ELSEWHERE = ("derived_sha256", "tool_version", "libraries")
_MISSING = "(no such file)"


@dataclass(frozen=True)
class Expected:
    """What is known of derived clips without looking at the manifest.

    Attributes:
        jobs: by the name of the derived clip, in the order of the plan.
        rows: of the manifest, with the hash of the file that is there as `derived_sha256`.
        libraries: of each tool that the recipes name, as they are installed here.
    """

    jobs: dict[str, Job]
    rows: dict[str, Row]
    libraries: dict[str, dict[str, str]]


def expect(seen: Seen) -> Expected:
    """The rows that the recipes, the raw data and the tools of this repository give."""
    installed = {name: dict(libraries(TOOLS[name])) for name in sorted({job.tool for job in seen.jobs})}
    rows = {}
    for job in seen.jobs:
        partner = None if job.partner is None else seen.sha256(job.partner.path) or _MISSING
        rows[job.derived_name] = manifest_row(
            job,
            TOOLS[job.tool],
            seen.sha256(job.source.path) or _MISSING,
            partner,
            seen.sha256(derived_path(job.derived_name)) or _MISSING,
            installed[job.tool],
        )
    return Expected({job.derived_name: job for job in seen.jobs}, rows, installed)


def derived_path(name: str) -> Path:
    """Where a derived clip lies."""
    return AUGMENTED / FOLDER / name


def check_plan(seen: Seen, expected: Expected) -> Check:
    """Every planned clip is in the manifest or among the skipped, once, and nothing else is."""
    assert seen.rows is not None
    evidence = f"{len(seen.jobs)} planned: {len(seen.rows)} rows, {len(seen.skipped)} skipped"
    return judged(*PLAN, evidence, _off_plan(seen.rows, seen.skipped, expected.jobs))


def _off_plan(rows: list[Row], skipped: list[dict[str, str]], jobs: Mapping[str, Job]) -> Iterator[Finding]:
    times = Counter(row["derived_name"] for row in rows)
    left_out = Counter((row["recipe"], row["copy"], row["source_name"]) for row in skipped)
    planned = set()
    for name, job in jobs.items():
        key = (job.recipe, str(job.copy), job.source.video_name)
        planned.add(key)
        told = f"{job.tool} on {job.source.video_name} (recipe {job.recipe}, copy {job.copy})"
        if not times[name] and not left_out[key]:
            yield Finding(name, f"missing: the recipes make it by {told}, {MANIFEST} has no such row")
        if times[name] and left_out[key]:
            yield Finding(name, f"has a row in {MANIFEST} and is called skipped in {SKIPPED}")
    for name, count in times.items():
        if name not in jobs:
            yield Finding(str(name), f"extra: a row of {MANIFEST} that no recipe of params.yaml plans")
        if count > 1:
            yield Finding(str(name), f"doubled: {count} rows of {MANIFEST}")
    for key, count in left_out.items():
        if key not in planned:
            yield Finding(key[2], f"{SKIPPED}: recipe {key[0]}, copy {key[1]}: no recipe plans it")
        if count > 1:
            yield Finding(key[2], f"{SKIPPED}: recipe {key[0]}, copy {key[1]}: {count} rows")


def check_cells(seen: Seen, expected: Expected) -> Check:
    """Every cell is what the plan, the label file and the source's own bytes say."""
    assert seen.rows is not None
    evidence = f"{len(seen.rows)} rows, each cell compared"
    return judged(*CELLS, evidence, _other_cells(seen.rows, expected.rows))


def _other_cells(rows: list[Row], expected: Mapping[str, Row]) -> Iterator[Finding]:
    for row in rows:
        wanted = expected.get(row["derived_name"])
        if wanted is None:
            continue  # named by `check_plan`
        for column, value in row.items():
            if column not in _ELSEWHERE and value != wanted[column]:
                yield Finding(
                    row["derived_name"],
                    f"`{column}` is {_shown(value)} in {MANIFEST}, it must be {_shown(wanted[column])}",
                )


def _shown(value: object) -> str:
    return "null" if value is None else str(value)
