"""The folds of a leave-one-out, its table, and a run that is stopped."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from typer import Typer
from typer.testing import CliRunner

from avfake.cli.leave_one_out import UNFINISHED, leave_one_out
from avfake.dataset.labels import HELD_OUT, read_labels, write_table
from avfake.errors import UserError
from avfake.leave_one_out import run as runs
from avfake.leave_one_out.folds import at_home, make_folds
from avfake.params import ResplitParams, load
from avfake.stages import resplit
from toy_resplit import GENERATORS, make_labelled, paint, relabel
from workspace import hashes, set_params

app = Typer()
app.command()(leave_one_out)
FILES = ("loo.csv", "loo.json", "loo_scores.csv")


def call(*arguments: str, code: int = 0):
    done = CliRunner().invoke(app, ["--csv", "loo.csv", *arguments])
    assert done.exit_code == code, done.output
    return done


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def table() -> dict[str, dict[str, str]]:
    with Path("loo.csv").open(newline="") as file:
        return {row["generator"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace after a leave-one-out of one epoch per fold."""
    folder = make_labelled(tmp_path_factory.mktemp("loo"), train__epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        text = call().output
    return folder, text


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_labelled(tmp_path, train__epochs=1)


@pytest.fixture
def labels(finished) -> pd.DataFrame:
    return at_home(read_labels(finished[0] / "data/resplit"))


@pytest.fixture
def params(finished) -> ResplitParams:
    return load(ResplitParams, finished[0] / "params.yaml")


def test_no_fold_trains_on_its_generator_nor_reads_test(labels, params):
    folds = make_folds(labels, params)
    assert [fold.generator for fold in folds] == sorted(GENERATORS)
    for fold in folds:
        made = fold.held.labels
        seen = made[made["split"].isin(["train", "val"])]
        assert fold.generator not in set(seen["generator"])
        held = made[made["split"] == HELD_OUT]
        fakes = held[held["target"] == 1]
        assert set(fakes["generator"]) == {fold.generator}
        assert Counter(fakes["home"]) == {"train": 4, "val": 2}
        reals = held[held["target"] == 0]
        assert set(reals["home"]) == {"train"}
        trained_on = made[made["split"] == "train"]
        assert set(reals["source"]).isdisjoint(trained_on["source"])
        assert "test" not in set(made["home"])


def test_the_reals_take_turns(labels, params):
    held: Counter[str] = Counter()
    for fold in make_folds(labels, params):
        made = fold.held.labels
        held.update(made.loc[(made["split"] == HELD_OUT) & (made["target"] == 0), "video_name"])
    # four sources, three generators: three of the sources are held out, each once
    assert set(held.values()) == {1}
    assert len(held) == 9


def test_a_fold_does_not_depend_on_the_others_that_are_run(labels, params):
    alone = make_folds(labels, params, ["warp"])[0].held.labels
    pd.testing.assert_frame_equal(alone, make_folds(labels, params)[2].held.labels)


def test_what_resplit_held_out_is_back_in_train(workspace):
    before = at_home(read_labels("data/resplit"))
    set_params(workspace, {"resplit.hold_out": "generators", "resplit.generators": ["hum"]})
    resplit.main()
    assert HELD_OUT in set(read_labels("data/resplit")["split"])
    pd.testing.assert_frame_equal(at_home(read_labels("data/resplit")), before)


def test_the_figures_follow_from_the_scores(finished, monkeypatch):
    folder, text = finished
    monkeypatch.chdir(folder)
    rows, scores = table(), pd.read_csv("loo_scores.csv")
    assert list(rows) == [*sorted(GENERATORS), "(mean)"]
    aucs = []
    for name in GENERATORS:
        part = scores[scores["generator"] == name]
        assert (int(rows[name]["n_fake"]), int(rows[name]["n_real"])) == (6, 3)
        aucs.append(roc_auc_score(part["target"], part["score"]))
        assert float(rows[name]["auc"]) == pytest.approx(aucs[-1], abs=1e-6)
        assert float(rows[name]["auc_ci_low"]) <= aucs[-1] <= float(rows[name]["auc_ci_high"])
        assert 0 <= float(rows[name]["eer"]) <= 1
        assert f"\n{name}" in text
    assert float(rows["(mean)"]["auc"]) == pytest.approx(np.mean(aucs), abs=1e-6)
    assert min(aucs) - 1e-6 <= float(rows["(mean)"]["auc_ci_low"]) <= float(rows["(mean)"]["auc_ci_high"])
    assert (rows["(mean)"]["n_fake"], rows["(mean)"]["n_real"]) == ("18", "9")
    assert not scores["video_name"].str.startswith("test").any()
    assert "leave-one-out: 3 generators; 0 trainings are done already, 3 x " in text


def test_what_made_it_is_written_beside_it(finished):
    facts = json.loads((finished[0] / "loo.json").read_text())
    assert facts["train"]["epochs"] == 1
    assert len(facts["data_sha256"]) == 64
    assert facts["pretrained_sha256"] is None
    assert set(facts["folds"]) == set(GENERATORS)
    for fold in facts["folds"].values():
        assert fold["best_epoch"] == 1
        assert len(fold["held_out_sources"]) == 1
        assert fold["sizes"]["n_val"] == 10


def test_the_same_bytes_with_and_without_the_memo(finished, workspace):
    call()
    first = bytes_of(workspace)
    assert first == bytes_of(finished[0])
    for name in FILES:
        Path(name).unlink()
    again = call()
    assert "3 trainings are done already, 0 x 0 windows" in again.output
    assert "epoch 1/1" not in again.output
    assert bytes_of(workspace) == first
    assert not list(Path(".memo").rglob("*.pt"))


def test_a_few_folds_per_run(finished, workspace):
    for left in (2, 1):
        assert f"{left} generators are left" in call("--folds-per-run", "1", code=UNFINISHED).output
        assert not Path("loo.csv").exists()
    call("--folds-per-run", "1")
    assert bytes_of(workspace) == bytes_of(finished[0])


def test_a_training_that_was_stopped_resumes_after_its_last_epoch(workspace, monkeypatch):
    call("--epochs", "3", "--generators", "hum")
    undisturbed = bytes_of(workspace)
    for path in Path(".memo").glob("[0-9a-f][0-9a-f]/*"):
        path.unlink()
    save = runs.Memo.put
    monkeypatch.setattr(runs.Memo, "put", lambda *_: sys.exit(9))  # trained, and not yet kept
    call("--epochs", "3", "--generators", "hum", code=9)
    monkeypatch.setattr(runs.Memo, "put", save)
    assert "resumed after epoch 3 of 3" in call("--epochs", "3", "--generators", "hum").output
    assert bytes_of(workspace) == undisturbed


def test_fewer_generators_and_other_epochs(finished, workspace):
    call("--generators", "warp, comb", "--epochs", "2")
    rows = table()
    assert list(rows) == ["comb", "warp", "(mean)"]
    assert "too few for an interval" in rows["(mean)"]["note"]
    assert rows["(mean)"]["auc_ci_low"] == ""
    assert json.loads(Path("loo.json").read_text())["train"]["epochs"] == 2
    done = call("--generators", "comb,thunder", code=2)
    assert "no labelled fake is by `thunder`" in done.output
    assert "comb, hum, warp" in done.output


def test_other_labels_are_other_folds(finished, workspace):
    call("--folds-per-run", "1", code=UNFINISHED)
    labels = read_labels("data/resplit")
    labels.loc[labels["video_name"] == "val-00.mp4", "target"] = pd.NA
    write_table(labels, "data/resplit")
    assert "0 trainings are done already" in call("--folds-per-run", "1", code=UNFINISHED).output


def test_a_fold_that_cannot_be_trained_has_no_figure(workspace):
    # validation holds fakes of `comb` alone: without them no epoch can be chosen
    relabel(workspace, generator=lambda split, number, target: (
        "real" if not target else "comb" if split == "val" else GENERATORS[number // 2 % 2]
    ))  # fmt: skip
    call()
    rows = table()
    assert rows["comb"]["auc"] == rows["comb"]["eer"] == ""
    assert "no labelled fake clip" in rows["comb"]["note"]
    assert rows["hum"]["auc"] != ""
    assert rows["(mean)"]["auc"] == rows["hum"]["auc"]
    assert "mean over 1 of 2 generators" in rows["(mean)"]["note"]


def test_clusters_take_the_place_of_names(workspace):
    paint(workspace, {number: number // 2 % 2 for number in range(1, 24, 2)})
    relabel(workspace, generator=lambda *_: None)
    message = call(code=2).output
    assert "the labels name no generator" in message
    assert "resplit.hold_out to clusters" in message
    set_params(
        workspace,
        {"resplit.hold_out": "clusters", "resplit.n_clusters": 2, "resplit.n_held_out": 1},
    )
    resplit.main()
    call()
    rows = table()
    assert list(rows) == ["cluster-00", "cluster-01", "(mean)"]
    # validation's fakes are in no cluster
    assert int(rows["cluster-00"]["n_fake"]) + int(rows["cluster-01"]["n_fake"]) == 12
    assert "6 fakes name no generator" in rows["cluster-00"]["note"]


def test_one_generator_alone(workspace):
    relabel(workspace, generator=lambda _, __, target: "comb" if target else "real")
    assert "`comb` is the only generator" in call(code=2).output


def test_one_real_clip_alone(labels, params):
    few = labels[(labels["target"] == 1) | (labels["video_name"] == "train-00.mp4")].reset_index(drop=True)
    with pytest.raises(UserError, match="1 real training clips cannot be parted"):
        make_folds(few, params)


def test_before_the_pipeline(workspace):
    Path("data/resplit/clips.parquet").unlink()
    assert "dvc repro resplit" in call(code=2).output
    assert "not the name of a .csv file" in CliRunner().invoke(app, ["--csv", "loo.json"]).output
    assert hashes(workspace, "models") == {}
