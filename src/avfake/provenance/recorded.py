"""What was recorded in Git when the clips were made: hashes and counts, in metrics/."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from avfake.forge.registry import TOOLS
from avfake.provenance.seen import FIGURES, NOTES, Row, Seen
from avfake.provenance.verdict import Check, Finding, judged

_NAME, _CLAIM = (
    "notes",
    "the manifest and the counts are those that metrics/ recorded, which is in Git",
)


def check_notes(
    seen: Seen, rows: Sequence[Row], skipped: Sequence[Mapping[str, str]], manifest_sha256: str
) -> Check:
    """metrics/augment_notes.json and metrics/augment.json against a manifest and the skipped clips."""
    if seen.notes is None:
        return judged(_NAME, _CLAIM, "", [Finding(NOTES.name, f"no such file: {NOTES}")])
    return judged(
        _NAME,
        _CLAIM,
        f"SHA-256 of the manifest, {len(seen.augment.recipes)} recipes, {len(skipped)} skipped",
        [
            *_other_notes(seen, seen.notes, rows, skipped, manifest_sha256),
            *_other_counts(seen, rows, skipped),
        ],
    )


def recipe_digest(rows: Sequence[Row], recipe: str) -> str:
    """SHA-256 over the sorted hashes of a recipe's clips, as the notes have it."""
    hashes = sorted(str(row["derived_sha256"]) for row in rows if row["recipe"] == recipe)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _other_notes(
    seen: Seen,
    notes: Mapping[str, list[str]],
    rows: Sequence[Row],
    skipped: Sequence[Mapping[str, str]],
    manifest_sha256: str,
) -> Iterator[Finding]:
    said = notes.get("manifest_sha256")
    if said != [manifest_sha256]:
        yield Finding("manifest.parquet", f"its SHA-256 is {manifest_sha256}, {NOTES} says {_joined(said)}")
    keys = {f"recipe.{recipe.name}": recipe for recipe in seen.augment.recipes}
    for key in sorted({*keys, *(key for key in notes if key.startswith("recipe."))}):
        if key not in keys or key not in notes:
            where = NOTES if key not in keys else "params.yaml"
            yield Finding(NOTES.name, f"the recipe {key.removeprefix('recipe.')} is only in {where}")
            continue
        tool = TOOLS[keys[key].tool]
        wanted = [f"{tool.name} {tool.version}", recipe_digest(rows, keys[key].name)]
        if notes[key][:2] != wanted:
            yield Finding(
                NOTES.name,
                f"{key}: its clips give {_joined(wanted)}, the notes say {_joined(notes[key][:2])}",
            )
    lines = [f"{row['recipe']}: {row['source_name']}: {row['reason']}" for row in skipped]
    listed = notes.get("skipped", [])
    if not _lists(listed, lines):
        yield Finding(
            NOTES.name, f"`skipped` lists {len(listed)} lines, other than the {len(lines)} clips skipped"
        )


def _other_counts(seen: Seen, rows: Sequence[Row], skipped: Sequence[Mapping[str, str]]) -> Iterator[Finding]:
    fakes = sum(row["label_after"] == 1 for row in rows)
    counts = {"n": len(rows), "n_real": len(rows) - fakes, "n_fake": fakes, "n_skipped": len(skipped)}
    made_by = Counter(row["recipe"] for row in rows)
    skipped_by = Counter(row["recipe"] for row in skipped)
    for recipe in seen.augment.recipes:
        counts[f"n_{recipe.name}"] = made_by[recipe.name]
        counts[f"skipped_{recipe.name}"] = skipped_by[recipe.name]
    said = seen.figures or {}
    for key, count in counts.items():
        if said.get(key) != count:
            yield Finding(FIGURES.name, f"`{key}` is {said.get(key)}, counted {count}")


def _lists(said: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether lines were listed, all of them or the first ones and `... and n more`."""
    if list(said) == list(lines):
        return True
    first = len(said) - 1
    more = f"... and {len(lines) - first} more"
    return 0 <= first < len(lines) and list(said) == [*lines[:first], more]


def _joined(values: Sequence[str] | None) -> str:
    return "nothing" if not values else ", ".join(map(str, values))
