"""`avfake audit provenance`: where every training sample came from, and whether it can be made again."""

import json
from typing import Annotated

import typer

from avfake.cli.explained import explained

FAILED = 1


@explained
def provenance(
    share: Annotated[
        float,
        typer.Option(
            "--share",
            min=0.0,
            max=1.0,
            metavar="S",
            help="Share of each recipe's clips to make anew, at least one; 0: none.",
        ),
    ] = 0.05,
    everything: Annotated[bool, typer.Option("--all", help="Make every derived clip anew.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**32 - 1,
            metavar="N",
            help="Of the draw of these clips. Default: another each time, so that nobody knows them before.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=0, metavar="N", help="Processes; 0: one per core. Default: as in params.yaml."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole verdict as one JSON object.")
    ] = False,
) -> None:
    """Checks where every training sample came from, and makes a share of the derived ones anew.

    Run it in the repository's root. The manifest of derived clips is held against the recipes, the label
    files, validation and test, the tools, the lock files, the files themselves, and what Git and DVC
    recorded. Where data/augmented is missing, every clip is made anew and compared with the hashes that are
    in Git.

    Exit code 0: passed, 1: something failed, 2: nothing can be checked.
    """
    from avfake.provenance.audit import audit
    from avfake.provenance.text import as_json as to_json
    from avfake.provenance.text import as_text

    verdict = audit(1.0 if everything else share, seed, workers)
    typer.echo(json.dumps(to_json(verdict), ensure_ascii=False, indent=2) if as_json else as_text(verdict))
    if not verdict.passed:
        raise typer.Exit(FAILED)
