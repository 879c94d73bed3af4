"""The loop of a search: asks, trains, tells, until the budget is spent."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from pydantic import ValidationError

from avfake.errors import AvfakeError, RunError
from avfake.params import TrainParams
from avfake.tune.edit import nested, value_at
from avfake.tune.objective import Outcome, Task, figure_of_epoch
from avfake.tune.plan import Plan
from avfake.tune.study import AGAIN, FIGURE, OUTCOME, REASON, SAME, SECONDS, VALUES, Study, in_words

MOST_REFUSED = 3
GIVEN_UP = "below the median of the trials before it"


@dataclass(frozen=True)
class Budget:
    """When a search ends.

    Attributes:
        trials: that the study holds in the end, those of earlier runs included; None: any number.
        seconds: of this run; None: any time.
    """

    trials: int | None
    seconds: float | None


@dataclass(frozen=True)
class Refused:
    """Values with which nothing can be trained, and why."""

    error: AvfakeError


class Search:
    """A search under way.

    Args:
        study: to go on with; nobody else may search in it.
        plan: what is searched.
        task: what is trained on.
        base: the section `train` of params.yaml.
        finished: called with every trial that has a figure of its own.
        clock: seconds, for the budget.
    """

    def __init__(
        self,
        study: Study,
        plan: Plan,
        task: Task,
        base: TrainParams,
        finished: Callable[[FrozenTrial], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.study, self.plan, self.task, self.base = study, plan, task, base
        self.finished, self.clock = finished, clock

    def run(self, budget: Budget) -> None:
        """Runs trials until the budget is spent. Call it inside `deterministic(base.threads)`.

        Raises:
            RunError: `MOST_REFUSED` trials in a row could not be trained.
        """
        begun = self.clock()
        for number in self.study.recover():
            print(f"trial {number} was interrupted: its values are tried again")
        refused = 0
        while (why := self._spent(budget, self.clock() - begun)) is None:
            refused = refused + 1 if self._one(budget) else 0
            if refused == MOST_REFUSED:
                raise RunError(
                    f"{refused} trials in a row could not be trained; the last: "
                    f"{self.study.ended()[-1].user_attrs[REASON]}",
                    "correct what they have in common, or narrow the ranges",
                )
        print(f"the search ends: {why}")

    def _spent(self, budget: Budget, seconds: float) -> str | None:
        """Why no other trial is begun; None: it is."""
        ended = len(self.study.ended())
        if budget.trials is not None and ended >= budget.trials:
            return f"the study has {ended} trials"
        if budget.seconds is None:
            return None
        if seconds >= budget.seconds:
            return f"{seconds / 60:.1f} minutes are over"
        usual = usual_seconds(self.study)
        if usual is not None and seconds + usual > budget.seconds:
            left = (budget.seconds - seconds) / 60
            return f"a trial takes {usual / 60:.1f} minutes, {left:.1f} are left"
        return None

    def _one(self, budget: Budget) -> bool:
        """Runs one trial; whether its values were refused."""
        trial = self.study.ask(self.plan)
        values = self._values(trial)
        trial.set_user_attr(VALUES, values)
        of = f" of {budget.trials}" if budget.trials is not None else ""
        print(f"trial {trial.number} ({len(self.study.ended()) + 1}{of}): {in_words(values)}", flush=True)
        before = self._before(trial.number, values)
        begun = self.clock()
        outcome = self._again(before) if before is not None else self._trained(trial, values)
        if before is not None:
            trial.set_user_attr(SAME, before.number)
        trial.set_user_attr(SECONDS, round(self.clock() - begun, 3))
        self._tell(trial, outcome)
        self.task.forget()
        if isinstance(outcome, Outcome) and before is None:
            self.finished(self.study.study.trials[trial.number])
        return isinstance(outcome, Refused)

    def _values(self, trial: Trial) -> dict[str, Any]:
        first = self.base.model_dump()
        values = {}
        for path, item in self.plan.ranges.items():
            drawn = trial.params[path]
            values[path] = drawn if drawn == value_at(first, path) else item.rounded(drawn)
        return values

    def _before(self, number: int, values: Mapping[str, Any]) -> FrozenTrial | None:
        """An ended trial of the same values: it would end the same again."""
        for other in self.study.ended():
            if other.number != number and other.user_attrs.get(VALUES) == values:
                return other
        return None

    def _again(self, before: FrozenTrial) -> Outcome | optuna.TrialPruned:
        if before.state == TrialState.COMPLETE and before.value is not None:
            return Outcome(before.value, before.user_attrs[OUTCOME])
        return optuna.TrialPruned(before.user_attrs[REASON])

    def _trained(self, trial: Trial, values: Mapping[str, Any]) -> Outcome | optuna.TrialPruned | Refused:
        def watch(row: dict[str, float]) -> None:
            trial.report(figure_of_epoch(row), int(row["epoch"]))
            if trial.should_prune():
                raise optuna.TrialPruned(f"{GIVEN_UP} after epoch {int(row['epoch'])}")

        try:
            params = TrainParams.model_validate(nested(self.base.model_dump(), values))
            return self.task.train(params, watch)
        except optuna.TrialPruned as given_up:
            return given_up
        except AvfakeError as error:
            return Refused(error)
        except ValidationError as error:
            return Refused(RunError(error.errors()[0]["msg"].removeprefix("Value error, ")))

    def _tell(self, trial: Trial, outcome: Outcome | optuna.TrialPruned | Refused) -> None:
        if isinstance(outcome, Outcome):
            trial.set_user_attr(OUTCOME, outcome.facts)
            self.study.study.tell(trial, outcome.value)
            print(f"trial {trial.number}: {FIGURE} {outcome.value:.4f}", flush=True)
            return
        reason = outcome.error.message if isinstance(outcome, Refused) else str(outcome)
        trial.set_user_attr(REASON, reason)
        self.study.study.tell(trial, state=TrialState.PRUNED)
        print(f"trial {trial.number}: given up: {reason}", flush=True)


def usual_seconds(study: Study) -> float | None:
    """Median time of the trials that trained from beginning to end; None where there is none."""
    times = [
        trial.user_attrs[SECONDS]
        for trial in study.complete()
        if SAME not in trial.user_attrs and AGAIN not in trial.user_attrs
    ]
    return statistics.median(times) if times else None
