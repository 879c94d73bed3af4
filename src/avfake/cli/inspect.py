"""`avfake inspect`: what is in a data root, before anybody trains on it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import UserError

PARAMS = Path("params.yaml")


@explained
def inspect(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder with trainset/, valset/ and their label files.")
    ],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page with pictures of clips.")
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same figures as JSON.")
    ] = None,
    clips: Annotated[
        int,
        typer.Option(min=0, max=25, metavar="N", help="Real and fake clips that the page shows, of each."),
    ] = 6,
    seed: Annotated[
        int,
        typer.Option(min=0, max=2**32 - 1, metavar="S", help="Of the draw of these clips, and of --limit."),
    ] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Open at most N clips per class and split.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Worker processes; 0: one per core. Default: as in params.yaml, else 0."
        ),
    ] = None,
) -> None:
    """Shows what is in a data root before anybody trains on it.

    Prints clips per split and class, durations and everything that stands out: sources in two splits,
    forgeries that training never sees, clips that cannot be read, wrong labels, facts such as the duration or
    the codec that tell real from fake by themselves. --html adds the tables and a sheet of spectrograms and
    faces of real and fake clips side by side.

    In the project's folder, clips are read with the settings of params.yaml and kept in the memo, so that the
    stage `extract` need not read them again. The same root gives the same bytes.
    Exit code 0: done, whatever was found; 2: the root cannot be understood at all.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder", "name a folder with trainset/ and valset/ in it")
    for path in (html, as_json):
        if path is not None:
            _check_writable(path)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal without UTF-8
    from avfake.inspection.reading import settings_of
    from avfake.inspection.report import inspect_root, write_figures
    from avfake.inspection.text import summary

    settings = settings_of(PARAMS, jobs)
    figures = inspect_root(root, settings, limit, seed, clips)
    typer.echo(summary(figures))
    if as_json is not None:
        write_figures(figures, as_json)
        typer.echo(f"written: {as_json}")
    if html is not None:
        from avfake.files import atomic_write_text
        from avfake.inspection.page import render
        from avfake.inspection.sheet import pictures

        atomic_write_text(html, render(figures, pictures(root, figures["sheet"], settings)))
        typer.echo(f"written: {html}")


def _check_writable(path: Path) -> None:
    """Raises UserError before hours of reading, not after them, if a file cannot be written there."""
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(
            f"{path}: no file can be written there", "name a file in a folder that you may write to"
        )
