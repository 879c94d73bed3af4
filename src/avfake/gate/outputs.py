"""Files of a revision's DVC outputs, from the cache or the remote, whatever is checked out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from avfake.errors import UserError
from avfake.files import atomic_write_bytes
from avfake.gate.revision import Revision


def bring(root: Path, revision: Revision, wanted: Mapping[str, Sequence[str]], folder: Path) -> Path:
    """The folder under which the wanted files of the revision lie at their own paths.

    The workspace's are where they are. A commit's are copied to `folder`; those that the commit never had
    are left out, since older revisions have fewer outputs.

    Args:
        root: of the repository.
        revision: whose outputs.
        wanted: path of an output (a folder) -> names of the files in it.
        folder: where a commit's files are written.

    Raises:
        UserError: dvc.lock records the output, but neither the cache nor a remote holds it.
    """
    recorded = {out: names for out, names in wanted.items() if out in revision.lock.outs}
    if revision.commit is None:
        for out in recorded:
            if not (root / out).is_dir():
                raise UserError(
                    f"{out}: dvc.lock records it, but it is not in the workspace",
                    f"`dvc pull {out}`, or `dvc repro`",
                )
        return root
    folder.mkdir(parents=True)
    if recorded:
        _copy(root, revision, recorded, folder)
    return folder


def _copy(root: Path, revision: Revision, recorded: Mapping[str, Sequence[str]], folder: Path) -> None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_data.index import DataIndexDirError

    # Repo.open takes the remotes as they are set up now: an old revision may not know where its data went.
    with Repo.open(str(root), rev=revision.commit) as repo:
        for out, names in recorded.items():
            try:
                there = {Path(path).name for path in repo.dvcfs.ls(out, detail=False)}
                for name in sorted(there & set(names)):
                    atomic_write_bytes(folder / out / name, repo.dvcfs.cat_file(f"{out}/{name}"))
            except (OSError, DvcException, DataIndexDirError) as error:
                raise UserError(
                    f"{revision.name}: {out} (hash {revision.lock.outs[out]}) is neither in DVC's cache nor "
                    f"in a remote: {error}",
                    f"fetch it: `git checkout {revision.name} && dvc fetch {out}` (`dvc remote list` shows "
                    f"where from; whoever ran that revision sends it with `dvc push {out}`)",
                ) from None
