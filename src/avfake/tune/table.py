"""The trials as a table, best first."""

import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from avfake.tune.study import AGAIN, FIGURE, OUTCOME, REASON, SAME, SECONDS, VALUES, Study

_ORDER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.FAIL)
_WORDS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "given up",
    TrialState.RUNNING: "not ended",
    TrialState.FAIL: "interrupted",
}


def make_table(study: Study) -> pd.DataFrame:
    """A row per trial: number, state, figure, epochs, seconds, the values by their paths, and a note.

    Complete trials come first, the best on top; then those given up (their figure is that of the last
    epoch they had), not ended, and interrupted.
    """
    rank = {trial.number: position for position, trial in enumerate(study.complete())}
    trials = sorted(
        study.trials(), key=lambda trial: (_ORDER.index(trial.state), rank.get(trial.number, 0), trial.number)
    )
    paths = list(study.facts["plan"]["ranges"])
    rows = [_row(trial, paths) for trial in trials]
    columns = ["trial", "state", FIGURE, "best_epoch", "epochs", "seconds", *paths, "note"]
    # Of objects, so that whole numbers stay whole where others have none.
    return pd.DataFrame(rows, columns=columns, dtype=object)


def to_text(table: pd.DataFrame) -> str:
    """The table for a terminal."""
    names = [name.removeprefix("train.") for name in table.columns]
    rows = [[_cell(name, value) for name, value in zip(names, row, strict=True)] for row in table.to_numpy()]
    cells = [names, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _row(trial: FrozenTrial, paths: list[str]) -> list[object]:
    facts = trial.user_attrs.get(OUTCOME, {})
    values = trial.user_attrs.get(VALUES, {})
    notes = [trial.user_attrs.get(REASON, "")]
    if AGAIN in trial.user_attrs:
        notes.append(f"trial {trial.user_attrs[AGAIN]} again")
    if SAME in trial.user_attrs:
        notes.append(f"the values of trial {trial.user_attrs[SAME]}")
    value = trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None
    epochs = facts.get("epochs", trial.last_step)
    return [
        trial.number, _WORDS[trial.state], value, facts.get("best_epoch"), epochs,
        trial.user_attrs.get(SECONDS), *(values.get(path) for path in paths), "; ".join(filter(None, notes)),
    ]  # fmt: skip


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if name == FIGURE else str(value)
