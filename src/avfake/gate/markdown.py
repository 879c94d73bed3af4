"""The report as Markdown for a pull request: verdict, one table, what DVC says."""

from collections.abc import Sequence

from avfake.gate.revision import Figure, Revision
from avfake.gate.verdict import KINDS, Report, Row

# A comment on GitHub holds 65 536 characters; two diffs of this length leave room for everything else.
MOST_CHARACTERS = 20_000
MOST_LOST = 15
SYMBOLS = {
    "lost": "❌",
    "worse": "❌",
    "undecided": "➖",
    "no worse": "✅",
    "better": "✅",
    "new": "🆕",
    "not compared": "➖",
}
SPLITS = {"val": "validation", "test": "test", "held_out": "held out"}


def markdown(report: Report, metrics_diff: str, params_diff: str) -> str:
    """The whole comment.

    Args:
        report: what was found.
        metrics_diff: what `dvc metrics diff --md` printed.
        params_diff: what `dvc params diff --md` printed.
    """
    parts = [f"## avfake gate: {'passed ✅' if report.passed else 'failed ❌'}", _revisions(report)]
    parts += [_bullets("Why it failed", [item.text for item in report.failures])]
    parts += [_bullets("⚠️ To be looked at", report.warnings)]
    parts += [_table(report), _clips(report), _stages(report)]
    parts += [_folded("dvc metrics diff", metrics_diff), _folded("dvc params diff", params_diff)]
    return "\n\n".join(part for part in parts if part) + "\n"


def refusal(message: str, remedy: str) -> str:
    """The comment where the two revisions could not be compared."""
    text = f"## avfake gate: cannot compare ❌\n\n{escaped(message)}\n"
    return f"{text}\n**Remedy:** {escaped(remedy)}\n" if remedy else text


def said(row: Row) -> str:
    """The verdict on a row, in words."""
    if row.state == "lost":
        return row.reason
    if row.state == "worse":
        return (
            "worse than the tolerance" if row.decides else "worse than the tolerance (shown, does not decide)"
        )
    if row.state == "undecided":
        return "undecided: the interval reaches beyond the tolerance"
    if row.state in ("new", "not compared"):
        return f"{row.state}: {row.reason}" if row.reason else row.state
    return row.state


def number(value: Figure, sign: bool = False) -> str:
    """A figure as the tables show it."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:+d}" if sign else str(value)
    return f"{value:+.4f}" if sign else f"{value:.4f}"


def title(row: Row) -> str:
    """The figure's name for people, or its key where it has none."""
    if row.key in KINDS and row.file != "audit":
        return f"{KINDS[row.key].title}, {SPLITS[row.split]}"
    return f"{row.file}.{row.key}"


def escaped(text: str) -> str:
    """Text that stands in a Markdown table as it is: one line, no column of its own."""
    return " ".join(text.split()).replace("|", "\\|")


def _revisions(report: Report) -> str:
    both = " against ".join(f"`{item.name}`{_short(item)}" for item in (report.head, report.base))
    data = "; data changed, as announced" if report.data_changed else ""
    return f"{both}; {report.params.confidence:g} intervals, paired by clip{data}"


def _short(revision: Revision) -> str:
    return "" if revision.commit is None else f" ({revision.commit[:10]})"


def _bullets(heading: str, texts: Sequence[str]) -> str:
    lines = [f"- {escaped(text)}" for text in texts]
    return "\n".join([f"**{heading}**", "", *lines]) if lines else ""


def _table(report: Report) -> str:
    lost = [row for row in report.rows if row.state == "lost"]
    rows = [row for row in report.rows if row.state != "lost" or row in lost[:MOST_LOST]]
    lines = [
        "| | figure | base | head | difference | interval | verdict |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        interval = "" if row.interval is None else f"{row.interval.low:+.4f} to {row.interval.high:+.4f}"
        symbol = "⚠️" if row.state == "worse" and not row.decides else SYMBOLS[row.state]
        cells = (
            symbol, title(row), number(row.base), number(row.head), number(row.difference, sign=True),
            interval, said(row),
        )  # fmt: skip
        lines.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    if len(lost) > MOST_LOST:
        lines.append(f"| ❌ | {len(lost) - MOST_LOST} more figures are lost | | | | | |")
    return "\n".join(lines)


def _clips(report: Report) -> str:
    lines = []
    for item in report.clips:
        only = f"{item.only_base} in base alone, {item.only_head} in head alone"
        labels = f", {item.relabelled} labelled otherwise and left out" if item.relabelled else ""
        lines.append(f"- {SPLITS[item.split]}: {item.both} clips that both scored ({only}{labels})")
    hows = sorted({row.interval.how for row in report.rows if row.interval is not None})
    return _details("Clips and intervals", "\n".join([*lines, *(f"- {escaped(how)}" for how in hows)]))


def _stages(report: Report) -> str:
    lines = [f"- `{item.stage}` would run: {escaped('; '.join(item.reasons))}" for item in report.stale]
    return _details("Stages", "\n".join(lines) or "dvc.lock matches code and parameters: no stage would run.")


def _folded(command: str, text: str) -> str:
    text = text or "no difference"
    if len(text) > MOST_CHARACTERS:
        cut = text[:MOST_CHARACTERS].rsplit("\n", 1)[0]
        left_out = text.count("\n") - cut.count("\n")
        text = f"{cut}\n\n{left_out} more lines: `{command}`"
    return _details(command, text)


def _details(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
