"""The type of machine: on one type, with the same libraries, the same clips come out."""

import json
from collections.abc import Mapping

from avfake.forge.machine import machine_type
from avfake.provenance.seen import Seen

_NAME = "machine"


def other_machine(seen: Seen, libraries: str, here: Mapping[str, str]) -> list[str]:
    """What was otherwise where clips were made, as `name then -> now`; empty on the same machine type.

    Args:
        seen: its notes name the machine, where they do.
        libraries: JSON of the versions that a clip was made with.
        here: the versions that are installed.
    """
    then = versions(libraries) or {}
    machine = (seen.notes or {}).get(_NAME)
    if machine:
        then, here = {**then, _NAME: machine[0]}, {**here, _NAME: machine_type()}
    return differences(then, here)


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Versions that are not the same, as `name then -> now`."""
    return [
        f"{name} {then.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]


def versions(text: object) -> dict[str, str] | None:
    """The versions of a cell `libraries`; None where it is no JSON object of text."""
    try:
        content = json.loads(str(text))
    except json.JSONDecodeError:
        return None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        return None
    return content
