"""`avfake audit rules`: does the model keep the contest's rules?"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import UserError


@explained
def rules(
    model: Annotated[Path, typer.Option("--model", "-m", metavar="DIR", help="Folder of the model.")] = Path(
        "models"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: `passed`, `limits`, `rules`.")
    ] = False,
    clip: Annotated[
        Path | None,
        typer.Option("--clip", metavar="PATH", help="Score this clip instead of the first of validation."),
    ] = None,
    build: Annotated[
        bool, typer.Option("--build", help="Build the container with docker or podman and score in it.")
    ] = False,
) -> None:
    """Judges every rule of the contest: pass or fail, each with its evidence, in one table.

    Run it in the repository's root, after `dvc repro`. The limits stand in params.yaml, section `rules`. The
    model is loaded and counted, a clip is really scored, the clips trained on are compared by name and by
    content with those of validation and test, and every file of the data root is hashed.

    Exit code 0: all rules pass, 1: one fails, 2: it cannot be judged (no model, no data, a stage that has not
    run). `not checked` is no pass; only the container, built and run, may be left unchecked.
    """
    if clip is not None and not clip.is_file():
        raise UserError(f"{clip}: no such file", "name a clip")
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names that are no UTF-8
    from avfake.rules import report
    from avfake.rules.judge import judge
    from avfake.rules.subject import open_subject
    from avfake.rules.verdict import exit_code

    subject = open_subject(model)
    verdicts = list(judge(subject, clip, build))
    if as_json:
        typer.echo(json.dumps(report.as_json(subject, verdicts), ensure_ascii=False))
    else:
        typer.echo(report.as_text(verdicts))
    if code := exit_code(verdicts):
        raise typer.Exit(code)
