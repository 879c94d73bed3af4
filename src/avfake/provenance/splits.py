"""That nothing of validation or test went into derived clips: by name, and by the bytes of the files."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from avfake.dataset.augmented import MANIFEST
from avfake.dataset.facts import FILE, read_facts
from avfake.dataset.layout import Clip
from avfake.provenance.seen import Row, Seen
from avfake.provenance.verdict import Check, Finding, judged

FACTS = Path("data/facts")
TESTED = ("val", "test")


def check_splits(seen: Seen, rows: list[Row]) -> Check:
    """Sources and partners are clips of the training split, and no clip of another split has their bytes."""
    clips = [clip for clip in seen.whole.clips if clip.split in TESTED]
    facts = " and data/facts" if (FACTS / FILE).exists() else ""
    return judged(
        "splits",
        "every source and partner is a clip of the training split; none lies in validation or test",
        f"{len(rows)} rows against {len(clips)} clips of validation and test{facts}, by name and by SHA-256",
        [*_by_name(seen, rows), *_by_bytes(seen, rows)],
    )


def _by_name(seen: Seen, rows: list[Row]) -> Iterator[Finding]:
    train = {clip.video_name: clip for clip in seen.whole.splits["train"].clips}
    tested: dict[str, Clip] = {clip.video_name: clip for clip in seen.whole.clips if clip.split in TESTED}
    for row in rows:
        name = str(row["derived_name"])
        for role, key in (("source", "source_name"), ("partner", "partner_name")):
            parent = row[key]
            if parent is None:
                continue
            if parent in tested:
                yield Finding(name, f"its {role} {parent} is a clip of the {tested[parent].split} split")
            if parent not in train:
                yield Finding(name, f"its {role} {parent} is no clip of the training split")
        if name in tested:
            yield Finding(name, f"a clip of the {tested[name].split} split has its name")
        source = train.get(row["source_name"])
        if source is not None and source.target != row["label_before"]:
            yield Finding(
                name,
                f"label {_label(source.target)} of its source {source.video_name} in the label file,"
                f" {_label(row['label_before'])} in {MANIFEST}",
            )
        partner = train.get(row["partner_name"])
        if partner is not None and partner.target != 0:
            yield Finding(name, f"its partner {partner.video_name} is not real by the label file")


def _by_bytes(seen: Seen, rows: list[Row]) -> Iterator[Finding]:
    tested = _tested_hashes(seen)
    paths = {clip.video_name: clip.path for clip in seen.whole.splits["train"].clips}
    for row in rows:
        name = str(row["derived_name"])
        hashes = {"it has": {row["derived_sha256"]}}
        for role in ("source", "partner"):
            parent = row[f"{role}_name"]
            if parent is not None:
                own = seen.sha256(paths[parent]) if parent in paths else None
                hashes[f"its {role} {parent} has"] = {row[f"{role}_sha256"], own} - {None}
        for what, values in hashes.items():
            for other in sorted({clip for value in values for clip in tested.get(value, ())}):
                yield Finding(name, f"{what} the bytes of {other}")


def _tested_hashes(seen: Seen) -> dict[str, set[str]]:
    """The clips of validation and test by SHA-256: of the files that are there, and as they were read."""
    found: dict[str, set[str]] = defaultdict(set)
    for clip in seen.whole.clips:
        if clip.split in TESTED and (sha256 := seen.sha256(clip.path)) is not None:
            found[sha256].add(f"{clip.video_name} of the {clip.split} split")
    if (FACTS / FILE).exists():
        facts = read_facts(FACTS)
        for split, name, sha256 in zip(
            facts["split"], facts["video_name"], facts["clip_sha256"], strict=True
        ):
            if split in TESTED and sha256 is not None:
                found[sha256].add(f"{name} of the {split} split")
    return found


def _label(target: object) -> str:
    return "none" if target is None else str(target)
