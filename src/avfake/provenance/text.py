"""The audit for people, and for machines."""

from collections.abc import Iterator
from typing import Any

from avfake.inspection.text import shown
from avfake.provenance.verdict import Check, Verdict

FORMAT = 1
_STATES = {"pass": "pass", "fail": "FAIL", "unchecked": "not checked"}
_LISTED = 20  # findings of a check that the table is followed by; the others are in the JSON


def as_text(verdict: Verdict) -> str:
    """One table of all checks, then what failed by clip, what else should be known, and the verdict."""
    width = max(len(check.name) for check in verdict.checks)
    lines = [_header(verdict)]
    for check in verdict.checks:
        lines.append(f"{_STATES[check.state]:<13}{check.name:<{width}}  {check.claim}")
        lines.append(f"{'':<13}{'':<{width}}  {check.evidence}")
    for check in verdict.checks:
        lines += _findings(check)
    for check in verdict.checks:
        lines += [f"note: {check.name}: {note}" for note in check.notes[:_LISTED]]
        if len(check.notes) > _LISTED:
            lines.append(f"note: {check.name}: {len(check.notes) - _LISTED} more, see --json")
    lines += ["", _verdict(verdict)]
    return "\n".join(shown(line) for line in lines)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The whole verdict; docs/provenance.md describes every key."""
    return {
        "format": FORMAT,
        "passed": verdict.passed,
        "facts": verdict.facts,
        "checks": [
            {
                "name": check.name,
                "claim": check.claim,
                "state": check.state,
                "evidence": check.evidence,
                "findings": [finding._asdict() for finding in check.findings],
                "notes": list(check.notes),
            }
            for check in verdict.checks
        ],
    }


def _header(verdict: Verdict) -> str:
    facts = verdict.facts
    commit = "no commit" if facts["commit"] is None else f"commit {str(facts['commit'])[:12]}"
    changed = ", with changes that are not committed" if facts["uncommitted"] else ""
    return f"{commit}{changed}; data root {facts['data_root']}; {facts['planned']} derived clips planned"


def _findings(check: Check) -> Iterator[str]:
    if not check.findings:
        return
    yield ""
    for finding in check.findings[:_LISTED]:
        yield f"{check.name}: {finding.clip}: {finding.text}"
    if len(check.findings) > _LISTED:
        yield f"{check.name}: {len(check.findings) - _LISTED} more, see --json"


def _verdict(verdict: Verdict) -> str:
    counts = {state: sum(check.state == state for check in verdict.checks) for state in _STATES}
    said = f"{counts['pass']} checks passed, {counts['fail']} failed, {counts['unchecked']} could not be made"
    return f"provenance: {'passed' if verdict.passed else 'failed'}: {said}"
