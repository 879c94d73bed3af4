"""Trials as experiments: what DVC itself makes of them, and that nothing of the user's is touched."""

import json
from contextlib import chdir

import pytest
from dvc.repo import Repo

from avfake.errors import UserError
from avfake.params import TrainParams, load
from avfake.tune.experiments import Experiments, later_metrics
from avfake.tune.search import Budget, Search
from avfake.tune.study import VALUES, begin, open_study
from tuned import FACTS, RANGES, Formula, plan_of, tune
from workspace import ROOT, run

DVC_YAML = """\
stages:
  extract:
    cmd: python code.py extract
    deps: [code.py]
    params: [extract]
    outs: [data/labels]
    metrics:
      - metrics/extract.json: {cache: false}
  train:
    cmd: python code.py train
    deps: [data/labels]
    params: [train, rules.max_parameters]
    outs: [models]
  evaluate:
    cmd: python code.py evaluate
    deps: [models/model.json]
    metrics:
      - metrics/evaluate.json: {cache: false}
"""
PLAN = "name: toy\nseed: 0\nrandom_trials: 4\npruning: null\nranges:\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository with a study of two trials and an uncommitted change, and what it was like before."""
    folder = tmp_path_factory.mktemp("tuned") / "repository"
    (folder / "metrics").mkdir(parents=True)
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "code.py").write_text("first = True\n")
    (folder / ".gitignore").write_text("/.memo/\n/models\n/data/labels\n")
    (folder / "tune.yaml").write_text(
        PLAN + "".join(f"  {path}: {json.dumps(item)}\n" for path, item in RANGES.items())
    )
    for name in ("extract", "evaluate"):
        (folder / f"metrics/{name}.json").write_text('{"n": 5}')
    run(folder, "git", "init", "-q", "-b", "main")
    Repo.init(str(folder)).close()
    for name in ("models/model.json", "data/labels/clips.csv"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("made\n")
    with chdir(folder), Repo() as repo:
        repo.commit(force=True)
    run(folder, "git", "config", "user.name", "Test")
    run(folder, "git", "config", "user.email", "test@example.org")
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-q", "-m", "The project")
    (folder / "code.py").write_text("first = False\n")
    base = load(TrainParams, folder / "params.yaml")
    facts = FACTS | {"train": base.model_dump(exclude={path.partition(".")[2] for path in RANGES})}
    with chdir(folder):
        study = begin(".memo/tune/toy.db", plan_of(), facts, None)
        Search(study, plan_of(), Formula(), base, [].append).run(Budget(2, None))
    before = state(folder)
    with chdir(folder):
        said = tune("export")
    return folder, before, said


def state(folder):
    """What Git and the user have of a repository, but for refs/exps."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in [
            *folder.iterdir(),
            *folder.glob("metrics/*"),
            folder / ".git/index",
            folder / ".git/HEAD",
        ]
        if path.is_file()
    }
    return files, run(folder, "git", "for-each-ref", "refs/heads").stdout


def test_neither_workspace_nor_index_is_touched(repository):
    folder, before, said = repository
    assert state(folder) == before
    assert "2 experiments written" in said
    names = run(folder, "git", "for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").stdout.split()
    assert names == ["tune-toy-000", "tune-toy-001"]


def test_dvc_shows_the_values_and_the_figure_and_none_that_is_another_models(repository):
    folder, *_ = repository
    trials = open_study(folder / ".memo/tune/toy.db", "toy").trials()
    with chdir(folder), Repo() as repo:
        found = {
            range_.name: range_.revs[0].data
            for baseline in repo.experiments.show()
            for range_ in baseline.experiments or []
        }
    assert sorted(found) == ["tune-toy-000", "tune-toy-001"]
    for trial in trials:
        data = found[f"tune-toy-{trial.number:03d}"]
        train = data.params["params.yaml"]["data"]["train"]
        assert train["lr"] == trial.user_attrs[VALUES]["train.lr"]
        assert train["backbone"] == load(TrainParams, folder / "params.yaml").backbone
        assert data.metrics["tune/trial.json"]["data"]["auc"] == trial.value
        assert data.metrics["metrics/extract.json"]["data"] == {"n": 5}
        assert "data" not in data.metrics["metrics/evaluate.json"]


def test_an_experiment_holds_the_workspace_as_the_search_found_it(repository):
    folder, *_ = repository
    ref = run(folder, "git", "for-each-ref", "--format=%(objectname)", "refs/exps").stdout.split()[0]
    assert run(folder, "git", "show", f"{ref}:code.py").stdout == "first = False\n"
    assert run(folder, "git", "rev-parse", f"{ref}^").stdout == run(folder, "git", "rev-parse", "HEAD").stdout
    assert "tune: toy, trial 0: lr " in run(folder, "git", "log", "-1", "--format=%s", ref).stdout


def test_what_is_there_is_not_written_again(repository):
    folder, *_ = repository
    refs = run(folder, "git", "for-each-ref", "refs/exps").stdout
    with chdir(folder):
        assert tune("export").startswith("0 experiments written")
    assert run(folder, "git", "for-each-ref", "refs/exps").stdout == refs
    run(folder, "git", "update-ref", "-d", refs.split()[-1])
    with chdir(folder):
        assert "1 experiments written" in tune("export")


def test_dvc_applies_one(repository):
    folder, *_ = repository
    trial = open_study(folder / ".memo/tune/toy.db", "toy").trials()[1]
    with chdir(folder), Repo() as repo:
        repo.experiments.apply("tune-toy-001")
    assert load(TrainParams, folder / "params.yaml").lr == trial.user_attrs[VALUES]["train.lr"]
    assert json.loads((folder / "tune/trial.json").read_text())["auc"] == trial.value
    assert (folder / "metrics/evaluate.json").read_text() == '{"n": 5}'
    assert (folder / "models/model.json").read_text() == "made\n"
    with chdir(folder), Repo() as repo:
        assert "train" in repo.status()
    text = (folder / "params.yaml").read_text()
    assert text.count("#") == (ROOT / "params.yaml").read_text().count("#")


def test_the_figures_of_a_model_are_those_after_train():
    assert later_metrics(ROOT / "none.yaml", "train") == []
    found = later_metrics(ROOT / "dvc.yaml", "train")
    assert {"metrics/evaluate.json", "metrics/robustness.json", "metrics/audit.json"} <= set(found)
    assert "metrics/augment.json" not in found


def test_git_must_be_able_to_write_a_commit(tmp_path, monkeypatch):
    run(tmp_path, "git", "init", "-q")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "a").write_text("a")
    run(tmp_path, "git", "add", "-A")
    run(tmp_path, "git", "commit", "-q", "-m", "one")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("AUTHOR", "COMMITTER"):
        for part in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{name}_{part}", raising=False)
    run(tmp_path, "git", "config", "user.useConfigOnly", "true")
    with pytest.raises(UserError, match=r"Git cannot write experiments[\s\S]*git config user\.name"):
        Experiments(tmp_path)
