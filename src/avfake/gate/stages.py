"""Which stages `dvc repro` would run, and why: does dvc.lock belong to this code and these parameters?

Data that is not there (a checkout without `dvc pull`) counts as unchanged, as with
`dvc repro --dry --allow-missing`, whose rule is used; two things are added that it lets pass: an output or
dependency that dvc.lock does not know at all, and a dependency that was deleted from Git.
"""

import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.gate.revision import Revision


@dataclass(frozen=True)
class Stale:
    """A stage that would run."""

    stage: str
    reasons: tuple[str, ...]


def stale_stages(root: Path, revision: Revision, base: Revision | None) -> list[Stale]:
    """Stages of dvc.yaml, and of what they depend on, that would run; in the order of the pipeline.

    Args:
        root: of the repository.
        revision: the workspace is judged with its data, a commit by its lock, code and parameters alone.
        base: to tell code that was deleted from data that is not there.
    """
    from dvc.exceptions import DvcException
    from dvc.repo.reproduce import get_active_graph, plan_repro

    with tempfile.TemporaryDirectory() as scratch:
        try:
            with _open(root, revision, scratch) as repo, repo.lock:
                graph = get_active_graph(repo.index.graph)
                first = Path(repo.root_dir) / "dvc.yaml"
                asked = [stage for stage in repo.index.stages if Path(stage.path) == first]
                found = []
                for stage in plan_repro(graph, asked):
                    if reasons := _reasons(stage, list(graph.successors(stage)), base):
                        found.append(Stale(_name(stage, repo.root_dir), tuple(reasons)))
                return found
        except DvcException as error:
            return [Stale("dvc.yaml", (f"DVC cannot read the pipeline: {error}",))]


def _open(root: Path, revision: Revision, scratch: str) -> AbstractContextManager[Any]:
    from dvc.repo import Repo

    if revision.commit is None:
        return Repo(str(root))
    return Repo(
        str(revision.tree),
        config={"core": {"no_scm": True, "site_cache_dir": scratch}, "cache": {"dir": f"{scratch}/cache"}},
    )


def _reasons(stage: Any, upstream: list[Any], base: Revision | None) -> list[str]:
    """Why the stage would run; nothing if it would not."""
    reasons = ["its command changed"] if stage.changed_stage() else []
    made = {item.fs_path for other in upstream for item in other.outs}
    for kind, items in (("dependency", [] if stage.frozen else stage.deps), ("output", stage.outs)):
        for item in items:
            status = item.status().get(str(item))
            path = item.def_path
            if not item.hash_info:
                reasons.append(f"{kind} {path} is not in dvc.lock")
            elif isinstance(status, dict):
                reasons.extend(f"{path}: `{key}` {how}" for key, how in sorted(status.items()))
            elif status == "modified":
                reasons.append(f"{kind} {path} changed")
            elif kind == "dependency" and status == "deleted":
                if item.fs_path not in made and base and (base.tree / path).exists() and base.commit:
                    reasons.append(f"dependency {path} was deleted")
                elif any(
                    out.fs_path == item.fs_path and out.hash_info != item.hash_info
                    for other in upstream
                    for out in other.outs
                ):
                    reasons.append(f"dependency {path} was made anew since")
    if not reasons and stage.changed(True, upstream):
        reasons.append("DVC says so")
    return reasons


def _name(stage: Any, root: str) -> str:
    folder = Path(stage.path).parent
    where = "" if folder == Path(root) else f"{Path(stage.path).relative_to(root)}:"
    return f"{where}{getattr(stage, 'name', None) or Path(stage.path).name}"
