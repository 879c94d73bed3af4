"""What `dvc metrics diff` and `dvc params diff` print for two revisions."""

import re
import subprocess
import sys
from pathlib import Path

from avfake.gate.revision import Revision


def diff(root: Path, kind: str, base: Revision, head: Revision) -> str:
    """The Markdown table of `dvc <kind> diff`, or what DVC said instead; kind is `metrics` or `params`."""
    command = [sys.executable, "-m", "dvc", kind, "diff", "--md", str(base.commit)]
    if head.commit is not None:
        command.append(head.commit)
    if kind == "metrics":
        # The files of notes hold lists of text, which the table would show in full.
        command += ["--targets", *(f"metrics/{name}.json" for name in sorted({*base.metrics, *head.metrics}))]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    text = done.stdout.strip() or done.stderr.strip()
    for revision in (base, head):
        if revision.commit is not None:
            text = text.replace(revision.commit, revision.name)
    # DVC pads every cell to the longest of its column: in a comment that is characters for nothing.
    return re.sub(r"-{4,}", "---", re.sub(r" {2,}", " ", text))
