"""The report for a terminal."""

from avfake.gate.markdown import number, said, title
from avfake.gate.verdict import Report


def text(report: Report) -> str:
    """An aligned table, then what made the gate fail, what is to be looked at, and the verdict."""
    rows = [("", "figure", "base", "head", "difference", "interval", "verdict")]
    for row in report.rows:
        interval = "" if row.interval is None else f"{row.interval.low:+.4f} to {row.interval.high:+.4f}"
        rows.append(
            (
                "x" if row.fails else "", title(row), number(row.base), number(row.head),
                number(row.difference, sign=True), interval, said(row),
            )
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.append("")
    lines += [f"failed: {item.text}" for item in report.failures]
    lines += [f"look at: {item}" for item in report.warnings]
    lines.append(f"gate: {'passed' if report.passed else 'failed'}")
    return "\n".join(lines)
