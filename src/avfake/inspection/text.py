"""Figures as text: foreign names made harmless, numbers made short, the summary for a terminal."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from avfake.inspection.findings import named
from avfake.inspection.tables import CLASSES, FAKE

NONE = "–"


def shown(text: str) -> str:
    """The text with everything that does not print (control characters, overrides of the writing
    direction, bytes that are no UTF-8) as an escape: a file's name must not steer a terminal or a page.
    """
    return "".join(
        char if _harmless(char) else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _harmless(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def number(value: float | None) -> str:
    """A number for people: whole ones in full with thin spaces, others with three significant digits."""
    if value is None:
        return NONE
    if value == int(value) or abs(value) >= 1000:
        return f"{round(value):,}".replace(",", "\u202f")
    return f"{value:.3g}"


def share(value: float | None) -> str:
    """A share as a percentage."""
    return NONE if value is None else f"{100 * value:.1f} %"


def summary(figures: Mapping[str, Any]) -> str:
    """What a terminal shows: clips, durations and findings, a line each."""
    return "\n".join(shown(line) for line in _lines(figures))


def _lines(figures: Mapping[str, Any]) -> Iterator[str]:
    total = figures["counts"][-1]
    yield f"{figures['root']}: {total['clips']} clips, {total['read']} read"
    yield f"{'split':<8}{'clips':>8}{'real':>8}{'fake':>8}{'no label':>10}{'unreadable':>12}"
    for row in figures["counts"]:
        yield (
            f"{row['split']:<8}{row['clips']:>8}{row['real']:>8}{row['fake']:>8}{row['unlabelled']:>10}"
            f"{row['unreadable_file']:>12}"
        )
    for key, what in (("generators", "generators of fakes"), ("sources", "sources")):
        rows = [row for row in figures[key] if row["value"] is not None and (key == "sources" or row[FAKE])]
        values = sorted(row["value"] for row in rows)
        yield f"{what}: {len(values)} ({named(values)})" if values else f"{what}: none named"
    for name in CLASSES:
        for row in figures["numbers"]:
            if (row["fact"], row["split"], row["class"]) == ("seconds", "all", name):
                low, middle, high = (f"{row[key]:.2f}" for key in ("q05", "median", "q95"))
                yield f"duration, {name}: median {middle} s, 5 % below {low} s, 5 % above {high} s"
    for finding in figures["findings"]:
        yield f"{finding['level']}: {finding['text']}"
