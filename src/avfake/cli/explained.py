"""What all commands share: errors become a message and an exit code; the options that several have."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from avfake.errors import AvfakeError

P = ParamSpec("P")

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
