"""`avfake params`: is every value of params.yaml as it should be?"""

from pathlib import Path

import typer

from avfake.cli.explained import ParamsFile, explained


@explained
def params(path: ParamsFile = Path("params.yaml")) -> None:
    """Checks every value of params.yaml; names the line of what is wrong."""
    from avfake.params import load_all

    sections = load_all(path)
    typer.echo(f"{path}: {len(sections)} sections, all values as they should be")
