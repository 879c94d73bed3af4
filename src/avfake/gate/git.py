"""What the gate asks Git: which commit a name means, how two are related, the files of one."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from avfake.errors import UserError

UNSHALLOW = "`git fetch --unshallow` (in a workflow: `fetch-depth: 0` of actions/checkout), then run it again"


@dataclass(frozen=True)
class Repository:
    """The Git repository whose root is `root`."""

    root: Path

    def resolve(self, revision: str) -> str:
        """The commit that a branch, tag, hash or `HEAD~2` means, as 40 or 64 hex digits.

        Raises:
            UserError: there is no such revision, perhaps because the clone is shallow.
        """
        done = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.strip()
        if self.is_shallow():
            raise UserError(f"no revision `{revision}` in this shallow clone", UNSHALLOW)
        raise UserError(
            f"no revision `{revision}` in this repository",
            "`git fetch origin`, or correct the name (`git branch --all` lists the branches)",
        )

    def merge_base(self, base: str, head: str) -> str:
        """The last commit that both commits grew from.

        Raises:
            UserError: there is none, or a shallow clone does not hold it.
        """
        done = self._git("merge-base", base, head)
        if done.returncode == 0:
            return done.stdout.strip()
        text = f"{base[:10]} and {head[:10]} have no commit in common"
        if self.is_shallow():
            raise UserError(f"{text} in this shallow clone", UNSHALLOW)
        raise UserError(
            f"{text}: their histories are unrelated",
            "compare with a branch of the same project that the change grew from",
        )

    def commits_between(self, old: str, new: str) -> int:
        """How many commits `new` has that `old` lacks."""
        return int(self._checked("rev-list", "--count", f"{old}..{new}"))

    def is_shallow(self) -> bool:
        """Whether the history was cut off when it was fetched."""
        return self._checked("rev-parse", "--is-shallow-repository").strip() == "true"

    def is_dirty(self) -> bool:
        """Whether a file that Git knows differs from the checked-out commit."""
        return bool(self._checked("status", "--porcelain", "--untracked-files=no").strip())

    def export(self, commit: str, folder: Path) -> None:
        """Writes every file of `commit` into a new `folder`; the repository's own index stays as it is."""
        folder.mkdir(parents=True)
        index = folder.with_name(f"{folder.name}.index")
        self._checked("read-tree", commit, index=index)
        self._checked("checkout-index", "--all", "--quiet", f"--prefix={folder}{os.sep}", index=index)
        index.unlink()

    def _checked(self, *arguments: str, index: Path | None = None) -> str:
        done = self._git(*arguments, index=index)
        if done.returncode:
            raise UserError(f"`git {' '.join(arguments)}`: {done.stderr.strip()}", "look at what Git says")
        return done.stdout

    def _git(self, *arguments: str, index: Path | None = None) -> "subprocess.CompletedProcess[str]":
        environment = dict(os.environ) if index is None else os.environ | {"GIT_INDEX_FILE": str(index)}
        return subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )


def open_repository(folder: Path) -> Repository:
    """The repository that `folder` is the root of.

    Raises:
        UserError: Git is not installed, this is no repository, or not its root, or DVC does not know it.
    """
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--show-prefix"], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UserError("the command `git` is not there", "apt-get install git") from None
    if done.returncode:
        raise UserError(
            f"{folder}: not a Git repository: {done.stderr.strip()}", "run from the repository's root"
        )
    if done.stdout.strip():
        raise UserError(
            f"{folder}: a folder inside a Git repository, not its root", "run from the repository's root"
        )
    if not (folder / ".dvc").is_dir():
        raise UserError(f"{folder}: no DVC repository (no folder .dvc)", "`dvc init`, or another folder")
    return Repository(folder)
