"""The loop of a search: what is drawn, given up, counted and refused."""

import dataclasses
import statistics

import pytest
from optuna.trial import TrialState

from avfake.errors import RunError
from avfake.tune.search import Budget, Search, usual_seconds
from avfake.tune.study import REASON, SAME, VALUES, begin
from avfake.tune.table import make_table
from tuned import BASE, FACTS, PRUNED, RANGES, Formula, N, in_memory, plan_of, searched, story


@pytest.fixture(scope="module", autouse=True)
def without_files():
    with in_memory():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that nothing disturbed: the study, what was trained, and what was finished."""
    task, finished = Formula(), []
    study = searched(tmp_path_factory.mktemp("whole") / "s.db", task, plan=PRUNED, finished=finished)
    return study, task, finished


def test_the_trained_values_are_inside_the_ranges_and_the_best_comes_first(whole):
    study, task, finished = whole
    assert len(task.done) == task.forgot == N
    assert [trial.number for trial in finished] == sorted(trial.number for trial in study.complete())
    free = {path.partition(".")[2] for path in RANGES}
    for trial, params in zip(study.ended(), task.done, strict=True):
        assert trial.user_attrs[VALUES]["train.lr"] == params.lr
        assert 1e-4 <= params.lr <= 1e-2
        assert float(f"{params.lr:.4g}") == params.lr
        assert params.model_copy(update=BASE.model_dump(include=free)) == BASE
    values = [trial.value for trial in study.complete()]
    assert values == sorted(values, reverse=True)
    assert len({params.lr for params in task.done}) == N


def test_what_is_below_the_median_is_given_up(whole):
    study, *_ = whole
    ended = study.ended()
    given_up = [trial for trial in ended if trial.state == TrialState.PRUNED]
    assert given_up
    assert all(trial.state == TrialState.COMPLETE for trial in ended[:2])
    for trial in given_up:
        assert trial.last_step == 2
        assert trial.user_attrs[REASON] == "below the median of the trials before it after epoch 2"
        before = [t.intermediate_values[2] for t in ended[: trial.number] if t.state == TrialState.COMPLETE]
        assert trial.intermediate_values[2] < statistics.median(before)
    assert make_table(study)["state"].tolist()[-1] == "given up"


def test_the_sampler_learns_after_the_random_trials(tmp_path, whole):
    other = searched(tmp_path / "s.db", Formula(), plan=dataclasses.replace(PRUNED, random_trials=100))
    same = [mine == theirs for mine, theirs in zip(story(whole[0]), story(other), strict=True)]
    assert same[: PRUNED.random_trials] == [True] * PRUNED.random_trials
    assert not any(same[PRUNED.random_trials :])


def test_another_seed_draws_other_trials(tmp_path, whole):
    other = searched(tmp_path / "s.db", Formula(), trials=1, plan=plan_of(seed=1))
    assert story(other)[0] != story(whole[0])[0]


def test_the_first_trial_is_the_recipe_itself(tmp_path):
    first = {"train.lr": 0.00123456, "train.windows_per_clip": 2, "train.mixed_precision": False}
    base = BASE.model_copy(update={key.partition(".")[2]: value for key, value in first.items()})
    study = begin(tmp_path / "s.db", plan_of(), FACTS, first)
    task = Formula()
    Search(study, plan_of(), task, base, [].append).run(Budget(2, None))
    assert task.done[0] == base
    assert task.done[1] != base


def test_the_same_values_are_not_trained_twice(tmp_path):
    task, finished = Formula(), []
    plan = plan_of({"train.windows_per_clip": {"low": 1, "high": 2}})
    study = searched(tmp_path / "s.db", task, trials=5, plan=plan, finished=finished)
    assert len(study.complete()) == 5
    assert len(task.done) == len(finished) == 2
    same = [trial for trial in study.complete() if SAME in trial.user_attrs]
    assert len(same) == 3
    for trial in same:
        assert trial.value == study.trials()[trial.user_attrs[SAME]].value


def test_minutes_end_a_search_and_a_trial_that_would_not_fit_is_not_begun(tmp_path, capsys):
    task = Formula(seconds=60)
    study = searched(tmp_path / "s.db", task, trials=None, minutes=3.5)
    assert len(task.done) == 3
    assert usual_seconds(study) == 60
    assert "a trial takes 1.0 minutes, 0.5 are left" in capsys.readouterr().out
    searched(tmp_path / "s.db", task, trials=4, minutes=100)
    assert len(task.done) == 4
    assert "the study has 4 trials" in capsys.readouterr().out
    searched(tmp_path / "new.db", Formula(seconds=600), trials=None, minutes=1)
    assert "10.0 minutes are over" in capsys.readouterr().out


def test_values_that_cannot_be_trained_are_given_up_and_three_in_a_row_end_it(tmp_path):
    task = Formula(refuse=True)
    with pytest.raises(
        RunError, match="3 trials in a row could not be trained; the last: the loss is not finite"
    ):
        searched(tmp_path / "s.db", task)
    study = searched(tmp_path / "s.db", Formula(), trials=4)
    assert [trial.state.name for trial in study.ended()] == ["PRUNED"] * 3 + ["COMPLETE"]
    assert make_table(study)["note"].tolist().count("the loss is not finite") == 3
    assert task.forgot == 3
