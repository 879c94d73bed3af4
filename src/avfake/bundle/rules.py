"""The verdicts on the contest's rules, as `avfake audit rules` gives them."""

from contextlib import chdir
from pathlib import Path
from typing import Any

from avfake.bundle.contents import MODELS

# What this machine can build is no fact about the commit.
_OF_THE_MACHINE = frozenset({"container_build"})


def judged(root: Path) -> dict[str, Any]:
    """`passed`, the limits, each rule with `title`, `status`, `faults`, `evidence`; no container is built.

    Raises:
        UserError: the rules cannot be judged here, for want of the data root or the section `rules`.
    """
    from avfake.rules.judge import judge
    from avfake.rules.report import as_json
    from avfake.rules.subject import open_subject

    with chdir(root):
        subject = open_subject(Path(MODELS))
        found = as_json(subject, list(judge(subject)))
    kept = [rule for rule in found["rules"] if rule["rule"] not in _OF_THE_MACHINE]
    return {**found, "rules": kept}
