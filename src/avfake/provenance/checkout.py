"""A checkout that has the repository and the raw data alone: all clips are made anew, hashed and let go."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avfake.dataset.augmented import MANIFEST, write_manifest
from avfake.files import sha256_file
from avfake.forge.plan import manifest_row
from avfake.forge.registry import TOOLS
from avfake.forge.run import made
from avfake.params import MemoParams
from avfake.provenance.machine import other_machine
from avfake.provenance.recorded import check_notes
from avfake.provenance.seen import AUGMENTED, Row, Seen
from avfake.provenance.verdict import Check, unchecked


@dataclass(frozen=True)
class Remade:
    """What all recipes give here: rows of the manifest and of skipped.csv, and the manifest's SHA-256."""

    rows: list[Row]
    skipped: list[dict[str, str]]
    manifest_sha256: str


def remake(seen: Seen, memo: MemoParams, workers: int) -> Remade:
    """Makes every planned clip without the memo; only its hash is kept."""
    rows, skipped = [], []
    for item in made(seen.jobs, seen.augment.max_seconds, memo, workers, anew=True, label="rebuild"):
        job = item.job
        if item.source_sha256 is None or item.derived_sha256 is None:
            skipped.append(
                {
                    "recipe": job.recipe,
                    "copy": str(job.copy),
                    "source_name": job.source.video_name,
                    "partner_name": job.partner.video_name if job.partner else "",
                    "reason": item.skipped or "",
                }
            )
            continue
        hashes = item.source_sha256, item.partner_sha256, item.derived_sha256
        rows.append(manifest_row(job, TOOLS[job.tool], *hashes, item.libraries))
    with tempfile.TemporaryDirectory() as folder:
        write_manifest(rows, folder)
        return Remade(rows, skipped, sha256_file(Path(folder) / MANIFEST))


def check_remade(seen: Seen, remade: Remade, installed: Mapping[str, Mapping[str, str]]) -> Check:
    """The clips made here against the hashes that are in Git.

    Args:
        installed: the libraries of each tool, as they are here.
    """
    check = check_notes(seen, remade.rows, remade.skipped, remade.manifest_sha256)
    name, claim = "rebuilt", "all derived clips, made anew here, have the hashes that metrics/ recorded"
    there = _there(seen, installed)
    if check.state == "fail" and there:
        return unchecked(
            name,
            claim,
            f"the clips were made on another machine type ({there}) and the hashes differ; without the clips"
            f" nothing tells by how much: bring {AUGMENTED} here (`dvc pull`) and run this again",
        )
    evidence = f"all {len(remade.rows)} made anew, {len(remade.skipped)} skipped: {check.evidence}"
    return Check(name, claim, check.state, evidence, check.findings)


def _there(seen: Seen, installed: Mapping[str, Mapping[str, str]]) -> str:
    """What was otherwise where the clips were made, as far as the notes say it; empty where they do not."""
    found: list[str] = []
    for recipe in seen.augment.recipes:
        here = installed.get(recipe.tool, {})
        said = (seen.notes or {}).get(f"recipe.{recipe.name}", [])[2:3] or [json.dumps(here)]
        found += other_machine(seen, said[0], here)
    return ", ".join(dict.fromkeys(found))
