"""Problem documents in OpenAPI."""

from typing import Any

from avfake.service.problems import KINDS, MEDIA_TYPE, ProblemError

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an address that answers with these statuses, with an example of each kind."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        kinds = {name: kind for name, kind in KINDS.items() if kind.status == status}
        found[status] = {
            "description": "; ".join(kind.title for kind in kinds.values()),
            "content": {
                MEDIA_TYPE: {
                    "schema": _SCHEMA,
                    "examples": {
                        name: {"value": ProblemError(name, kind.advice).document()}
                        for name, kind in kinds.items()
                    },
                }
            },
        }
    return found
