"""Every tool that recipes may name."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from avfake.errors import UserError
from avfake.forge.declared import DeclaredTool, ToolParams
from avfake.forge.tools import ALL

TOOLS: Mapping[str, DeclaredTool] = {tool.name: tool for tool in ALL}


def tool_named(name: str, where: str) -> DeclaredTool:
    """The tool. Raises UserError, with the names there are, for an unknown one; `where` names the recipe."""
    if name not in TOOLS:
        import difflib

        near = difflib.get_close_matches(name, TOOLS, n=1)
        guess = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"{where}: there is no tool `{name}`{guess}", f"use one of: {', '.join(TOOLS)}")
    return TOOLS[name]


def check_params(tool: DeclaredTool, params: Mapping[str, Any], where: str) -> ToolParams:
    """The typed parameters. Raises UserError that names each wrong, missing or unknown one."""
    try:
        return tool.params.model_validate(dict(params))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'params'}: {fault['msg']}" for fault in error.errors()
        )
        raise UserError(
            f"{where}: parameters of {tool.name}: {faults}",
            f"it takes {', '.join(sorted(tool.params.model_fields))}",
        ) from None


def check_packages(tool: DeclaredTool, where: str) -> None:
    """Raises UserError that names the packages that the tool needs and that are not installed."""
    missing = [name for name, version in tool.libraries().items() if version is None]
    if missing:
        raise UserError(
            f"{where}: the tool {tool.name} needs packages that are not installed: {', '.join(missing)}",
            "pip install 'avfake[forge]', or take the recipe out of params.yaml",
        )
