"""What makes the gate fail besides a significant drop: lost figures, the audit, the data, the scores."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from avfake.dataset.labels import homes
from avfake.dataset.predictions import FILES
from avfake.evaluation import metrics
from avfake.evaluation.metrics import NoFigure
from avfake.gate.compare import REPORTS
from avfake.gate.pairs import Pair
from avfake.gate.revision import Revision
from avfake.gate.scores import Scores
from avfake.gate.verdict import Failure, Row

# Committed figures have six decimals.
ROUNDING = 1e-5
# Parameters that say when a check fails: a higher value lets more pass.
LIMITS = {
    "gate": ("tolerance_auc", "tolerance_eer", "tolerance_log_loss", "tolerance_ece", "confidence"),
    "audit": ("warn_auc", "fail_auc", "warn_correlation", "sound_match"),
}
# Figures that may go away without anything being lost: the score cannot follow a fact that no longer varies.
MAY_GO = {"audit": "corr_"}
LEAKS = ("ignore", "warn", "fail")
LABEL_COLUMNS = ("split", "target", "generator", "source")


def lost_figures(base: Revision, head: Revision) -> tuple[list[Row], list[Failure]]:
    """Figures that base had and that are missing or null in head: a row each, a sentence per file."""
    rows, failures = [], []
    for file, figures in base.metrics.items():
        may_go = MAY_GO.get(file, "\0")
        had = {
            key: value for key, value in figures.items() if value is not None and not key.startswith(may_go)
        }
        if file not in head.metrics and had:
            failures.append(Failure("lost", f"metrics/{file}.json is gone ({len(had)} figures)"))
        missing, null = [], []
        for key, value in had.items():
            if file not in head.metrics or key not in head.metrics[file]:
                missing.append(key)
                reason = "missing"
            elif head.metrics[file][key] is None:
                null.append(key)
                reason = f"null: {head.reason(file, key) or 'no reason given'}"
            else:
                continue
            split = "test" if file.endswith("_test") else "val"
            rows.append(Row(split, file, key, value, None, state="lost", decides=True, reason=reason))
        if missing and file in head.metrics:
            failures.append(Failure("lost", f"metrics/{file}.json no longer has {_names(missing)}"))
        if null:
            failures.append(Failure("lost", f"metrics/{file}.json: now null: {_names(null)}"))
    return rows, failures


def audit(head: Revision) -> tuple[list[Failure], list[str]]:
    """What the audit of head says; whether it is gone is for `lost_figures` to see."""
    figures = head.metrics.get("audit")
    if figures is None:
        return [], ["no audit of shortcuts and leaks (metrics/audit.json) is committed"]
    warnings = [f"audit: {text}" for text in head.notes.get("warnings", [])]
    count = figures.get("failures")
    if count is None:
        return [Failure("audit", "metrics/audit.json has no count of failures")], warnings
    texts = head.notes.get("failures", [])
    failures = [Failure("audit", f"audit: {text}") for text in texts]
    if count > 0 and not failures:
        failures = [Failure("audit", f"metrics/audit.json counts {count:g} failures")]
    return (failures if count > 0 else []), warnings


def changed_data(base: Revision, head: Revision, scores: tuple[Scores, Scores] | None) -> list[str]:
    """What changed in clips and labels, as sentences: by the hashes in dvc.lock, then label by label."""
    found = []
    roots = [str(revision.section("data").get("root")) for revision in (base, head)]
    hashes = [revision.lock.deps.get(root) for revision, root in zip((base, head), roots, strict=True)]
    if None not in hashes and hashes[0] != hashes[1]:
        found.append(f"the data root changed: {roots[0]} ({hashes[0]}) is now {roots[1]} ({hashes[1]})")
    if scores is not None:
        found.extend(_changed_labels(scores[0].labels, scores[1].labels))
    return found


def _changed_labels(base: pd.DataFrame, head: pd.DataFrame) -> Iterator[str]:
    tables = []
    for labels in (base, head):
        table = labels.assign(home=homes(labels))[["home", "video_name", *LABEL_COLUMNS]]
        tables.append(table.set_index(["home", "video_name"]).astype(object))
    before, after = tables
    for text, names in (
        ("added", after.index.difference(before.index)),
        ("gone", before.index.difference(after.index)),
    ):
        if len(names):
            yield f"{len(names)} clips are {text}, such as {names[0][0]}/{names[0][1]}"
    both = before.index.intersection(after.index)
    for column in LABEL_COLUMNS:
        a, b = (
            table.loc[both, column].map(lambda value: None if pd.isna(value) else str(value))
            for table in tables
        )
        different = (a != b) & ~(a.isna() & b.isna())
        if different.any():
            split, name = both[different.to_numpy()][0]
            yield f"{column} of {int(different.sum())} clips changed, such as {split}/{name}"


def unfaithful(head: Revision, scores: Scores) -> list[Failure]:
    """Committed AUCs of head that its own scores do not give: edited by hand, or from other scores."""
    failures = []
    for split, (file, _) in REPORTS.items():
        said = head.metrics.get(file, {}).get("auc")
        table = scores.splits.get(split)
        if said is None or table is None:
            continue
        try:
            found = metrics.auc(table["target"].to_numpy(dtype=int), table["score"].to_numpy())
        except NoFigure as none:
            failures.append(
                Failure(
                    "scores", f"metrics/{file}.json says AUC {said:.4f}, its scores give none: {none.reason}"
                )
            )
            continue
        if abs(found - said) > ROUNDING:
            failures.append(
                Failure(
                    "scores",
                    f"metrics/{file}.json says AUC {said:.4f}, but the scores of head give {found:.4f}",
                )
            )
    return failures


def unscored(pairs: dict[str, Pair], head: Scores) -> list[Failure]:
    """Clips that base scored and head did not, though head's labels still name them."""
    failures = []
    for split, item in pairs.items():
        known = set(head.labels.loc[head.labels["split"] == split, "video_name"])
        if left_out := sorted(known & set(item.only_base)):
            failures.append(
                Failure(
                    "scores",
                    f"{FILES[split]}: {len(left_out)} labelled clips that base scored have no score in head: "
                    f"{_names(left_out)}",
                )
            )
    return failures


def other_case(pairs: dict[str, Pair]) -> list[str]:
    """A warning where names of base and head differ by case alone: they count as different clips."""
    return [
        f"{FILES[split]}: {len(found)} names differ by upper and lower case alone and count as other clips, "
        f"such as {found[0][0]} and {found[0][1]}"
        for split, item in pairs.items()
        if (found := item.other_case())
    ]


def loosened(base: Revision, head: Revision) -> list[str]:
    """Parameters of the gate and the audit that head sets so that more may pass."""
    found = []
    for section, keys in LIMITS.items():
        before, after = base.section(section), head.section(section)
        for key in keys:
            if _is_number(before.get(key)) and _is_number(after.get(key)) and after[key] > before[key]:
                found.append(f"`{section}.{key}` is loosened from {before[key]:g} to {after[key]:g}")
    leaks = [section.get("leaks") for section in (base.section("audit"), head.section("audit"))]
    if all(value in LEAKS for value in leaks) and LEAKS.index(leaks[1]) < LEAKS.index(leaks[0]):
        found.append(f"`audit.leaks` is loosened from {leaks[0]} to {leaks[1]}")
    return found


def stricter(base: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    """The section `gate` that is used: of each limit the stricter value, of the rest the base's.

    A change cannot loosen the gate that it has to pass itself, nor pick the resamples that suit it.
    """
    used = dict(head)
    for key in head:
        if not (_is_number(base.get(key)) and _is_number(head[key])):
            continue
        used[key] = min(base[key], head[key]) if key in LIMITS["gate"] else base[key]
    return used


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
