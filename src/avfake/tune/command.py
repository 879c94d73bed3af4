"""The search from the files of the pipeline to the study."""

from collections.abc import Callable
from pathlib import Path

from optuna.trial import FrozenTrial

from avfake.errors import UserError
from avfake.model.clips import open_inputs, select_training
from avfake.model.inference import deterministic
from avfake.model.packed import examples
from avfake.model.provenance import data_hash
from avfake.model.validation import Data
from avfake.params import RulesParams, load
from avfake.tune.edit import value_at
from avfake.tune.objective import Task
from avfake.tune.search import Budget, Search
from avfake.tune.study import Study, begin, only_one
from avfake.tune.trials import Settings, exporter, nothing

FEATURES, LABELS = Path("data/features"), Path("data/resplit")


def search(settings: Settings, budget: Budget, with_experiments: bool) -> Study:
    """Begins a study or goes on with it, until the budget is spent.

    Raises:
        UserError: a file is missing or wrong, the study is of something else or searched in already.
        RunError: nothing can be trained.
    """
    base, plan = settings.train(), settings.plan()
    file = settings.study_file(plan)
    finished = _exporter(settings, plan.name) if with_experiments else nothing
    with only_one(file):
        features, labels = open_inputs(FEATURES, LABELS)
        counts = examples(features, base.modality)
        data = Data(features, *select_training(features.index, labels, counts))
        content = data_hash(FEATURES, features, {"train": data.train, "val": data.val}, base.modality)
        limit = load(RulesParams, settings.params).max_parameters
        task = Task(data, content, file.with_suffix(""), limit)
        values = {path: value_at(base.model_dump(), path) for path in plan.ranges}
        outside = [path for path, item in plan.ranges.items() if not item.holds(values[path])]
        if outside:
            print(f"the recipe of {settings.params} is no trial: {', '.join(outside)} lies outside the range")
        study = begin(file, plan, task.facts(base, set(plan.ranges)), None if outside else values)
        with deterministic(base.threads):
            Search(study, plan, task, base, finished).run(budget)
    return study


def _exporter(settings: Settings, study: str) -> Callable[[FrozenTrial], bool]:
    try:
        return exporter(settings.params, study)
    except UserError as error:
        raise UserError(error.message, f"{error.remedy}; or search with --no-experiments") from None
