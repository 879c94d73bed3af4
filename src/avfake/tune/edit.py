"""Values set in the text of params.yaml: every other byte, comments and their columns included, stays.

ruamel's own round trip would join lists that go over lines; its parser says where each value stands, and the
text between stays as it is.
"""

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from avfake.errors import UserError


def with_values(text: str, values: Mapping[str, Any], name: str = "params.yaml") -> str:
    """The text of a file of parameters with other values.

    Args:
        text: YAML 1.2.
        values: single values by dotted path, such as `train.lr`.
        name: of the file, for errors.

    Raises:
        UserError: a path does not stand in the file.
    """
    root = YAML().compose(text)
    places = sorted(
        ((*_place(root, path, name), value) for path, value in values.items()), key=lambda item: -item[0]
    )
    for start, end, value in places:  # from the last to the first: earlier places stay where they are
        new = _written(value) if end > start else f" {_written(value)}"
        text = text[:start] + new + _moved(text[end:], len(new) - (end - start))
    return text


def nested(values: Mapping[str, Any], paths: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested `values` with others at the dotted `paths`, whose first word is left out."""
    copy = {key: nested(value, {}) if isinstance(value, Mapping) else value for key, value in values.items()}
    for path, value in paths.items():
        *parents, last = path.split(".")[1:]
        node = copy
        for parent in parents:
            node = node[parent]
        node[last] = value
    return copy


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path whose first word is left out."""
    node: Any = values
    for key in path.split(".")[1:]:
        node = node[key]
    return node


def without(values: Mapping[str, Any], paths: set[str], prefix: str = "") -> dict[str, Any]:
    """Nested values without those at the paths."""
    return {
        key: without(value, paths, f"{prefix}{key}.") if isinstance(value, Mapping) else value
        for key, value in values.items()
        if f"{prefix}{key}" not in paths
    }


def _place(root: Node, path: str, name: str) -> tuple[int, int]:
    """Where the value of a path begins and ends in the text."""
    node = root
    for key in path.split("."):
        pairs = node.value if isinstance(node, MappingNode) else []
        found = [value for label, value in pairs if label.value == key]
        if not found:
            raise UserError(f"{name}: no parameter `{path}`", "restore it, e.g. `git checkout params.yaml`")
        node = found[0]
    return node.start_mark.index, node.end_mark.index


def _written(value: Any) -> str:
    """A single value as YAML 1.2 on one line."""
    stream = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = True
    yaml.width = 100_000
    yaml.dump([value], stream)
    return stream.getvalue().strip()[1:-1]


def _moved(rest: str, by: int) -> str:
    """What follows a value, the comment in its line kept in its column where there is room."""
    blanks = len(rest) - len(rest.lstrip(" "))
    if rest[blanks : blanks + 1] != "#":
        return rest
    return " " * max(1, blanks - by) + rest[blanks:]
