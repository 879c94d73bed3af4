"""What is written down beside the pipeline's own files: the labels as text, and the tools that make clips."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from avfake.dataset.labels import read_labels
from avfake.forge.registry import TOOLS

_LOCK = "requirements.lock"


def labels_csv(labels: pd.DataFrame) -> bytes:
    """The table of labels as CSV, nothing where a value is unknown: the standard library reads no Parquet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(labels.columns)
    for row in labels.itertuples(index=False):
        writer.writerow(["" if pd.isna(value) else value for value in row])
    return text.getvalue().encode()


def labels_of(root: Path, output: str) -> pd.DataFrame:
    """The table of labels in an output of the pipeline."""
    return read_labels(root / output)


def locked(requirements: str) -> dict[str, str]:
    """Distribution -> version, from a lock file's text; names as PEP 503 normalises them."""
    found = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", requirements, re.M)
    return {_normal(name): version for name, version in found}


def tools(requirements: str, recipes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every tool of the registry, by name, as tools.json has it.

    Args:
        requirements: text of the lock file, which says the versions of the packages that a tool needs.
        recipes: of params.yaml, to say which tools made training clips.
    """
    versions = locked(requirements)
    return [
        {
            "name": tool.name,
            "version": tool.version,
            "label": tool.label,
            "changes": tool.changes,
            "needs": sorted(tool.needs),
            "packages": {name: versions.get(_normal(name)) for name in tool.packages},
            "licence": tool.licence,
            "description": tool.description,
            "origin": tool.origin,
            "parameters": sorted(tool.params.model_fields),
            "recipes": [recipe["name"] for recipe in recipes if recipe["tool"] == tool.name],
        }
        for _, tool in sorted(TOOLS.items())
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
