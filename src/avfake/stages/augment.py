"""Stage `augment`: extra clips, made from the training split by declared tools, and the record of how.

    dvc repro augment                  # as part of the pipeline
    python -m avfake.stages.augment    # by itself, from the repository's root
    avfake forge plan --time           # how many clips there would be, and how long that would take

Reads the training split under data.root; writes data/augmented (trainset/*.mp4, manifest.parquet and
skipped.csv), metrics/augment.json (counts) and metrics/augment_notes.json (hashes and remarks: with them, the
repository and the raw data, anybody can make the clips again and compare). Clips that were made before come
from the memo.
"""

import csv
import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avfake.dataset.augmented import FOLDER, MANIFEST, SKIPPED, SKIPPED_HEADER, write_manifest
from avfake.dataset.root import load_root
from avfake.files import atomic_write_bytes, atomic_write_text, sha256_file, write_json
from avfake.forge.machine import machine_type
from avfake.forge.make import libraries
from avfake.forge.plan import Job, manifest_row, plan
from avfake.forge.registry import TOOLS
from avfake.forge.run import Made, clip_bytes, made
from avfake.memo import Memo
from avfake.params import AugmentParams, DataParams, MemoParams, ParallelParams, load
from avfake.params.sections import RecipeParams
from avfake.stages._run import stage_main

AUGMENTED, METRICS = Path("data/augmented"), Path("metrics")
_LISTED = 20  # skipped clips that the notes name; the others are in the file


@dataclass
class Run:
    """What came of the jobs: rows of the manifest, skipped ones, and how many were made in this run."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Made] = field(default_factory=list)
    n_fresh: int = 0


def main() -> None:
    """Runs the stage in the current folder."""
    run(load(DataParams), load(AugmentParams), load(MemoParams), load(ParallelParams).workers)


def run(data: DataParams, params: AugmentParams, memo_params: MemoParams, workers: int) -> None:
    """Plans, makes, writes; the outputs take their places when all clips are there.

    Raises:
        UserError: a recipe is wrong, or the data root cannot be understood.
        RunError: a tool failed, or a process died.
    """
    jobs = plan(load_root(data), params)
    unfinished = AUGMENTED.with_name(f".{AUGMENTED.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    memo = Memo(memo_params.folder, memo_params.max_gib)
    try:
        done = _make(jobs, params, memo_params, workers, unfinished / FOLDER)
        write_manifest(done.rows, unfinished)
        _write_skipped(done.skipped, unfinished / SKIPPED)
        shutil.rmtree(AUGMENTED, ignore_errors=True)
        unfinished.replace(AUGMENTED)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    write_json(METRICS / "augment.json", figures(done, params.recipes))
    write_json(METRICS / "augment_notes.json", notes(done, params.recipes, jobs))
    memo.trim()
    fakes = sum(row["label_after"] for row in done.rows)
    print(
        f"augment: {len(done.rows)} clips ({len(done.rows) - fakes} real, {fakes} fake) from "
        f"{len({row['source_name'] for row in done.rows})} source clips, {done.n_fresh} made, "
        f"{len(done.rows) - done.n_fresh} from the memo, {len(done.skipped)} skipped"
    )


def figures(done: Run, recipes: Sequence[RecipeParams]) -> dict[str, int]:
    """Counts: of all derived clips, and by recipe."""
    fakes = sum(row["label_after"] for row in done.rows)
    n = len(done.rows)
    counts = {"n": n, "n_real": n - fakes, "n_fake": fakes, "n_skipped": len(done.skipped)}
    made_by = Counter(row["recipe"] for row in done.rows)
    skipped_by = Counter(item.job.recipe for item in done.skipped)
    for recipe in recipes:
        counts[f"n_{recipe.name}"] = made_by[recipe.name]
        counts[f"skipped_{recipe.name}"] = skipped_by[recipe.name]
    return counts


def notes(done: Run, recipes: Sequence[RecipeParams], jobs: Sequence[Job]) -> dict[str, list[str]]:
    """What goes into Git: enough to make the clips again from the raw data, and to see that they match.

    The manifest's hash, the type of machine, by recipe the tool, a hash over its clips and the libraries
    that they depend on; who was skipped, and what is odd.
    """
    planned = Counter(job.recipe for job in jobs)
    said: dict[str, list[str]] = {"manifest_sha256": [sha256_file(AUGMENTED / MANIFEST)]}
    if done.rows:
        said["machine"] = [machine_type()]
    remarks = []
    for recipe in recipes:
        hashes = sorted(row["derived_sha256"] for row in done.rows if row["recipe"] == recipe.name)
        tool = TOOLS[recipe.tool]
        together = hashlib.sha256("".join(hashes).encode()).hexdigest()
        said[f"recipe.{recipe.name}"] = [
            f"{tool.name} {tool.version}",
            together,
            json.dumps(libraries(tool), sort_keys=True, ensure_ascii=False),
        ]
        if not planned[recipe.name]:
            share = "" if recipe.per_clip >= 1 else f", of which per_clip takes {recipe.per_clip:g}"
            which = "clip" if recipe.of == "all" else f"{recipe.of} clip"
            remarks.append(f"{recipe.name}: no {which} of the training split is drawn{share}")
        elif not hashes:
            remarks.append(f"{recipe.name}: every one of its {planned[recipe.name]} clips was skipped")
    listed = [
        f"{item.job.recipe}: {item.job.source.video_name}: {item.skipped}" for item in done.skipped[:_LISTED]
    ]
    if len(done.skipped) > _LISTED:
        listed.append(f"... and {len(done.skipped) - _LISTED} more")
    return {**said, "skipped": listed, "remarks": remarks}


def _make(
    jobs: Sequence[Job], params: AugmentParams, memo_params: MemoParams, workers: int, folder: Path
) -> Run:
    """Makes the clips and writes them to `folder`, one at a time."""
    folder.mkdir(parents=True)
    memo, done = Memo(memo_params.folder, memo_params.max_gib), Run()
    for item in made(jobs, params.max_seconds, memo_params, workers):
        if item.source_sha256 is None or item.derived_sha256 is None:
            done.skipped.append(item)
            continue
        done.n_fresh += item.fresh
        atomic_write_bytes(folder / item.job.derived_name, clip_bytes(item, memo))
        hashes = item.source_sha256, item.partner_sha256, item.derived_sha256
        done.rows.append(manifest_row(item.job, TOOLS[item.job.tool], *hashes, item.libraries))
    return done


def _write_skipped(skipped: Iterable[Made], path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SKIPPED_HEADER)
    for item in skipped:
        partner = item.job.partner.video_name if item.job.partner else ""
        row = (item.job.recipe, item.job.copy, item.job.source.video_name, partner, item.skipped)
        writer.writerow(row)
    atomic_write_text(path, text.getvalue())


if __name__ == "__main__":
    stage_main(main)
