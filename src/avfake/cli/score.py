"""`avfake score`: the probability that clips are fake."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import UserError

if TYPE_CHECKING:
    from avfake.scoring import Scorer

SOME_UNREADABLE = 3


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
    from avfake.dataset.layout import IMAGE_NAME, IMAGE_SUFFIXES, VIDEO_NAME
    from avfake.media.errors import ClipError
    from avfake.scoring import Scorer

    scorer = Scorer(model, device)
    show = _csv_row if as_csv else _json_line if as_json else _table_row
    if as_csv:
        images = all(path.name.lower().endswith(IMAGE_SUFFIXES) for path in clips)
        _print_csv(IMAGE_NAME if images else VIDEO_NAME, "score")
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
