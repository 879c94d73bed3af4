"""The audit of where training samples came from, as `avfake audit provenance` runs it."""

import secrets
from pathlib import Path

from avfake.dataset.augmented import MANIFEST
from avfake.errors import UserError
from avfake.files import sha256_file
from avfake.gate.git import Repository
from avfake.params import MemoParams, ParallelParams, load
from avfake.provenance.checkout import check_remade, remake
from avfake.provenance.dvc_lock import check_lock
from avfake.provenance.expected import CELLS, PLAN, Expected, check_cells, check_plan, expect
from avfake.provenance.folder import FILES, check_files
from avfake.provenance.locks import read_locks
from avfake.provenance.rebuild import check_rebuilt
from avfake.provenance.recorded import check_notes
from avfake.provenance.samples import check_samples
from avfake.provenance.seen import AUGMENTED, Seen, look
from avfake.provenance.splits import check_splits
from avfake.provenance.tools import check_tools
from avfake.provenance.verdict import Check, Finding, Verdict, judged, unchecked


def audit(share: float, seed: int | None, workers: int | None) -> Verdict:
    """Runs every check in the current folder, the repository's root.

    Args:
        share: of the derived clips of each recipe that are made anew.
        seed: of the draw of these clips; None: another each time, so that nobody knows them before.
        workers: processes; None: as in params.yaml.

    Raises:
        UserError: nothing can be checked: no manifest and no notes, or wrong parameters, recipes or data.
        RunError: a tool failed.
    """
    memo = load(MemoParams)
    workers = load(ParallelParams).workers if workers is None else workers
    seed = secrets.randbelow(2**32) if seed is None else seed
    seen = look(workers)
    expected = expect(seen)
    if seen.unreadable is not None:
        checks = [_unreadable(seen.unreadable)]
    elif seen.rows is None:
        share = 1.0
        checks = _without_manifest(seen, expected, memo, workers)
    else:
        checks = [
            *of_rows(seen, expected),
            check_notes(seen, seen.rows, seen.skipped, sha256_file(AUGMENTED / MANIFEST)),
            check_lock(seen, clips_are_here=True),
            check_rebuilt(seen, expected, share, seed, memo, workers),
        ]
    return Verdict(
        tuple(checks),
        {
            **_commit(),
            "data_root": seen.data.root,
            "planned": len(seen.jobs),
            "rows": None if seen.rows is None else len(seen.rows),
            "share": share,
            "seed": seed,
        },
    )


def of_rows(seen: Seen, expected: Expected) -> list[Check]:
    """The checks that hold the rows of the manifest against other things than what was recorded of it."""
    assert seen.rows is not None
    return [
        check_samples(seen, seen.rows),
        check_splits(seen, seen.rows),
        check_plan(seen, expected),
        check_cells(seen, expected),
        check_tools(seen.rows, read_locks()),
        check_files(seen, seen.rows),
    ]


def _without_manifest(seen: Seen, expected: Expected, memo: MemoParams, workers: int) -> list[Check]:
    """Another checkout: what the recipes give here stands in for the manifest."""
    remade = remake(seen, memo, workers)
    why = f"no {AUGMENTED / MANIFEST} here: all clips are made anew instead"
    files = [check_files(seen, remade.rows)] if AUGMENTED.is_dir() else []
    return [
        check_samples(seen, remade.rows),
        check_splits(seen, remade.rows),
        *(unchecked(name, claim, why) for name, claim in (PLAN, CELLS)),
        check_tools(remade.rows, read_locks()),
        *(files or [unchecked(*FILES, f"no {AUGMENTED} here")]),
        check_lock(seen, clips_are_here=False),
        check_remade(seen, remade, expected.libraries),
    ]


def _unreadable(why: str) -> Check:
    return judged("manifest", "the manifest can be read", str(AUGMENTED / MANIFEST), [Finding(MANIFEST, why)])


def _commit() -> dict[str, str | bool | None]:
    """The commit that is checked out, and whether a file that Git knows differs from it."""
    try:
        repository = Repository(Path.cwd())
        return {"commit": repository.resolve("HEAD"), "uncommitted": repository.is_dirty()}
    except (UserError, FileNotFoundError):  # no repository, no commit yet, or no Git
        return {"commit": None, "uncommitted": None}
