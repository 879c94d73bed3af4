"""`python -m avfake.cli` is `avfake`."""

from avfake.cli import app

app()
