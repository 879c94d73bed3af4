"""`avfake gate`: did the detector get worse between two revisions?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import AvfakeError

if TYPE_CHECKING:
    from avfake.gate.verdict import Report

FAILED = 1


@explained
def gate(
    base: Annotated[str, typer.Option("--base", "-b", metavar="REV", help="Revision to compare with.")],
    head: Annotated[str, typer.Option("--head", metavar="REV|workspace", help="Revision to judge.")] = "HEAD",
    data_changed: Annotated[
        bool,
        typer.Option(
            "--data-changed", help="Clips or labels were changed on purpose: compare those in common."
        ),
    ] = False,
    first: Annotated[
        bool, typer.Option("--first", help="The base has no figures yet: judge head alone.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write a comment for a pull request.")
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report for machines.")
    ] = None,
) -> None:
    """Fails when a change made the detector significantly worse, or when its figures are not sound.

    Compares committed figures and the scores of the clips that both revisions scored, with paired intervals.
    Fails when the whole interval of a difference lies beyond the tolerance (section `gate` of params.yaml),
    when a figure is missing or null that the base had, when the audit failed, when dvc.lock does not match
    code and parameters, and when clips or labels changed without --data-changed.

    Exit code 0: passed, 1: failed, 2: the two cannot be compared.
    """
    try:
        report = _judged(base, head, data_changed, first, markdown, as_json)
    except AvfakeError as error:
        _write_refusal(base, head, error, markdown, as_json)
        raise
    from avfake.gate.text import text

    typer.echo(text(report))
    if not report.passed:
        raise typer.Exit(FAILED)


def _judged(
    base: str, head: str, data_changed: bool, first: bool, markdown: Path | None, as_json: Path | None
) -> "Report":
    from avfake.files import atomic_write_text, write_json
    from avfake.gate import machine
    from avfake.gate.dvc_diff import diff
    from avfake.gate.judge import judge
    from avfake.gate.markdown import markdown as to_markdown

    root = Path.cwd()
    report = judge(root, base, head, data_changed=data_changed, first=first)
    if as_json is not None:
        write_json(as_json, machine.as_json(report))
    if markdown is not None:
        diffs = [diff(root, kind, report.base, report.head) for kind in ("metrics", "params")]
        atomic_write_text(markdown, to_markdown(report, *diffs))
    return report


def _write_refusal(
    base: str, head: str, error: AvfakeError, markdown: Path | None, as_json: Path | None
) -> None:
    from avfake.files import atomic_write_text, write_json
    from avfake.gate import machine
    from avfake.gate.markdown import refusal

    if as_json is not None:
        write_json(as_json, machine.refusal(base, head, error.message, error.remedy))
    if markdown is not None:
        atomic_write_text(markdown, refusal(error.message, error.remedy))
