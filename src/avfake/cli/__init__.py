"""The command `avfake`, a module per subcommand. Its help text is the manual.

Nothing heavy is imported before it is needed: a module of this folder imports what it calls inside its
function.
"""

from typing import Annotated

import typer

import avfake
from avfake.cli import audit, forge, memo, tune
from avfake.cli.bundle import bundle
from avfake.cli.explain import explain
from avfake.cli.export import export
from avfake.cli.gate import gate
from avfake.cli.import_ import import_
from avfake.cli.inspect import inspect
from avfake.cli.leave_one_out import leave_one_out
from avfake.cli.params import params
from avfake.cli.score import score
from avfake.cli.serve import serve

app = typer.Typer(
    help="Decides whether audio-video clips are deepfakes. A score is the probability of fake, from 0 to 1.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (score, serve, explain, inspect, gate, leave_one_out, export, bundle, params):
    app.command()(command)
app.command("import")(import_)
app.add_typer(audit.app, name="audit")
app.add_typer(forge.app, name="forge")
app.add_typer(memo.app, name="memo")
app.add_typer(tune.app, name="tune")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"avfake {avfake.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before any command."""
