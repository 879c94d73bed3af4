"""`avfake leave-one-out`: how well does the recipe catch a generator that it was not trained on?"""

from pathlib import Path
from typing import Annotated

import typer

from avfake.cli.explained import ParamsFile, explained
from avfake.errors import UserError

UNFINISHED = 3


@explained
def leave_one_out(
    file: Annotated[
        Path, typer.Option("--csv", metavar="FILE", help="The table; its scores and facts go beside it.")
    ] = Path("metrics/leave_one_out.csv"),
    generators: Annotated[
        str, typer.Option(metavar="A,B", help="Only these generators, by commas. All if not given.")
    ] = "",
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Epochs per training, in place of train.epochs.")
    ] = None,
    folds_per_run: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop after this many trainings; the next run goes on."),
    ] = None,
    path: ParamsFile = Path("params.yaml"),
) -> None:
    """Trains once per generator without it, and scores its fakes against reals held out as well.

    Reads data/features and data/resplit as the pipeline made them, and the sections train, resplit and
    evaluate of params.yaml. The detector of a generator is trained on train without that generator and
    without a share (resplit.real_share) of the real clips, whole sources where there are any; the epoch is
    chosen on validation without that generator; then the generator's fakes of train and validation are
    scored against the held-out reals. The test split is never read. Where the labels name no generators and
    resplit.hold_out is clusters, the clusters take their place.

    The last row is the mean over generators. Finished trainings are kept in the memo, so that a run which was
    stopped goes on where it was; the same table comes out. Exit code 0: the table is written, 3: trainings
    are left to do.
    """
    if file.suffix != ".csv":
        raise UserError(f"--csv {file}: not the name of a .csv file", "give one, such as loo.csv")
    wanted = [name.strip() for name in generators.split(",") if name.strip()] or None

    import avfake.stages  # noqa: F401 - before torch: it sets how torch's threads wait
    from avfake.leave_one_out.command import Settings, leave_one_out
    from avfake.params import EvaluateParams, MemoParams, ResplitParams, TrainParams, load

    train = load(TrainParams, path)
    if epochs is not None:
        train = train.model_copy(update={"epochs": epochs})
    settings = Settings(train, load(ResplitParams, path), load(EvaluateParams, path), load(MemoParams, path))
    left = leave_one_out(settings, file, wanted, folds_per_run)
    if left:
        typer.echo(f"{left} generators are left: run it again to go on", err=True)
        raise typer.Exit(UNFINISHED)
    typer.echo(f"written: {file}")
