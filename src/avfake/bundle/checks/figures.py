"""AUCs anew from the scores and the labels, against the figures that stand in metrics/."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# Half of the last of six decimals, and the last bits of a sum.
_ROUNDING = 6e-7
_FILES = {
    "evaluate": ("val", "prediction.csv"),
    "evaluate_test": ("test", "prediction_test.csv"),
}
_HELD_OUT = ("held_out", "prediction_held_out.csv")

# (target, score, generator) per clip that has a label and a score.
Clips = list[tuple[int, float, str]]


def auc(pairs: Iterable[tuple[int, float]]) -> float | None:
    """Share of all pairs of a fake and a real clip in which the fake scores higher; a tie counts one half.

    Args:
        pairs: target (1: fake) and score per clip.

    Returns None where there is one class only.
    """
    by_score: dict[float, list[int]] = {}
    for target, score in pairs:
        by_score.setdefault(score, [0, 0])[target] += 1
    n_real = twice_won = n_fake = 0
    for score in sorted(by_score):
        real, fake = by_score[score]
        twice_won += fake * (2 * n_real + real)
        n_real, n_fake = n_real + real, n_fake + fake
    return twice_won / (2 * n_real * n_fake) if n_real and n_fake else None


def evaluated(project: Path, labels: Path) -> Iterator[tuple[str, str]]:
    """(figure, fault) of every AUC and count of metrics/evaluate*.json, the fault empty where it stands.

    Args:
        project: the folder with metrics/ and data/predictions/.
        labels: CSV with split, video_name, target, generator.
    """
    rows = list(_rows(labels))
    trained = {row["generator"] for row in rows if row["split"] == "train" and row["target"] == "1"} - {""}
    for name, (split, scores) in _FILES.items():
        path = project / "metrics" / f"{name}.json"
        if not path.is_file():
            continue
        said = json.loads(path.read_text(encoding="utf-8"))
        clips = _joined(rows, split, project / "data/predictions" / scores)
        held_out = _joined(rows, _HELD_OUT[0], project / "data/predictions" / _HELD_OUT[1])
        for key, value in _figures(clips, trained, held_out if split == "val" else []).items():
            if key in said:
                yield f"metrics/{name}.json: {key}", _fault(said[key], value)


def disturbed(project: Path) -> Iterator[tuple[str, str]]:
    """The same of metrics/robustness*.json, from data/robustness/scores.csv."""
    scores = project / "data/robustness/scores.csv"
    if not scores.is_file():
        return
    of: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in _rows(scores):
        if row["score"]:
            of.setdefault((row["split"], row["condition"]), []).append(
                (int(row["target"]), float(row["score"]))
            )
    for split, name in (("val", "robustness"), ("test", "robustness_test")):
        path = project / "metrics" / f"{name}.json"
        if path.is_file():
            said = json.loads(path.read_text(encoding="utf-8"))
            for condition in sorted(condition for of_split, condition in of if of_split == split):
                key = f"auc_{condition}"
                fault = _fault(said[key], auc(of[split, condition])) if key in said else "not there"
                yield f"metrics/{name}.json: {key}", fault


def _figures(clips: Clips, trained: set[str], held_out: Clips) -> dict[str, float | None]:
    n_fake = sum(target for target, _, _ in clips)
    found: dict[str, float | None] = {"auc": auc(clip[:2] for clip in clips)}
    if clips:
        found |= {"n": len(clips), "n_real": len(clips) - n_fake, "n_fake": n_fake}
    named = trained and any(generator for target, _, generator in clips if target)
    for key, wanted in (("auc_seen", True), ("auc_unseen", False)):
        chosen = [clip for clip in clips if not clip[0] or (clip[2] and (clip[2] in trained) is wanted)]
        found[key] = auc(clip[:2] for clip in chosen) if named else None
    if held_out:
        found["auc_unseen"] = auc(clip[:2] for clip in held_out)
    return found


def _fault(said: Any, found: float | None) -> str:
    if said is None or found is None:
        return "" if said is found else f"says {_text(said)}, the scores give {_text(found)}"
    return "" if abs(said - found) <= _ROUNDING else f"says {said}, the scores give {found:.6f}"


def _text(value: Any) -> str:
    return "none" if value is None else str(value)


def _joined(rows: list[dict[str, str]], split: str, scores: Path) -> Clips:
    if not scores.is_file():
        return []
    with scores.open(encoding="utf-8-sig", newline="") as file:
        _, *lines = [line for line in csv.reader(file) if line]
    score = {name: float(value) for name, value in lines}
    return [
        (int(row["target"]), score[row["video_name"]], row["generator"])
        for row in rows
        if row["split"] == split and row["target"] and row["video_name"] in score
    ]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
