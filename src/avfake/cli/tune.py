"""`avfake tune`: searches for parameters of training, and what is done with the trials."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfake.cli.explained import ParamsFile, explained
from avfake.errors import UserError

if TYPE_CHECKING:
    from avfake.tune.trials import Settings

app = typer.Typer(help="Searches for better parameters of training. A study can be stopped and goes on.")


@app.callback(invoke_without_command=True)
@explained
def tune(
    context: typer.Context,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Trials that the study holds in the end, earlier runs included."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="Minutes of this run; no trial is begun that would not fit."),
    ] = None,
    ranges: Annotated[
        Path, typer.Option("--ranges", metavar="FILE", help="What is searched: docs/tune.md explains it.")
    ] = Path("tune.yaml"),
    file: Annotated[
        Path | None,
        typer.Option(
            "--study", metavar="FILE", help="The study's file, in place of one in the memo's folder."
        ),
    ] = None,
    experiments: Annotated[
        bool, typer.Option(help="Write each complete trial as an experiment of DVC.")
    ] = True,
    path: ParamsFile = Path("params.yaml"),
) -> None:
    """Trains with values drawn from declared ranges, and learns from each trial where to look next.

    Reads data/features and data/resplit as the pipeline made them. A trial is one training by the section
    `train` of params.yaml with other values; its figure is the validation AUC of its best epoch. The test
    split is never read. The first trial is the recipe of params.yaml itself. A trial below the median of
    those before it is given up. Give --trials, --minutes or both. Stopped at any moment, it goes on when run
    again: the interrupted trial after its last epoch, and then the trials that would have come.
    """
    from avfake.tune.trials import Settings

    context.obj = Settings(ranges, path, file)
    if context.invoked_subcommand is not None:
        return
    if trials is None and minutes is None:
        raise UserError("how long? neither --trials nor --minutes is given", "`avfake tune --minutes 60`")
    if minutes is not None and not minutes > 0:
        raise UserError(f"--minutes {minutes:g}: must be above 0", "`avfake tune --minutes 60`")

    import avfake.stages  # noqa: F401 - before torch: it sets how torch's threads wait
    from avfake.tune.command import search
    from avfake.tune.search import Budget

    budget = Budget(trials, None if minutes is None else minutes * 60)
    try:
        study = search(context.obj, budget, experiments)
    except KeyboardInterrupt:
        from avfake.stages._run import fail

        fail("interrupted", "run it again: it goes on where it was", 130)
    best = study.complete()[:1]
    for trial in best:
        typer.echo(f"best: trial {trial.number}; `avfake tune show` lists all, `avfake tune apply` takes it")


@app.command("show")
@explained
def show(
    context: typer.Context,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the table to a file besides.")
    ] = None,
) -> None:
    """Shows the trials, best first; those given up have the figure of the last epoch they had."""
    from avfake.files import atomic_write_text
    from avfake.tune.table import make_table, to_text

    table = make_table(_settings(context).study())
    typer.echo(to_text(table))
    if csv is not None:
        atomic_write_text(csv, table.to_csv(index=False, lineterminator="\n"))
        typer.echo(f"written: {csv}", err=True)


@app.command("apply")
@explained
def apply(
    context: typer.Context,
    trial: Annotated[
        int | None, typer.Argument(metavar="[TRIAL]", help="Number of the trial. The best if not given.")
    ] = None,
) -> None:
    """Writes a trial's values into params.yaml; `dvc repro` then makes the model that it was."""
    from avfake.tune.trials import apply

    apply(_settings(context), trial)


@app.command("export")
@explained
def export(context: typer.Context) -> None:
    """Writes the complete trials as experiments of DVC, as far as this commit lacks them."""
    from avfake.tune.trials import export

    typer.echo(f"{export(_settings(context))} experiments written: `dvc exp show` lists them")


def _settings(context: typer.Context) -> "Settings":
    settings: Settings = context.obj
    return settings
