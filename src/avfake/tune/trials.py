"""What is done with the trials of a study: one chosen, applied to params.yaml, written as experiments."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from avfake.errors import UserError
from avfake.files import atomic_write_text
from avfake.params import MemoParams, TrainParams, load
from avfake.tune.edit import with_values, without
from avfake.tune.experiments import Experiments
from avfake.tune.plan import Plan, read_plan
from avfake.tune.study import FIGURE, OUTCOME, SAME, SECONDS, VALUES, Study, differing, in_words, open_study


@dataclass(frozen=True)
class Settings:
    """Where the parts of a search are.

    Attributes:
        ranges: the file of the plan, such as tune.yaml.
        params: the file of parameters.
        file: of the study; None: `<memo.folder>/tune/<name>.db`.
    """

    ranges: Path
    params: Path
    file: Path | None

    def train(self) -> TrainParams:
        """The section `train`."""
        return load(TrainParams, self.params)

    def plan(self) -> Plan:
        """The plan, checked."""
        return read_plan(self.ranges, self.train())

    def study_file(self, plan: Plan) -> Path:
        """The file of the plan's study."""
        return self.file or Path(load(MemoParams, self.params).folder) / "tune" / f"{plan.name}.db"

    def study(self) -> Study:
        """The study as it is. Raises UserError if there is none."""
        plan = self.plan()
        return open_study(self.study_file(plan), plan.name)


def choose(study: Study, number: int | None) -> FrozenTrial:
    """A complete trial by its number; the best if None.

    Raises:
        UserError: there is none.
    """
    complete = study.complete()
    found = complete if number is None else [trial for trial in complete if trial.number == number]
    if not found:
        what = "no trial is complete" if number is None else f"trial {number} is not complete"
        raise UserError(f"study `{study.name}`: {what}", "`avfake tune show` lists the trials")
    return found[0]


def apply(settings: Settings, number: int | None) -> FrozenTrial:
    """Writes a trial's values into params.yaml; comments, and all else in it, stay.

    Says what of the trial's other parameters has been changed since. Raises UserError as `choose` does.
    """
    study = settings.study()
    trial = choose(study, number)
    text = settings.params.read_text(encoding="utf-8")
    for path in _changed(study, settings.train()):
        print(f"note: `{path}` is not what the trials were trained with: the figure is another then")
    values = trial.user_attrs[VALUES]
    atomic_write_text(settings.params, with_values(text, values, str(settings.params)))
    print(f"{settings.params}: trial {trial.number}, {FIGURE} {trial.value:.4f}: {in_words(values)}")
    return trial


def export(settings: Settings) -> int:
    """Writes every complete trial that is no experiment of this commit yet; returns how many.

    Raises:
        UserError: this is no repository, or the parameters that are not searched have changed since.
    """
    study = settings.study()
    if changed := _changed(study, settings.train()):
        raise UserError(
            f"{settings.params}: not what the trials were trained with: {', '.join(changed)}",
            "check out the commit that they were trained at",
        )
    save = exporter(settings.params, study.name, anew=False)
    return sum(save(trial) for trial in study.complete() if SAME not in trial.user_attrs)


def experiment_name(study: str, number: int) -> str:
    """The name that a trial has among the experiments."""
    return f"tune-{study}-{number:03d}"


def exporter(params: Path, study: str, anew: bool = True) -> Callable[[FrozenTrial], bool]:
    """What writes a trial as an experiment, and says whether it did."""
    if params != Path("params.yaml"):
        raise UserError(
            f"{params}: experiments of DVC are written of params.yaml alone", "write the values there"
        )
    experiments = Experiments(Path.cwd())
    before = params.read_text(encoding="utf-8")

    def save(trial: FrozenTrial) -> bool:
        name = experiment_name(study, trial.number)
        if not anew and experiments.has(name):
            return False
        values = trial.user_attrs[VALUES]
        message = f"tune: {study}, trial {trial.number}: {in_words(values)}"
        experiments.save(name, with_values(before, values), _figures(trial), message)
        print(f"experiment: {name}")
        return True

    return save


def nothing(_: FrozenTrial) -> bool:
    """For a search whose trials are no experiments."""
    return False


def _figures(trial: FrozenTrial) -> dict[str, Any]:
    """A trial's figures for `dvc exp show`."""
    return {FIGURE: trial.value, **trial.user_attrs[OUTCOME], "seconds": trial.user_attrs[SECONDS]}


def _changed(study: Study, now: TrainParams) -> list[str]:
    """Parameters that no trial searched and that are others now."""
    was = study.facts["train"]
    searched = {path.partition(".")[2] for path in study.facts["plan"]["ranges"]}
    return differing(was, without(now.model_dump(), searched), "train.")
