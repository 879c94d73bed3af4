"""The command `avfake`. Its help text is the manual; nothing heavy is imported before it is needed."""

import csv
import functools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

import avfake
from avfake.errors import AvfakeError, UserError

if TYPE_CHECKING:
    from avfake.scoring import Scorer

P = ParamSpec("P")
SOME_UNREADABLE = 3

app = typer.Typer(
    help="Decides whether audio-video clips are deepfakes. A score is the probability of fake, from 0 to 1.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
memo_app = typer.Typer(help="The store of results per clip, kept outside DVC. Clearing it is always safe.")
app.add_typer(memo_app, name="memo")

ParamsFile = Annotated[Path, typer.Option("--params", metavar="FILE", help="The file of parameters.")]


def explained(command: Callable[P, None]) -> Callable[P, None]:
    """Turns errors that are written for people into a message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except AvfakeError as error:
            from avfake.stages._run import fail

            fail(error.message, error.remedy, error.exit_code)

    return run


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


@app.command()
@explained
def score(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Clips, or folders whose clips are scored.")
    ],
    model: Annotated[Path, typer.Option("--model", "-m", metavar="DIR", help="Folder of the model.")] = Path(
        "models"
    ),
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a prediction file: video_name,score.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where the model runs.")] = "auto",
) -> None:
    """Scores clips: the probability that each is fake.

    A folder stands for the media files directly in it, by name. Why a clip could not be read goes to
    standard error; with --csv it gets the share of fakes in training as score, so that no row is missing,
    with --json `score` is null and `error` says why. Exit code 0: all were scored, 3: some were not.
    """
    if as_csv and as_json:
        raise UserError("--csv and --json exclude each other", "choose one")
    clips = list(_clips(paths))
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names that are no UTF-8
    from avfake.media.errors import ClipError
    from avfake.scoring import Scorer

    scorer = Scorer(model, device)
    show = _csv_row if as_csv else _json_line if as_json else _table_row
    if as_csv:
        _print_csv("video_name", "score")
    elif not as_json:
        typer.echo("   score  clip")
    n_unreadable = 0
    for path in clips:
        try:
            show(scorer, path, scorer.score(path), None)
        except ClipError as error:
            n_unreadable += 1
            typer.echo(f"not scored: {path}: {error.reason}", err=True)
            show(scorer, path, None, error.reason)
    if n_unreadable:
        raise typer.Exit(SOME_UNREADABLE)


@app.command()
@explained
def params(path: ParamsFile = Path("params.yaml")) -> None:
    """Checks every value of params.yaml; names the line of what is wrong."""
    from avfake.params import load_all

    sections = load_all(path)
    typer.echo(f"{path}: {len(sections)} sections, all values as they should be")


@memo_app.callback(invoke_without_command=True)
@explained
def memo(context: typer.Context, path: ParamsFile = Path("params.yaml")) -> None:
    """Shows where the memo lies and how big it is; `avfake memo clear` empties it."""
    context.obj = path
    if context.invoked_subcommand is None:
        from avfake.params import MemoParams, load

        section = load(MemoParams, path)
        count, size = _size(Path(section.folder))
        typer.echo(
            f"{section.folder}: {count} files, {size / 2**30:.3f} GiB of {section.max_gib:g} GiB allowed"
        )


@memo_app.command("clear")
@explained
def memo_clear(context: typer.Context) -> None:
    """Deletes the memo, unfinished trainings included."""
    from avfake.memo import Memo
    from avfake.params import MemoParams, load

    section = load(MemoParams, context.obj)
    folder = Path(section.folder)
    before = _size(folder)
    Memo(folder, section.max_gib).clear()
    after = _size(folder)
    typer.echo(f"{folder}: {before[0] - after[0]} files removed, {(before[1] - after[1]) / 2**30:.3f} GiB")


def _clips(paths: list[Path]) -> Iterator[Path]:
    """The clips that the paths stand for. Raises UserError for a path or folder with none."""
    from avfake.dataset.root import MEDIA_SUFFIXES

    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder", "correct the path")
        if not path.is_dir():
            yield path
            continue
        found = sorted(
            item for item in path.iterdir() if item.suffix.lower() in MEDIA_SUFFIXES and item.is_file()
        )
        if not found:
            raise UserError(
                f"{path}: no media file directly in this folder", "name the folder that holds the clips"
            )
        yield from found


def _size(folder: Path) -> tuple[int, int]:
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(files), sum(files)


def _print_csv(*fields: str) -> None:
    csv.writer(sys.stdout, lineterminator="\n").writerow(fields)
    sys.stdout.flush()


def _csv_row(scorer: "Scorer", path: Path, value: float | None, _: str | None) -> None:
    from avfake.dataset.predictions import format_score

    _print_csv(path.name, format_score(scorer.prior if value is None else value))


def _json_line(_: "Scorer", path: Path, value: float | None, error: str | None) -> None:
    facts: dict[str, object] = {"video_name": path.name, "path": str(path)}
    facts |= {"score": None, "error": error} if value is None else {"score": round(value, 6)}
    typer.echo(json.dumps(facts))


def _table_row(_: "Scorer", path: Path, value: float | None, __: str | None) -> None:
    from avfake.dataset.predictions import format_score

    typer.echo(f"{'-':>8}  {path}" if value is None else f"{format_score(value)}  {path}")


if __name__ == "__main__":
    app()
