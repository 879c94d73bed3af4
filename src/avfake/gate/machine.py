"""The report as JSON for machines; docs/gate.md describes every key."""

from typing import Any

from avfake.gate.revision import Revision
from avfake.gate.verdict import Report, Row

SCHEMA = 1


def as_json(report: Report) -> dict[str, Any]:
    """The whole report."""
    return {
        "schema": SCHEMA,
        "verdict": "pass" if report.passed else "fail",
        "base": _revision(report.base),
        "head": _revision(report.head),
        "data_changed": report.data_changed,
        "first": report.first,
        "params": report.params.model_dump(),
        "failures": [{"check": item.check, "text": item.text} for item in report.failures],
        "warnings": report.warnings,
        "figures": [_row(row) for row in report.rows],
        "clips": {
            item.split: {
                "both": item.both,
                "only_base": item.only_base,
                "only_head": item.only_head,
                "relabelled": item.relabelled,
            }
            for item in report.clips
        },
        "stages": {item.stage: list(item.reasons) for item in report.stale},
    }


def refusal(base: str, head: str, message: str, remedy: str) -> dict[str, Any]:
    """What is written where the two revisions could not be compared."""
    return {
        "schema": SCHEMA,
        "verdict": "error",
        "base": {"name": base},
        "head": {"name": head},
        "message": message,
        "remedy": remedy,
    }


def _revision(revision: Revision) -> dict[str, str | None]:
    return {"name": revision.name, "commit": revision.commit}


def _row(row: Row) -> dict[str, Any]:
    return {
        "split": row.split,
        "file": f"metrics/{row.file}.json",
        "figure": row.key,
        "base": row.base,
        "head": row.head,
        "difference": row.difference,
        "low": None if row.interval is None else row.interval.low,
        "high": None if row.interval is None else row.interval.high,
        "how": None if row.interval is None else row.interval.how,
        "tolerance": row.tolerance,
        "n_real": row.n_real,
        "n_fake": row.n_fake,
        "state": row.state,
        "decides": row.decides,
        "fails": row.fails,
        "reason": row.reason,
    }
