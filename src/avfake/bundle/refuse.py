"""What nobody should hand in: uncommitted code, outputs of another code, a run without model or figures."""

from collections.abc import Sequence
from pathlib import Path

import avfake
from avfake.bundle.commit import Commit
from avfake.bundle.contents import MODELS
from avfake.errors import UserError
from avfake.gate.git import Repository
from avfake.gate.revision import WORKSPACE, Lock, read_revision
from avfake.gate.stages import stale_stages

MODEL_FILES = ("model.json", "model.safetensors")
HEADLINE = "metrics/evaluate.json"
_MOST = 20


def uncommitted(changed: Sequence[str]) -> None:
    """Raises UserError that names the changed files, if there are any."""
    if changed:
        raise UserError(
            f"{len(changed)} files are not as they are committed:\n{_listed(changed)}",
            "commit them (or undo the changes); --allow-dirty bundles the commit without them, "
            "marked as not reproducible",
        )


def other_program(commit: Commit) -> None:
    """Raises UserError if the avfake that runs is not the commit's own: it writes the report."""
    home = Path(avfake.__file__).parent
    others = [
        path
        for path, content in commit.files.items()
        if path.startswith("src/avfake/") and _bytes(home / path.removeprefix("src/avfake/")) != content
    ]
    if others:
        raise UserError(
            f"the installed avfake is not this commit's: {len(others)} files differ:\n{_listed(others)}",
            "install the commit's: `pip install --no-deps --editable .`",
        )


def no_model(root: Path) -> None:
    """Raises UserError where a file of the model is missing."""
    missing = [f"{MODELS}/{name}" for name in MODEL_FILES if not (root / MODELS / name).is_file()]
    if missing:
        raise UserError(
            f"there is no model: {', '.join(missing)}",
            "train one: `dvc repro`, or fetch it: `dvc pull train`",
        )


def stale(repository: Repository) -> None:
    """Raises UserError that names every stage whose outputs are not what code and parameters would give."""
    found = stale_stages(repository.root, read_revision(repository, WORKSPACE, repository.root), None)
    if found:
        lines = [f"{item.stage}: {'; '.join(item.reasons)}" for item in found]
        raise UserError(
            f"{len(found)} stages are out of date:\n{_listed(lines)}",
            "`dvc repro`, then commit what it changed",
        )


def missing_metrics(commit: Commit, lock: Lock) -> None:
    """Raises UserError where figures that the pipeline wrote are not committed."""
    wanted = {path for path in lock.outs if path.startswith("metrics/")} | {HEADLINE}
    if missing := sorted(wanted - commit.files.keys()):
        raise UserError(
            f"figures are not committed: {', '.join(missing)}",
            "`dvc repro`, then `git add metrics` and commit",
        )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _listed(items: Sequence[str]) -> str:
    lines = [f"  {item}" for item in items[:_MOST]]
    return "\n".join([*lines, f"  and {len(items) - _MOST} more"] if len(items) > _MOST else lines)
