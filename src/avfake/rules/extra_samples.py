"""Rule: extra training samples come from tools that this repository declares, with packages that it locks.

That the clips are what those tools make of those sources is the question of `avfake audit provenance`, which
makes them again.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from avfake.forge.declared import DeclaredTool
from avfake.forge.registry import TOOLS
from avfake.rules.lock import normal, pinned
from avfake.rules.subject import AUGMENTED, Subject
from avfake.rules.verdict import Case, Verdict, number, shown

LOCKS = (Path("requirements-run.lock"), Path("requirements.lock"))


def judge(subject: Subject) -> Verdict:
    """Looks up the tool of every row of the manifest."""
    case = Case("extra_samples")
    allowed = subject.limits.extra_samples
    if subject.manifest_fault:
        case.fault(subject.manifest_fault)
    trained = set(subject.trained)
    used = sorted(row["derived_name"] for row in subject.manifest if row["derived_name"] in trained)
    if used and allowed == "none":
        case.fault(
            f"rules.extra_samples is none, and {number(len(used), 'derived clip')} trained on: {shown(used)}"
        )
    rows = Counter((row["tool"], row["tool_version"], row["libraries"]) for row in subject.manifest)
    tools: Counter[str] = Counter()
    for (tool, version, libraries), count in sorted(rows.items()):
        tools[tool] += count
        if allowed == "declared":
            _judge_tool(case, tool, version, libraries, count)
    if not subject.manifest:
        case.found(f"no derived clips: {AUGMENTED} has no manifest, or an empty one")
        return case.verdict()
    each = "; ".join(f"{tool} {count}{_about(tool)}" for tool, count in sorted(tools.items()))
    case.found(f"{number(len(subject.manifest), 'derived clip')}, {len(used)} of them trained on: {each}")
    if allowed == "any":
        case.found("rules.extra_samples is any: the tools were not looked up")
    case.found("`avfake audit provenance --all` makes every one again and compares")
    return case.verdict()


def _judge_tool(case: Case, name: str, version: int, libraries: str, count: int) -> None:
    tool = TOOLS.get(name)
    if tool is None:
        case.fault(f"{number(count, 'derived clip')} by `{name}`, which is no declared tool")
        return
    clips = number(count, "derived clip")
    if version != tool.version:
        case.fault(f"{clips} by version {version} of {name}, the repository has {tool.version}")
    try:
        made_with = json.loads(libraries)
    except json.JSONDecodeError:
        made_with = None
    if not isinstance(made_with, dict):
        case.fault(f"{clips} by {name}: the manifest does not name the libraries")
        return
    _judge_packages(case, tool, made_with)


def _judge_packages(case: Case, tool: DeclaredTool, made_with: dict[str, Any]) -> None:
    locked: dict[str, str] = {}
    for path in LOCKS:
        locked |= pinned(path)
    for package in tool.packages:
        version, said = locked.get(normal(package)), made_with.get(package)
        if version is None:
            case.fault(f"{tool.name} needs {package}, which no lock file pins")
        elif said is None:
            case.fault(f"the manifest does not say which version of {package} {tool.name} ran with")
        elif said != version:
            case.fault(f"{tool.name} ran with {package} {said}, the lock file says {version}")


def _about(name: str) -> str:
    tool = TOOLS.get(name)
    return (
        ""
        if tool is None
        else f" ({tool.label if tool.label == 'fake' else 'keeps the label'}, {tool.licence})"
    )
