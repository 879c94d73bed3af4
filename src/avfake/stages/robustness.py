"""Stage `robustness`: how the detector fares on clips that were re-encoded, disturbed and cut.

    dvc repro robustness                  # as part of the pipeline
    python -m avfake.stages.robustness    # by itself, from the repository's root

Reads the clips under data.root, data/resplit, data/predictions (which clips have no score of their own) and
models; writes data/robustness (scores.csv, auc.csv), metrics/robustness.json (validation),
metrics/robustness_test.json and metrics/robustness_notes.json. Scores seen before come from the memo.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from avfake.clip_scorer import ClipScorer
from avfake.dataset.labels import HOME, homes, read_labels
from avfake.dataset.predictions import UNSCORED, Unscored, format_score, read_unscored
from avfake.disturb.conditions import Condition, PictureCondition, chosen
from avfake.disturb.draw import draw
from avfake.disturb.measure import Measured, Task, measure, model_key, start_worker
from avfake.errors import UserError
from avfake.evaluation.robustness import COLUMNS, Robustness, robustness
from avfake.files import atomic_write_text, write_json
from avfake.memo import Memo
from avfake.model.streams import BOTH, SOUND
from avfake.parallel import map_ordered
from avfake.params import DataParams, MemoParams, ParallelParams, RobustnessParams, load
from avfake.stages._run import stage_main

LABELS, PREDICTIONS, MODELS = Path("data/resplit"), Path("data/predictions"), Path("models")
METRICS, TABLES = Path("metrics"), Path("data/robustness")
# Split -> name of its file of figures, which is also the first part of its keys in the notes.
NAMES = {"val": "robustness", "test": "robustness_test"}
SCORES = ("split", "video_name", "target", "condition", "score")
LISTENS = "this detector listens and does not look at the picture: the condition cannot change its score"
LOOKS = "this detector looks and does not listen to the sound: the condition cannot change its score"
_NAMED = 3  # clips that a note names; the others are counted


@dataclass(frozen=True)
class Drawn:
    """The clips of one split that are measured.

    Attributes:
        clips: rows of the labels, by name.
        notes: sentences about what was not drawn from.
        why_empty: the reason where there is none.
    """

    clips: pd.DataFrame
    notes: list[str]
    why_empty: str


def main() -> None:
    """Runs the stage in the current folder."""
    params = load(RobustnessParams)
    run(params, Path(load(DataParams).root), load(MemoParams), load(ParallelParams).workers)


def run(params: RobustnessParams, root: Path, memo: MemoParams, workers: int) -> None:
    """Draws, measures, reports.

    Raises:
        UserError: an unknown condition; the stages before have not run; the model is missing, damaged or
            made by another version of the front end.
    """
    conditions = chosen(params.conditions)
    for path in (LABELS / "clips.parquet", PREDICTIONS / UNSCORED):
        if not path.exists():
            raise UserError(f"{path}: no such file", "run the stages before this one: `dvc repro robustness`")
    # Also checks the model before any process is started.
    scorer = ClipScorer(MODELS, params.device)
    labels, unscored = read_labels(LABELS), read_unscored(PREDICTIONS / UNSCORED)
    labels[HOME] = homes(labels)
    drawn = {split: drawn_of(split, labels, unscored, params) for split in NAMES}
    tasks = [
        Task(
            path=root / f"{home}set" / name,
            conditions=tuple(conditions),
            model=MODELS,
            model_key=model_key(scorer),
            device=scorer.device.type,
            batch_size=params.batch_size,
            seed=params.seed,
            memo=memo,
        )
        for split in NAMES
        for home, name in _columns(drawn[split].clips, HOME, "video_name")
    ]
    results = map_ordered(measure, tasks, workers, "robustness", initializer=start_worker)
    measured = [result.value or Measured((), result.error) for result in results]
    fresh = sum(item.fresh for item in measured)
    print(
        f"robustness: {len(tasks)} clips, {fresh} scores computed, {_count(measured) - fresh} from the memo"
    )

    made = {}
    rest = iter(measured)
    rows: list[Sequence[object]] = []
    for split, part in drawn.items():
        own = [next(rest) for _ in range(len(part.clips))]
        made[split], table = reported(split, part, own, conditions, params, scorer.modality)
        rows += table
    _write(made, rows)
    Memo(memo.folder, memo.max_gib).trim()
    for split, report in made.items():
        print(_line(split, report))


def drawn_of(
    split: str, labels: pd.DataFrame, unscored: Iterable[Unscored], params: RobustnessParams
) -> Drawn:
    """Draws clips of a split that have a label and a score of their own."""
    of_split = labels[labels["split"] == split]
    known = of_split[of_split["target"].notna()]
    without = {item.video_name for item in unscored if item.split == split}
    usable = known[~known["video_name"].isin(without)]
    notes = []
    if lost := len(known) - len(usable):
        notes.append(f"{lost} clips that have the training prior as score are not drawn from")
    if of_split.empty:
        why = f"the data root has no {split} split"
    elif known.empty:
        why = f"no labels for the {split} split"
    else:
        why = f"no labelled clip of the {split} split has a score of its own"
    clips = draw(usable, params.clips, params.seed)
    for target, name, wanted in (
        (0, "real", params.clips - params.clips // 2),
        (1, "fake", params.clips // 2),
    ):
        found = int((clips["target"] == target).sum())
        if found < wanted and not clips.empty:
            notes.append(f"{found} {name} clips where {wanted} are asked for: there are no more")
    return Drawn(clips, notes, why)


def reported(
    split: str,
    drawn: Drawn,
    measured: Sequence[Measured],
    conditions: dict[str, Condition],
    params: RobustnessParams,
    modality: str = SOUND,
) -> tuple[Robustness, list[Sequence[object]]]:
    """The figures of a split, and its rows of scores.csv; `modality` is the detector's."""
    rows: list[Sequence[object]] = []
    unread: list[tuple[str, str]] = []
    missing: dict[str, list[str]] = {name: [] for name in conditions}
    clips = _columns(drawn.clips, "video_name", "target")
    for (video_name, target), item in zip(clips, measured, strict=True):
        if item.error:
            unread.append((video_name, item.error))
        for score in item.scores:
            if score.score is None:
                missing[score.condition].append(str(score.reason))
            else:
                text = format_score(score.score)
                rows.append((split, video_name, target, score.condition, text))
    table = pd.DataFrame(rows, columns=list(SCORES))
    # What everyone can read in scores.csv, not what only this process knows.
    table["score"] = table["score"].astype(float)
    sources = dict(_columns(drawn.clips, "video_name", "source"))
    why = f"none of the {len(unread)} drawn clips can be read" if unread else drawn.why_empty
    made = robustness(table, sources, list(conditions), params, why)
    notes = {"n": list(drawn.notes)}
    if unread:
        named = "; ".join(f"{name}: {reason}" for name, reason in unread[:_NAMED])
        notes["n"].append(f"{len(unread)} drawn clips cannot be read ({named}{_more(len(unread))})")
    for name, condition in conditions.items():
        key = f"auc_{name}"
        notes[key] = []
        if modality != BOTH and (modality == SOUND) == isinstance(condition, PictureCondition):
            notes[key] = [LISTENS if modality == SOUND else LOOKS]
        for reason, count in sorted(Counter(missing[name]).items()):
            notes[key].append(f"{count} of {len(measured) - len(unread)} clips without: {reason}")
    for key, texts in notes.items():
        if texts:
            made.notes[key] = [*made.notes.get(key, []), *texts]
    return made, rows


def _write(made: dict[str, Robustness], rows: Sequence[Sequence[object]]) -> None:
    atomic_write_text(TABLES / "scores.csv", _csv(SCORES, rows))
    table = [
        [split, *("" if row[key] is None else row[key] for key in COLUMNS[1:])]
        for split, report in made.items()
        for row in report.rows
    ]
    atomic_write_text(TABLES / "auc.csv", _csv(COLUMNS, table))
    notes: dict[str, list[str]] = {}
    for split, report in made.items():
        write_json(METRICS / f"{NAMES[split]}.json", report.figures)
        order = [key for key in report.figures if key in report.notes]
        notes |= {f"{NAMES[split]}.{key}": report.notes[key] for key in order}
    write_json(METRICS / "robustness_notes.json", notes)


def _columns(table: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].tolist() for name in names), strict=True))


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _count(measured: Iterable[Measured]) -> int:
    return sum(len(item.scores) for item in measured)


def _more(count: int) -> str:
    return f"; and {count - _NAMED} more" if count > _NAMED else ""


def _line(split: str, made: Robustness) -> str:
    clean, worst = made.figures["auc_clean"], made.figures["auc_worst"]
    if clean is None or worst is None:
        key = "auc_clean" if clean is None else "auc_worst"
        return f"{split}: no AUC: {made.notes[key][0]}"
    return f"{split}: AUC {clean:.4f} clean, {worst:.4f} at worst; {made.notes['auc_worst'][0].split(',')[0]}"


if __name__ == "__main__":
    stage_main(main)
