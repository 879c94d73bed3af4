"""What is declared of the tools, and what the recipes would make, as tables for a terminal and as JSON."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from avfake.forge.declared import DeclaredTool
from avfake.forge.dry_run import Forecast, seconds_left
from avfake.forge.plan import params_json

_LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


def declaration(tool: DeclaredTool) -> dict[str, Any]:
    """Everything that a tool declares, as JSON holds it."""
    return {
        "name": tool.name,
        "version": tool.version,
        "label": tool.label,
        "changes": tool.changes,
        "needs": sorted(tool.needs),
        "licence": tool.licence,
        "packages": tool.libraries(),
        "description": tool.description,
        "origin": tool.origin,
        "params": dict(parameters(tool)),
        "params_text": inspect.cleandoc(tool.params.__doc__ or ""),
        "example": tool.example,
    }


def parameters(tool: DeclaredTool) -> list[tuple[str, str]]:
    """Name of each parameter, and what it may be."""
    schema = tool.params.model_json_schema()
    definitions = schema.get("$defs", {})
    return [(name, _kind(value, definitions)) for name, value in schema.get("properties", {}).items()]


def tools_table(tools: Iterable[DeclaredTool]) -> str:
    """A line per tool; what is not installed is said with its name."""
    rows = [("name", "label", "changes", "needs", "packages", "licence", "description")]
    for tool in tools:
        missing = [name for name, version in tool.libraries().items() if version is None]
        packages = f"missing: {', '.join(missing)}" if missing else "installed"
        needs = ", ".join(sorted(tool.needs)) or "-"
        rows.append((tool.name, tool.label, tool.changes, needs, packages, tool.licence, tool.description))
    return aligned(rows)


def tool_page(tool: DeclaredTool) -> str:
    """Everything about one tool."""
    packages = [f"{name} {version or 'is not installed'}" for name, version in tool.libraries().items()]
    lines = [
        f"{tool.name}, version {tool.version}: {tool.description}",
        f"label:    {'as it was' if tool.label == 'keeps' else 'becomes fake'}",
        f"changes:  {tool.changes}",
        f"needs:    {', '.join(sorted(tool.needs)) or 'nothing'}",
        f"licence:  {tool.licence}",
        f"packages: {', '.join(packages) or 'none of its own'}",
        f"origin:   {tool.origin}",
        "parameters:",
        *(f"  {line}" for line in aligned(parameters(tool)).splitlines()),
        "",
        *(f"  {line}".rstrip() for line in inspect.cleandoc(tool.params.__doc__ or "").splitlines()),
        "",
        f"example: {params_json(tool.example)}",
    ]
    return "\n".join(lines)


def forecast_table(forecasts: Sequence[Forecast], workers: int) -> str:
    """A line per recipe and the sum; how long it takes where that was measured."""
    head = (
        "recipe",
        "tool",
        "label",
        "of",
        "sources",
        "clips",
        "in the memo",
        "to make",
        "MiB",
        "s per clip",
    )
    rows: list[tuple[str, ...]] = [head]
    for item in forecasts:
        seconds = "-" if item.seconds is None else f"{item.seconds:.2f}"
        rows.append((item.recipe, item.tool, item.label, item.of, *_counts([item]), seconds))
    rows.append(("all", "", "", "", *_counts(forecasts), ""))
    lines = [aligned(rows, right=frozenset(range(4, len(head))))]
    for item in forecasts:
        if not item.clips:
            lines.append(f"{item.recipe}: no clip of the training split is drawn")
        if item.missing:
            lines.append(f"{item.recipe}: {item.missing} will be skipped: a clip with a label is not there")
    return "\n".join([*lines, duration(forecasts, workers)])


def forecast_json(forecasts: Sequence[Forecast], workers: int) -> dict[str, Any]:
    """The same as JSON: `recipes`, and `seconds` of the rest, null where that was not measured."""
    recipes = [asdict(item) for item in forecasts]
    return {"recipes": recipes, "seconds": seconds_left(forecasts, workers), "processes": workers}


def duration(forecasts: Sequence[Forecast], workers: int) -> str:
    """How long the rest takes, in words."""
    seconds, measured = seconds_left(forecasts, workers), sum(item.measured for item in forecasts)
    if not any(item.left for item in forecasts):
        return "nothing is left to make"
    if seconds is None:
        return "how long it takes is not known: `avfake forge plan --time` makes a few clips to see"
    units = ((3600, "h"), (60, "min"), (1, "s"))
    size, unit = next(item for item in units if seconds >= 2 * item[0] or item[0] == 1)
    return (
        f"about {seconds / size:.0f} {unit} with {workers} processes: "
        f"an estimate from {measured} clips that were made now, and are kept in the memo"
    )


def aligned(rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """Rows as columns of even width, those of `right` flush right."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def _counts(items: Sequence[Forecast]) -> tuple[str, ...]:
    sources = str(items[0].sources) if len(items) == 1 else ""
    numbers = (sum(getattr(item, name) for item in items) for name in ("clips", "known", "left"))
    return sources, *map(str, numbers), f"{sum(item.n_bytes for item in items) / 2**20:.1f}"


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """One parameter's JSON schema in words."""
    if "$ref" in schema:
        return _kind(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema or "const" in schema:
        return " | ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(_kind(item, definitions) for item in schema["anyOf"])
    limits = " ".join(f"{word} {schema[key]:g}" for key, word in _LIMITS.items() if key in schema)
    if schema.get("type") == "array":
        inner = _kind(schema.get("items", {}), definitions)
        if schema.get("minItems") == schema.get("maxItems") == 2:
            return f"[low, high] of {inner}, drawn for every clip"
        return f"list of {inner}"
    return f"{schema.get('type', 'any value')} {limits}".strip()
