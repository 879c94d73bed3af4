"""Searches whose trainings are a formula, and the plan of a search on toy features."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage
from typer.testing import CliRunner

from avfake.cli.tune import app
from avfake.errors import RunError
from avfake.params import TrainParams, load
from avfake.tune.objective import Outcome
from avfake.tune.plan import Plan, Pruning
from avfake.tune.ranges import make_range
from avfake.tune.search import Budget, Search
from avfake.tune.study import VALUES, begin
from toy_features import make_workspace
from toy_resplit import pass_on
from workspace import ROOT

BASE = load(TrainParams, ROOT / "params.yaml")
N = 7
FACTS = {"data_sha256": "0" * 64, "train": {"epochs": 8}}
RANGES = {
    "train.lr": {"low": 1e-4, "high": 1e-2, "log": True},
    "train.windows_per_clip": {"low": 1, "high": 4},
    "train.mixed_precision": {"choices": [True, False]},
}


def plan_of(ranges=RANGES, pruning=None, seed=0):
    made = {path: make_range(path, declared, TrainParams) for path, declared in ranges.items()}
    return Plan("toy", seed, 4, pruning, made)


class Killed(BaseException):
    """What ends a process in the midst of a trial."""


@dataclass
class Formula:
    """A training of three epochs: the nearer to lr 0.001, more windows and full precision, the better."""

    refuse: bool = False
    kill_at: tuple[int, int] | None = None  # (training, epoch)
    seconds: float = 60.0
    now: float = 0.0
    done: list[TrainParams] = field(default_factory=list)
    forgot: int = 0

    def train(self, params, watch):
        self.done.append(params)
        if self.refuse:
            raise RunError("the loss is not finite")
        best = (
            0.9 - abs(params.lr - 0.001) * 20 + 0.01 * params.windows_per_clip - 0.02 * params.mixed_precision
        )
        for epoch in range(1, 4):
            watch({"epoch": epoch, "val_auc": best * epoch / 3})
            self.now += self.seconds / 3
            if self.kill_at == (len(self.done), epoch):
                raise Killed
        return Outcome(best, {"best_epoch": 3, "parameters": 1000, "epochs": 3})

    def forget(self):
        self.forgot += 1


def searched(path, task, trials=N, minutes=None, plan=None, first=None, finished=None):
    plan = plan or plan_of()
    study = begin(path, plan, FACTS, first)
    calls = [] if finished is None else finished
    seconds = None if minutes is None else minutes * 60
    Search(study, plan, task, BASE, calls.append, clock=lambda: task.now).run(Budget(trials, seconds))
    return study


def story(study):
    """What a study came to, without the trials that were interrupted."""
    return [(trial.user_attrs[VALUES], trial.state, trial.value) for trial in study.ended()]


PRUNED = plan_of(pruning=Pruning(after_trials=2, after_epochs=2))


@contextmanager
def in_memory():
    """Studies without a file, which takes most of the time."""
    stored = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("avfake.tune.study._storage", lambda path: stored.setdefault(path, InMemoryStorage()))
        yield


PLAN = """\
name: toy
seed: 0
random_trials: 2
pruning:
  after_trials: 2
  after_epochs: 1
ranges:
  train.lr: {low: 1e-4, high: 3e-3, log: true}
  train.windows_per_clip: {choices: [1, 2]}
"""


def make_searchable(folder: Path) -> Path:
    """Toy features too hard to be perfect at, their labels, params.yaml, and a plan of two ranges."""
    make_workspace(folder, contrast=2, train__epochs=2)
    pass_on(folder)
    (folder / "tune.yaml").write_text(PLAN)
    return folder


def tune(*words: str, exit_code: int = 0) -> str:
    """Runs `avfake tune` in the current folder; what it printed, errors included."""
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return done.output
