"""What a study keeps in its file, whatever happens to the process."""

import threading

import pytest
from optuna.trial import TrialState

from avfake.errors import UserError
from avfake.tune.study import AGAIN, begin, only_one, open_study
from avfake.tune.table import make_table, to_text
from tuned import FACTS, PRUNED, RANGES, Formula, Killed, N, in_memory, plan_of, searched, story


def test_killed_and_gone_on_with_is_as_if_it_was_not(tmp_path):
    with in_memory():
        whole = story(searched(tmp_path / "s.db", Formula(), plan=PRUNED))
    with pytest.raises(Killed):
        searched(tmp_path / "s.db", Formula(kill_at=(4, 2)), plan=PRUNED)
    left = to_text(make_table(open_study(tmp_path / "s.db", "toy"))).splitlines()[-1]
    assert left.split()[:5] == ["3", "not", "ended", "-", "-"]
    task = Formula()
    study = searched(tmp_path / "s.db", task, plan=PRUNED)
    assert story(study) == whole
    assert len(task.done) == N - 3
    assert [trial.state for trial in study.trials()].index(TrialState.FAIL) == 3
    assert study.trials()[4].user_attrs[AGAIN] == 3
    assert make_table(study)["state"].tolist()[-1] == "interrupted"


def test_values_are_enqueued_once_however_often_it_is_killed(tmp_path):
    for _ in range(3):
        with pytest.raises(Killed):
            searched(tmp_path / "s.db", Formula(kill_at=(1, 2)))
    study = searched(tmp_path / "s.db", Formula(), trials=1)
    states = [trial.state.name for trial in study.study.trials]
    assert states == ["FAIL"] * 3 + ["COMPLETE"]
    assert len({str(trial.params) for trial in study.trials()[:4]}) == 1


def test_a_study_of_something_else_is_refused_and_what_differs_is_said(tmp_path):
    searched(tmp_path / "s.db", Formula(), trials=1)
    other = FACTS | {"data_sha256": "1" * 64}
    with pytest.raises(UserError, match=r"begun with other values of data_sha256, plan\.seed"):
        begin(tmp_path / "s.db", plan_of(seed=3), other, None)
    wider = RANGES | {"train.lr": {"low": 1e-5, "high": 1e-2, "log": True}}
    with pytest.raises(UserError, match=r"plan\.ranges\.train\.lr\.low"):
        begin(tmp_path / "s.db", plan_of(wider), FACTS, None)


def test_one_process_searches_at_a_time(tmp_path):
    errors = []

    def other():
        try:
            with only_one(tmp_path / "s.db"):
                errors.append(None)
        except UserError as error:
            errors.append(error.message)

    for held in (True, False):
        thread = threading.Thread(target=other)
        if held:
            with only_one(tmp_path / "s.db"):
                thread.start()
                thread.join()
        else:
            thread.start()
            thread.join()
    assert "another process searches" in errors[0]
    assert errors[1] is None


def test_there_is_no_study_to_look_at(tmp_path):
    with pytest.raises(UserError, match=r"no study `toy`"):
        open_study(tmp_path / "s.db", "toy")
    searched(tmp_path / "s.db", Formula(), trials=1)
    assert len(open_study(tmp_path / "s.db", "toy").complete()) == 1
    with pytest.raises(UserError, match=r"no study `other`"):
        open_study(tmp_path / "s.db", "other")
    (tmp_path / "text.db").write_text("no database at all, " * 100)
    with pytest.raises(UserError, match=r"text\.db: no study: file is not a database"):
        open_study(tmp_path / "text.db", "toy")
