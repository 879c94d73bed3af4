"""What the templates of report and model card fill in, read from the files that the bundle carries."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from avfake.bundle.commit import Commit
from avfake.bundle.figures import COUNTS, NAMES, Figures
from avfake.dataset.augmented import is_derived
from avfake.dataset.labels import HELD_OUT
from avfake.gate.revision import Revision

SPLIT_FILES = {"validation": "", "test": "_test"}
_TITLES = {"train": "training", "val": "validation", "test": "test", HELD_OUT: "held out of training"}
_UNKNOWN = "none: model.json does not record it"
Row = dict[str, str]


@dataclass(frozen=True)
class Facts:
    """Everything that a report can say.

    Attributes:
        commit: whose code, parameters and figures they are.
        uncommitted: files that differed from the commit in the workspace.
        head: figures, notes, parameters and hashes of the commit.
        labels: split, video_name, target, generator, source, ...
        model: model.json.
        sizes: file of the model -> (bytes, SHA-256).
        tools: of tools.json.
        texts: path in the project -> text, of the tables that the pipeline wrote.
        rules: of rules.json.
    """

    commit: Commit
    uncommitted: Sequence[str]
    head: Revision
    labels: pd.DataFrame
    model: Mapping[str, Any]
    sizes: Mapping[str, tuple[int, str]]
    tools: Sequence[Mapping[str, Any]]
    texts: Mapping[str, str]
    rules: Mapping[str, Any]


def context(facts: Facts) -> dict[str, Any]:
    """The names that the templates use."""
    figures = Figures(facts.head.metrics, facts.head.notes)
    return {
        "commit": facts.commit,
        "uncommitted": facts.uncommitted,
        "figures": figures,
        "names": NAMES,
        "counts": COUNTS,
        "splits": {name: end for name, end in SPLIT_FILES.items() if figures.has(f"evaluate{end}")},
        "params": facts.head.params,
        "lock": facts.head.lock,
        "model": _recorded(facts.model),
        "ensemble": facts.model.get("ensemble"),
        "teacher": facts.model.get("teacher"),
        "front_end": _front_end(facts.model.get("features", {}).get("params", {})),
        "sound_only": bool(facts.model.get("features", {}).get("front_end")),
        "sizes": facts.sizes,
        "tools": facts.tools,
        "rules": facts.rules,
        "recipes": _recipes(facts.head, figures),
        "clips": clip_counts(facts.labels),
        "generators": generators(facts.labels),
        "sources": sources(facts.labels),
        "derived": int(is_derived(facts.labels).sum()),
        "problems": len(rows(facts.texts.get("data/labels/problems.csv", ""))),
        "unscored": rows(facts.texts.get("data/predictions/unscored.csv", "")),
        "groups": _groups(rows(facts.texts.get("data/evaluation/groups.csv", ""))),
        "drops": _drops(rows(facts.texts.get("data/robustness/auc.csv", ""))),
        "resplit_notes": json.loads(facts.texts.get("data/resplit/resplit.json", "{}")).get("notes", []),
    }


def clip_counts(labels: pd.DataFrame) -> list[Row]:
    """A row per split: real, fake, unlabelled, derived by tools, and how many sources."""
    found = []
    for split in _in_order(labels["split"]):
        part = labels[labels["split"] == split]
        target = part["target"]
        named = part["source"].dropna().nunique()
        found.append(
            {
                "split": _TITLES.get(split, split),
                "real": str(int((target == 0).sum())),
                "fake": str(int((target == 1).sum())),
                "unlabelled": str(int(target.isna().sum())),
                "derived": str(int(is_derived(part).sum())),
                "sources": str(named) if named else "none named",
            }
        )
    return found


def generators(labels: pd.DataFrame) -> list[dict[str, Any]]:
    """A row per way of forging: fakes per split, and whether training knew it."""
    fakes = labels[(labels["target"] == 1).fillna(False)]
    names = sorted(fakes["generator"].dropna().unique())
    splits = _in_order(labels["split"])
    return [
        {
            "name": name,
            "counts": {
                _TITLES.get(split, split): int(((fakes["split"] == split) & mine).sum()) for split in splits
            },
            "seen": bool(((fakes["split"] == "train") & mine).any()),
        }
        for name in names
        if (mine := fakes["generator"] == name) is not None
    ]


def sources(labels: pd.DataFrame) -> dict[str, int]:
    """Split as a report calls it -> number of sources among its labelled clips, 0 where none is named."""
    known = labels[labels["target"].notna()]
    return {
        _TITLES.get(split, split): int(known.loc[known["split"] == split, "source"].dropna().nunique())
        for split in _in_order(labels["split"])
    }


def rows(text: str) -> list[Row]:
    """The rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(text)))


def _recorded(model: Mapping[str, Any]) -> Callable[[str], str]:
    """`train.lr` -> its text in model.json, or that it is not there."""

    def text(dotted: str) -> str:
        value: Any = model
        for key in dotted.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            return _UNKNOWN
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    return text


def _front_end(params: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the chosen front ends read, by dotted name; none for the baseline's picture."""
    chosen = params.get("front_end", [])
    if chosen == ["baseline_image"]:
        return {}
    found = {name: value for name, value in params.items() if not isinstance(value, Mapping)}
    found.pop("front_end", None)
    for front_end in chosen:
        found |= {f"{front_end}.{name}": value for name, value in params.get(front_end, {}).items()}
    return {name: "none" if value is None else value for name, value in found.items()}


def _recipes(head: Revision, figures: Figures) -> list[dict[str, Any]]:
    """The recipes of params.yaml with the number of clips that each made."""
    recipes = head.section("augment").get("recipes") or []
    return [
        {
            **recipe,
            "params": json.dumps(recipe.get("params", {}), sort_keys=True),
            "n": figures.plain("augment", f"n_{recipe['name']}"),
            "skipped": figures.plain("augment", f"skipped_{recipe['name']}"),
        }
        for recipe in recipes
    ]


def _groups(table: Iterable[Row]) -> list[Row]:
    """Rows of groups.csv for generators, every empty field with what its note says of it."""
    found = []
    for row in table:
        if row["column"] == "generator":
            shown = {key: row[key] or _why_empty(row["note"], key) for key in ("recall", "auc")}
            if row["auc"] and row["auc_ci_low"]:
                shown["auc"] = (
                    f"{_short(row['auc'])} ({_short(row['auc_ci_low'])} to {_short(row['auc_ci_high'])})"
                )
            shown["recall"] = _short(shown["recall"])
            found.append({"split": _TITLES[row["split"]], "name": row["group"], "n": row["n_fake"], **shown})
    return found


def _why_empty(note: str, key: str) -> str:
    reasons = [
        part.removeprefix(f"no {key}: ") for part in note.split("; ") if part.startswith(f"no {key}: ")
    ]
    return f"none: {reasons[0] if reasons else note or 'the table gives no reason'}"


def _drops(table: Iterable[Row]) -> dict[tuple[str, str], str]:
    """(split, condition) -> what the disturbance costs, with its interval where there is one."""
    found = {}
    for row in table:
        if row["drop"]:
            interval = (
                f" ({_short(row['drop_low'])} to {_short(row['drop_high'])})" if row["drop_low"] else ""
            )
            found[_TITLES[row["split"]], row["condition"]] = f"{_short(row['drop'])}{interval}"
    return found


def _short(text: str) -> str:
    try:
        return f"{float(text):.3f}"
    except ValueError:
        return text


def _in_order(column: "pd.Series[str]") -> list[str]:
    order = ["train", HELD_OUT, "val", "test"]
    names = sorted(
        column.unique(), key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    return [str(name) for name in names]
