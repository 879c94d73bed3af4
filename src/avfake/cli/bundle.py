"""`avfake bundle`: the hand-in, in one archive that checks itself."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import RunError, UserError

_SUFFIX = ".tar.gz"


@explained
def bundle(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.tar.gz", help="The archive. Default: avfake-<commit>.tar.gz here."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
    allow_dirty: Annotated[
        bool,
        typer.Option(
            "--allow-dirty", help="Bundle the commit despite uncommitted changes, marked as not reproducible."
        ),
    ] = False,
) -> None:
    """Writes the hand-in of the checked-out commit: code, model, predictions, tables, report, and a check.

    Run in the repository's root. What Git tracks goes in as it is committed, whatever lies in the workspace;
    outputs go in as dvc.lock records them. With them come a technical report (Markdown and HTML) and a model
    card filled from the figures, the list of tools that make training clips, the verdicts on the contest's
    rules, SHA-256 sums, and check.py, which needs Python 3.11 alone. The archive is unpacked and checked
    before it takes its place. Two bundles of one commit have the same bytes.

    Refused: uncommitted changes, stages that are out of date, a missing model or missing figures.
    Exit code 0: written, 1: it would not pass its own check, or the disk is full, 2: nothing to hand in.
    """
    root = Path.cwd()
    if out is not None:
        _check_out(root, out)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal without UTF-8
    from avfake.bundle.make import make

    try:
        done = make(root, out, allow_dirty)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise RunError(
            f"no space left for the bundle: {error.strerror}", "free some space and run it again"
        ) from None
    if as_json:
        facts = {
            "path": str(done.path),
            "sha256": done.sha256,
            "sums_sha256": done.sums_sha256,
            "commit": done.commit,
            "reproducible": not done.uncommitted,
            "uncommitted": list(done.uncommitted),
            "files": done.n_files,
            "bytes": done.n_bytes,
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    if done.uncommitted:
        typer.echo(
            f"warning: not reproducible: {len(done.uncommitted)} files differ from the commit", err=True
        )
    typer.echo(
        f"written: {done.path}: {done.n_files} files, {done.n_bytes / 2**20:.1f} MiB, commit {done.commit}"
    )
    typer.echo(f"SHA-256 of the archive:    {done.sha256}")
    typer.echo(f"SHA-256 of its SHA256SUMS: {done.sums_sha256}")


def _check_out(root: Path, out: Path) -> None:
    """Raises UserError where the archive cannot be written, or would become part of what it holds."""
    from avfake.bundle.contents import AUGMENTED, MODELS, WHOLE

    if not out.name.endswith(_SUFFIX):
        raise UserError(
            f"--out {out}: not the name of a {_SUFFIX} file", f"give one, such as hand-in{_SUFFIX}"
        )
    folder = out.resolve().parent
    inside = [
        name for name in (MODELS, *WHOLE, AUGMENTED, ".git") if folder.is_relative_to((root / name).resolve())
    ]
    if inside:
        raise UserError(
            f"--out {out}: lies in {inside[0]}, which goes into the bundle", "choose another folder"
        )
    while not folder.exists():
        folder = folder.parent
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(
            f"--out {out}: no file can be written there", "name a file in a folder that you may write to"
        )
