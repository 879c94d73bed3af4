"""What is said of one rule, and of all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["pass", "fail", "not checked"]

# The rules in the order of the table.
TITLES = {
    "one_model": "one model file",
    "parameters": "parameters",
    "pretraining": "pre-training",
    "validation": "validation never trained on",
    "external_data": "no external data",
    "extra_samples": "extra samples by declared tools",
    "scoring_function": "scoring function",
    "container": "container as written",
    "container_build": "container built and run",
}
# Whether an image builds needs an engine that many machines lack; everything else can always be judged.
MAY_BE_UNCHECKED = frozenset({"container_build"})
_SHOWN = 5


@dataclass(frozen=True)
class Verdict:
    """The verdict on one rule.

    Attributes:
        rule: a key of `TITLES`.
        status: `not checked` is no pass.
        faults: what breaks the rule; empty unless it fails.
        evidence: what was looked at and found, as sentences.
    """

    rule: str
    status: Status
    faults: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass
class Case:
    """Collects what is found of a rule; a single fault fails it."""

    rule: str
    faults: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Something that breaks the rule."""
        self.faults.append(text)

    def found(self, text: str) -> None:
        """Something that was looked at."""
        self.evidence.append(text)

    def verdict(self) -> Verdict:
        """Fails with any fault, passes without."""
        return Verdict(self.rule, "fail" if self.faults else "pass", tuple(self.faults), tuple(self.evidence))


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0: every rule passes, where only those of `MAY_BE_UNCHECKED` may be left unchecked; else 1."""
    allowed = {
        verdict.status == "pass" or (verdict.status == "not checked" and verdict.rule in MAY_BE_UNCHECKED)
        for verdict in verdicts
    }
    return 0 if allowed == {True} else 1


def shown(names: Iterable[str]) -> str:
    """The first names of a list, and how many more there are."""
    ordered = sorted(names)
    more = len(ordered) - _SHOWN
    return ", ".join(ordered[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def number(n: int, word: str) -> str:
    """`1 clip`, `2 clips`."""
    return f"{n} {word}{'' if n == 1 else 's'}"
