"""The study: trials of one plan on the same data and code, in a file of SQLite that outlives a kill.

What a trial draws follows from the plan's seed, the number of trials that ended before it and what they came
to. So a search that was killed and goes on makes the same trials as one that was not.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import DatabaseError

from avfake.errors import UserError
from avfake.tune.plan import Plan

FORMAT = 1
FIGURE = "auc"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
# What is noted of a trial: the values that it trains with, what came of it, why it was given up, its time,
# and which other trial's values it has, after an interruption or by chance.
VALUES, OUTCOME, REASON, SECONDS, AGAIN, SAME = "values", "outcome", "reason", "seconds", "again", "same_as"
_FACTS = "facts"
_WAIT = 60.0  # seconds that a process waits for another which writes the file


class Study:
    """A study of Optuna with what it is about.

    Args:
        study: as Optuna loaded or made it.
    """

    def __init__(self, study: optuna.Study) -> None:
        self.study = study

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.study.study_name

    @property
    def facts(self) -> dict[str, Any]:
        """What all trials have in common, as `begin` was told it."""
        facts: dict[str, Any] = self.study.user_attrs[_FACTS]
        return facts

    def trials(self) -> list[FrozenTrial]:
        """Every trial, by number; the queue of those to come is not among them."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]

    def ended(self) -> list[FrozenTrial]:
        """Trials that are complete or were given up."""
        return [trial for trial in self.trials() if trial.state in ENDED]

    def complete(self) -> list[FrozenTrial]:
        """Trials that have a figure, best first; of equals the earlier one."""
        done = [trial for trial in self.trials() if trial.state == TrialState.COMPLETE]
        return sorted(done, key=lambda trial: (-float(trial.value or 0), trial.number))

    def ask(self, plan: Plan) -> Trial:
        """The next trial: one of the queue, or as the sampler draws it."""
        seed = np.random.SeedSequence([plan.seed, len(self.ended())]).generate_state(1)[0]
        self.study.sampler = optuna.samplers.TPESampler(seed=int(seed), n_startup_trials=plan.random_trials)
        return self.study.ask({path: item.distribution for path, item in plan.ranges.items()})

    def recover(self) -> list[int]:
        """Marks trials as failed that a kill left running, and enqueues their values again.

        Call it when no other process searches. Returns the numbers of those trials.
        """
        trials = self.trials()
        enqueued = {trial.user_attrs.get(AGAIN) for trial in self.study.get_trials(deepcopy=False)}
        left = [trial for trial in trials if trial.state == TrialState.RUNNING]
        for trial in left:
            if trial.params and trial.number not in enqueued:
                self.study.enqueue_trial(trial.params, user_attrs={AGAIN: trial.number})
            self.study.tell(trial.number, state=TrialState.FAIL)
        return [trial.number for trial in left]


def begin(path: str | Path, plan: Plan, facts: Mapping[str, Any], first: Mapping[str, Any] | None) -> Study:
    """The study in a file, made if there is none.

    Args:
        path: of the file.
        plan: what is searched.
        facts: what its trials have in common beside the plan: data, code, the parameters not searched.
        first: values of the first trial; None: the sampler draws it.

    Raises:
        UserError: the study of that name was begun with another plan or other facts.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=_storage(path),
        study_name=plan.name,
        direction="maximize",
        pruner=_pruner(plan),
        load_if_exists=True,
    )
    wanted = {"format": FORMAT, "plan": plan.facts(), **facts}
    stored = study.user_attrs.get(_FACTS)
    if stored is None:
        if first is not None and not study.get_trials(deepcopy=False):
            study.enqueue_trial(dict(first))
        study.set_user_attr(_FACTS, wanted)
    elif stored != wanted:
        others = ", ".join(differing(stored, wanted))
        raise UserError(
            f"{path}: the study `{plan.name}` was begun with other values of {others}:"
            " figures of both cannot be compared",
            f"give the new search another `name`, or delete {path}",
        )
    return Study(study)


def open_study(path: str | Path, name: str) -> Study:
    """The study in a file, to look at.

    Raises:
        UserError: there is none.
    """
    missing = UserError(f"{path}: no study `{name}`", "begin one: `avfake tune --trials 20`")
    if not Path(path).is_file():
        raise missing
    try:
        study = Study(optuna.load_study(study_name=name, storage=_storage(path)))
        study.facts  # noqa: B018 - a search that was killed before it began has none
    except KeyError:
        raise missing from None
    return study


@contextmanager
def only_one(path: str | Path) -> Iterator[None]:
    """Holds the study in `path` for this process.

    Raises:
        UserError: another process searches in it.
    """
    lock = Path(path).with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{path}: another process searches in this study", "wait for it, or give another `name`"
            ) from None
        yield


def _storage(path: str | Path) -> optuna.storages.RDBStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.storages.RDBStorage(
            f"sqlite:///{Path(path)}", engine_kwargs={"connect_args": {"timeout": _WAIT}}
        )
    except DatabaseError as error:
        raise UserError(f"{path}: no study: {error.orig}", f"delete {path}, or give another `name`") from None


def _pruner(plan: Plan) -> optuna.pruners.BasePruner:
    if plan.pruning is None:
        return optuna.pruners.NopPruner()
    # A step is an epoch, the first is 1.
    return optuna.pruners.MedianPruner(
        n_startup_trials=plan.pruning.after_trials, n_warmup_steps=plan.pruning.after_epochs
    )


def differing(stored: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of what differs between nested values."""
    found = []
    for key in sorted({*stored, *wanted}):
        old, new = stored.get(key), wanted.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differing(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key}")
    return found


def in_words(values: Mapping[str, Any]) -> str:
    """Values on one line, without the section's name."""
    return ", ".join(f"{path.partition('.')[2]} {value}" for path, value in values.items())
