"""`avfake import`: public data sets as data roots, without copying their clips."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import UserError


class LinkChoice(StrEnum):
    """Values of --link."""

    HARD = "hard"
    SYMBOLIC = "symbolic"
    COPY = "copy"


class ModalityChoice(StrEnum):
    """Values of --modality."""

    BOTH = "both"
    SOUND = "sound"
    PICTURE = "picture"


class SplitsChoice(StrEnum):
    """Values of --splits."""

    OFFICIAL = "official"
    SOURCE = "source"


@explained
def import_(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The set: one of --list.")] = None,
    src: Annotated[
        Path | None,
        typer.Argument(metavar="SRC", help="Folder of the unpacked set; nothing in it is changed."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The data root to make. Default: data/imported/NAME."),
    ] = None,
    link: Annotated[
        LinkChoice | None,
        typer.Option(help="How clips are placed. Default: hard, and symbolic where that cannot be had."),
    ] = None,
    modality: Annotated[
        ModalityChoice,
        typer.Option(help="Which track must be fake for a clip to count as fake; both: either of them."),
    ] = ModalityChoice.BOTH,
    splits: Annotated[
        SplitsChoice,
        typer.Option(help="official: by source only where there is none; source: no source in two splits."),
    ] = SplitsChoice.OFFICIAL,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, metavar="S", help="Of splits by source, and of --limit.")
    ] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N clips per class and split.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=A,B", help="Leave out clips with another value in a column. May be repeated."
        ),
    ] = None,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing", help="Leave out clips that are named but not there; problems.csv lists them."
        ),
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the sets: sizes, splits, terms. Nothing is downloaded.")
    ] = False,
) -> None:
    """Makes a data root of a public data set: links to its clips, label files, and import.json.

    Generator, source (speaker, identity or original clip) and official splits are kept in the label files.
    Sets without splits get them by source, from a seed. Missing files, clips named twice and unknown labels
    stop the import with file and line before anything is made. The data root appears when it is whole; a run
    that was stopped goes on where it was.

    Exit code 0: done, 1: a clip could not be placed, 2: the set or an option cannot be used.
    """
    from avfake.adapters.registry import ADAPTERS, adapter_of

    if listed:
        from avfake.adapters.text import listing

        typer.echo(listing([adapter_of(name)] if name else ADAPTERS.values()))
        return
    if name is None or src is None:
        raise UserError("NAME and SRC are needed", "see the sets with `avfake import --list`")
    adapter = adapter_of(name)
    from avfake.adapters.plan import Options
    from avfake.adapters.run import import_set
    from avfake.adapters.text import summary

    options = Options(
        modality=modality.value, splits=splits.value, seed=seed, limit=limit,
        only=tuple(_column(text) for text in only or ()), allow_missing=allow_missing,
    )  # fmt: skip
    target = out or Path("data/imported") / adapter.name
    made = import_set(adapter, src, target, options, link.value if link else None)
    typer.echo(summary(made))


def _column(text: str) -> tuple[str, tuple[str, ...]]:
    column, sign, values = text.partition("=")
    if not sign or not values.strip(","):
        raise UserError(f"--only {text}: not COLUMN=VALUE", "for example --only subset=eval")
    return column, tuple(value for value in values.split(",") if value)
