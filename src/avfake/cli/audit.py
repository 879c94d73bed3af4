"""`avfake audit`: what the audit said, and whether it fails; below it provenance and the contest rules."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from avfake.cli.audit_provenance import provenance
from avfake.cli.audit_rules import rules
from avfake.cli.explained import explained
from avfake.errors import UserError

FAILED = 1

app = typer.Typer(help="What the audit found; where every training sample came from; the contest's rules.")


@app.callback(invoke_without_command=True)
@explained
def audit(
    context: typer.Context,
    metrics: Annotated[
        Path, typer.Option("--metrics", metavar="DIR", help="Folder of audit.json and audit_notes.json.")
    ] = Path("metrics"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: `figures` and `notes`.")
    ] = False,
) -> None:
    """Shows what the stage `audit` found: facts that tell real from fake, and clips in two splits.

    Nothing is computed: it reads what `dvc repro audit` wrote. The rules stand in params.yaml, section
    `audit`. Exit code 0: the audit passes, with or without warnings, 1: it fails, 2: there is none yet.
    """
    if context.invoked_subcommand is not None:
        return
    figures, notes = _read(metrics / "audit.json"), _read(metrics / "audit_notes.json")
    if not isinstance(figures.get("failures"), int):
        raise UserError(
            f"{metrics / 'audit.json'}: has no count of `failures`", "write it anew: `dvc repro audit`"
        )
    if as_json:
        typer.echo(json.dumps({"figures": figures, "notes": notes}, ensure_ascii=False))
    else:
        from avfake.audit.text import as_text

        typer.echo(as_text(figures, notes))
    if figures["failures"] > 0:
        raise typer.Exit(FAILED)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: there is no audit yet", "run it: `dvc repro audit`") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON: {error}", "write it anew: `dvc repro audit`") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: no table of figures", "write it anew: `dvc repro audit`")
    return content


app.command()(provenance)
app.command()(rules)
