"""`avfake memo`: the store of results per clip."""

from pathlib import Path

import typer

from avfake.cli.explained import ParamsFile, explained

app = typer.Typer(help="The store of results per clip, kept outside DVC. Clearing it is always safe.")


@app.callback(invoke_without_command=True)
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


@app.command("clear")
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


def _size(folder: Path) -> tuple[int, int]:
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(files), sum(files)
