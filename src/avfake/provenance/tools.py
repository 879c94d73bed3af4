"""Tools and versions: what the manifest says, what is installed, and what the lock files pin."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from avfake.dataset.augmented import MANIFEST
from avfake.forge.make import libraries
from avfake.forge.registry import TOOLS
from avfake.provenance.locks import Locked, distribution, installed_version, same_version
from avfake.provenance.machine import versions as versions_of
from avfake.provenance.seen import Row
from avfake.provenance.verdict import Check, Finding, judged

# Versions of code of this repository: no machine has another.
_OWN = ("forge",)


def check_tools(rows: list[Row], locked: Locked) -> Check:
    """Every tool is in the registry in its present version, every library as the lock files pin it.

    What no lock file pins and what is not code of this repository (the libraries inside a package, the kind
    of machine) may differ from this machine's: the clips were then made on another machine type.
    """
    groups: dict[tuple[Any, Any, Any], list[str]] = defaultdict(list)
    for row in rows:
        groups[row["tool"], row["tool_version"], row["libraries"]].append(str(row["derived_name"]))
    findings, notes = [], list(_unlocked(locked))
    said: dict[str, set[str]] = defaultdict(set)  # by library: the versions that the manifest says
    for _, _, text in groups:
        for name, version in (versions_of(text) or {}).items():
            said[name].add(version)
    for (tool, version, text), names in groups.items():
        wrong, other = _of_group(tool, version, text, locked, said)
        findings += [Finding(name, fault) for name in names for fault in wrong]
        notes += [note for note in other if note not in notes]
    evidence = f"{len({row['tool'] for row in rows})} tools; {', '.join(sorted(locked)) or 'no lock file'}"
    return judged(
        "tools",
        "tools are those of the registry; libraries are those installed and those of the lock files",
        evidence,
        sorted(findings),
        notes,
    )


def _of_group(
    name: object, version: object, text: object, locked: Locked, said_anywhere: Mapping[str, set[str]]
) -> tuple[list[str], list[str]]:
    """What is wrong with rows of one tool, version and set of libraries, and what is merely different."""
    tool = TOOLS.get(str(name))
    if tool is None:
        return [f"`tool` is {name}: there is no such tool in the registry"], []
    wrong, other = [], []
    if version != tool.version:
        wrong.append(f"`tool_version` of {tool.name} is {version}, the registry has {tool.version}")
    said, here = versions_of(text), libraries(tool)
    if said is None:
        return [*wrong, f"`libraries` is no JSON object of versions: {text}"], []
    if text != json.dumps(said, sort_keys=True, ensure_ascii=False):
        wrong.append("`libraries` is not written as the stage writes it")
    for library in sorted({*said, *here}):
        if library not in said or library not in here:
            where = "missing in" if library not in said else "only in"
            wrong.append(f"`libraries`: {library} is {where} {MANIFEST}")
            continue
        faults = list(_against_locks(library, said[library], locked))
        wrong += faults
        if said[library] == here[library] or faults:
            continue
        different = f"{library} is {said[library]} in {MANIFEST}, {here[library]} is installed"
        if library in _OWN or len(said_anywhere[library]) > 1 or _pinned_here(library, locked):
            wrong.append(f"`libraries`: {different}")
        else:
            other.append(f"another machine type: {different}")
    return wrong, other


def _against_locks(library: str, said: str, locked: Locked) -> Iterator[str]:
    name = distribution(library)
    pins = {file: versions[name] for file, versions in locked.items() if name in versions}
    for file, version in pins.items():
        if not same_version(said, version):
            yield f"`libraries`: {library} is {said} in {MANIFEST}, {file} has {version}"
    if not pins and installed_version(name) is not None:
        yield f"`libraries`: {library} {said} is in no lock file"


def _pinned_here(library: str, locked: Locked) -> bool:
    """Whether the library is installed in the very version that a lock file pins."""
    name = distribution(library)
    return any(name in versions and versions[name] == installed_version(name) for versions in locked.values())


def _unlocked(locked: Locked) -> Iterator[str]:
    """Packages of tools that are installed in another version than the lock files pin."""
    packages = {distribution(name) for tool in TOOLS.values() for name in tool.packages}
    for file, versions in locked.items():
        for name in sorted(packages & versions.keys()):
            here = installed_version(name)
            if here is not None and here != versions[name]:
                yield f"{name} {here} is installed, {file} has {versions[name]}"
