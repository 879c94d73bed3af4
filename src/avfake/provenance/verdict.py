"""What the audit says: checks that pass, fail or could not be made, each with its evidence."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

State = Literal["pass", "fail", "unchecked"]


class Finding(NamedTuple):
    """One thing that is wrong. `clip`: the name of the clip, or of the file, that it is wrong with."""

    clip: str
    text: str


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: short and fixed, for machines.
        claim: what is true where it passes.
        state: `unchecked`: it could not be made, `evidence` says why.
        evidence: what was looked at, in figures.
        findings: what fails it, by clip.
        notes: what does not fail it and should be known.
    """

    name: str
    claim: str
    state: State
    evidence: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """All checks. `facts`: what the audit ran on and with (commit, seed, share, counts)."""

    checks: tuple[Check, ...]
    facts: dict[str, str | int | float | bool | None] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.state != "fail" for check in self.checks)


def judged(
    name: str, claim: str, evidence: str, findings: Iterable[Finding], notes: Iterable[str] = ()
) -> Check:
    """A check that was made: it fails where there is a finding."""
    found = tuple(findings)
    return Check(name, claim, "fail" if found else "pass", evidence, found, tuple(notes))


def unchecked(name: str, claim: str, why: str) -> Check:
    """A check that could not be made."""
    return Check(name, claim, "unchecked", why)
