"""The figures of an ablation from the files that the stages wrote, and their Markdown tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from avfake.dataset.labels import read_labels
from avfake.dataset.predictions import read_split
from avfake.evaluation.robustness import CLEAN
from avfake.evaluation.split import SplitScores, join, seen_generators, texts
from benchmarks.mean_auc import MeanAuc, mean_auc
from benchmarks.stage_runs import Ran

SPLITS = {"val": "validation", "test": "test"}
ENOUGH = 5  # clips of a generator below which its figure says nothing


@dataclass(frozen=True)
class Trained:
    """One training of a row: its seed, and by name the stages that are done."""

    seed: int
    stages: Mapping[str, Ran]


@dataclass(frozen=True)
class Figures:
    """Of a row on one split; None where a figure cannot be had.

    Attributes:
        clips: names of those that were scored.
        whole, seen, unseen: AUC on all fakes, and on those by generators that training had or lacked.
        generators: AUC of each generator's fakes.
        worst: of the disturbances, the one with the lowest mean AUC.
        equalised: AUC with the facts that should not tell made equal, of each training.
        folds: mean AUC over the leave-generators-out folds at the chosen epoch, of each training.
    """

    clips: tuple[str, ...]
    whole: MeanAuc | None
    seen: MeanAuc | None
    unseen: MeanAuc | None
    generators: dict[str, MeanAuc]
    worst: tuple[str, MeanAuc] | None
    equalised: list[float]
    folds: list[float]

    @property
    def chief(self) -> MeanAuc | None:
        """The figure that matters: on generators never seen, or on all where every one was seen."""
        return self.unseen or self.whole

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        parts = {"auc": self.whole, "auc_seen": self.seen, "auc_unseen": self.unseen}
        return {
            "n": len(self.clips),
            **{key: None if value is None else value.facts() for key, value in parts.items()},
            "generators": {name: value.facts() for name, value in self.generators.items()},
            "worst": None if self.worst is None else {"condition": self.worst[0], **self.worst[1].facts()},
            "auc_equalised": self.equalised,
            "auc_folds": self.folds,
        }


def figures_of(trained: Sequence[Trained], split: str) -> Figures | None:
    """The figures of a row's trainings on a split; None where the data have no such split."""
    parts = []
    for one in trained:
        labels = read_labels(one.stages["resplit"].folder / "data/resplit")
        scores = read_split(one.stages["predict"].folder / "data/predictions", split)
        if scores is None or not (labels["split"] == split).any():
            return None
        parts.append(join(labels, scores, (), split))
    first, seen = parts[0], seen_generators(labels) or frozenset()  # resplit does not depend on the seed
    known = np.array([name is not None for name in first.generator], bool)
    strange = known & ~np.isin(np.array(first.generator, object), list(seen))

    def of(fakes: Any, name: str | None) -> MeanAuc | None:
        kept = (first.target == 0) | ((first.target == 1) & fakes)
        source = [value for value, keep in zip(first.source, kept, strict=True) if keep]
        return mean_auc(first.target[kept], source, [part.score[kept] for part in parts], name)

    everyone = np.ones(first.target.size, bool)
    made_by = sorted(
        {name for name, fake in zip(first.generator, first.target, strict=True) if fake and name}
    )
    own = {name: np.array([other == name for other in first.generator], bool) for name in made_by}
    generators = {name: of(own[name], None) for name in made_by if own[name].sum() >= ENOUGH}
    return Figures(
        clips=tuple(first.table["video_name"]),
        whole=of(everyone, f"{split} all"),
        seen=of(known & ~strange, f"{split} seen"),
        unseen=of(strange, f"{split} unseen"),
        generators={name: value for name, value in generators.items() if value is not None},
        worst=_worst(trained, first, split),
        equalised=_numbers(trained, "audit", "metrics/audit.json", f"auc_equalised_{split}"),
        folds=_numbers(trained, "train", "models/model.json", "selection", "auc"),
    )


def difference(row: MeanAuc | None, reference: MeanAuc | None) -> MeanAuc | None:
    """Of two rows on the same clips, if both have the figure, of as many trainings."""
    if row is None or reference is None or len(row.each) != len(reference.each):
        return None
    return row - reference


def table(
    rows: Mapping[str, Sequence[Trained]], figures: Mapping[str, Figures], starts: Mapping[str, str]
) -> Iterator[str]:
    """Lines of the table of a split: a row per row, compared with the row that `starts` names."""
    yield (
        "| | AUC | seen in training | never seen | each seed | difference"
        " | worst disturbance | facts made equal | folds | parameters | training, CPU min |"
    )
    yield "| --- |" + " --- |" * 10
    for name, own in figures.items():
        base = figures.get(starts[name])
        minus = None
        if base is not None and starts[name] != name and base.clips == own.clips:
            minus = difference(own.chief, base.chief)
        shown = own.chief
        minutes = [one.stages["train"].cpu_seconds / 60 for one in rows[name]]
        cells = [
            *(("none" if value is None else value.text()) for value in (own.whole, own.seen, own.unseen)),
            ", ".join(f"{value:.3f}" for value in shown.each) if shown else "",
            "" if minus is None else f"{minus.text('+')} to `{starts[name]}`",
            "" if own.worst is None else f"{own.worst[1].text()}, `{own.worst[0]}`",
            _mean_text(own.equalised),
            _mean_text(own.folds),
            f"{model_facts(rows[name][0])['parameters'] / 1e6:.1f} M",
            f"{np.mean(minutes):.1f}",
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def generator_table(figures: Mapping[str, Figures]) -> Iterator[str]:
    """Lines of the table of a split by generator: mean AUC over seeds."""
    names = sorted({name for own in figures.values() for name in own.generators})
    if not names:
        return
    yield f"| | {' | '.join(f'`{name}`' for name in names)} |"
    yield "| --- |" + " --- |" * len(names)
    for row, own in figures.items():
        cells = [f"{own.generators[name].value:.3f}" if name in own.generators else "" for name in names]
        yield f"| {row} | {' | '.join(cells)} |"


def model_facts(trained: Trained) -> dict[str, Any]:
    """models/model.json of a training."""
    return _facts(trained.stages["train"], "models/model.json")


def _worst(trained: Sequence[Trained], clips: SplitScores, split: str) -> tuple[str, MeanAuc] | None:
    """The condition with the lowest mean AUC, over the clips that every training scored under it."""
    if not all("robustness" in one.stages for one in trained):
        return None
    tables = []
    for one in trained:
        every = pd.read_csv(one.stages["robustness"].folder / "data/robustness/scores.csv")
        tables.append(every[every["split"] == split])
    source = dict(zip(clips.table["video_name"], texts(clips.table["source"]), strict=True))
    found = []
    for condition in sorted(set(tables[0]["condition"]) - {CLEAN}):
        each = [part[part["condition"] == condition].set_index("video_name").sort_index() for part in tables]
        names = each[0].index
        for part in each[1:]:
            names = names.intersection(part.index)
        target = each[0].loc[names, "target"].to_numpy(np.int64)
        scores = [part.loc[names, "score"].to_numpy(np.float64) for part in each]
        value = mean_auc(target, [], scores, None)
        if value is not None:
            found.append((value.value, condition, target, [source.get(name) for name in names], scores))
    if not found:
        return None
    _, condition, target, own, scores = min(found, key=lambda item: item[:2])
    worst = mean_auc(target, own, scores, f"{split} robustness")
    return None if worst is None else (condition, worst)


def _numbers(trained: Sequence[Trained], stage: str, file: str, *keys: str) -> list[float]:
    """A number of a JSON file of each training; none at all if one of them lacks it."""
    found = []
    for one in trained:
        node: Any = _facts(one.stages[stage], file) if stage in one.stages else None
        for key in keys:
            node = node.get(key) if isinstance(node, dict) else None
        if node is None:
            return []
        found.append(float(node))
    return found


def _facts(ran: Ran, file: str | Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((ran.folder / file).read_text(encoding="utf-8"))
    return facts


def _mean_text(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else ""
