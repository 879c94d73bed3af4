"""The verdicts for people and for machines."""

import textwrap
from collections.abc import Sequence
from typing import Any

from avfake.rules.subject import Subject
from avfake.rules.verdict import TITLES, Verdict, exit_code

_WIDTH = 100


def as_text(verdicts: Sequence[Verdict]) -> str:
    """One table: rule, verdict, evidence; what breaks a rule stands first, after an exclamation mark."""
    rows = [("rule", "verdict", "evidence")]
    for verdict in verdicts:
        lines = [*(f"! {text}" for text in verdict.faults), *verdict.evidence]
        title, status = TITLES[verdict.rule], verdict.status
        lines = [part for line in lines for part in textwrap.wrap(line, _WIDTH, subsequent_indent="  ")]
        for place, line in enumerate(lines or [""]):
            rows.append((title, status, line) if place == 0 else ("", "", line))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"{rule:<{widths[0]}}  {status:<{widths[1]}}  {text}".rstrip() for rule, status, text in rows]
    return "\n".join([*table, "", _summary(verdicts)])


def as_json(subject: Subject, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """`passed`, the limits, the model's checksum, and each rule with its status, faults and evidence."""
    return {
        "passed": exit_code(verdicts) == 0,
        "model": str(subject.folder),
        "model_sha256": subject.model["sha256"],
        "limits": subject.limits.model_dump(),
        "rules": [
            {
                "rule": verdict.rule,
                "title": TITLES[verdict.rule],
                "status": verdict.status,
                "faults": list(verdict.faults),
                "evidence": list(verdict.evidence),
            }
            for verdict in verdicts
        ],
    }


def _summary(verdicts: Sequence[Verdict]) -> str:
    by_status = {
        status: [TITLES[verdict.rule] for verdict in verdicts if verdict.status == status]
        for status in ("fail", "not checked")
    }
    parts = [f"rules: {'failed' if exit_code(verdicts) else 'passed'}"]
    parts += [f"{status}: {', '.join(titles)}" for status, titles in by_status.items() if titles]
    return "; ".join(parts)
