"""Which stages `dvc repro` runs after which change, on the real pipeline with tiny clips."""

import json
import re

import pytest

from workspace import STAGES, hashes


def test_the_first_run_builds_everything_from_the_users_own_clips(built):
    assert built.first.ran == STAGES  # in this order, and not the default data set's stage
    assert built.first.decoded() == (14, 14)
    for output in (
        "data/labels/clips.parquet",
        "data/features/index.parquet",
        "data/predictions/prediction.csv",
        "data/predictions/prediction_test.csv",
        "data/predictions/unscored.csv",
        "models/model.safetensors",
        "models/model.json",
        "metrics/evaluate.json",
        "metrics/evaluate_test.json",
        "metrics/notes.json",
    ):
        assert output in built.hashes


def test_the_second_run_runs_nothing(built, workspace):
    again = workspace.repro()
    assert again.ran == again.restored == []
    assert again.text.count("didn't change, skipping") == len(STAGES)
    assert "up to date" in workspace.dvc("status", "dvc.yaml")
    assert hashes(workspace.folder) == built.hashes


def test_a_training_parameter_reruns_training_and_what_follows_and_the_metrics_show_it(workspace):
    workspace.set(train__lr=0.02)
    assert workspace.repro().ran == ["train", "predict", "evaluate"]
    workspace.commit("Higher learning rate")
    difference = json.loads(workspace.dvc("metrics", "diff", "--json", "HEAD~1", "HEAD"))
    assert difference["metrics/evaluate.json"]["log_loss"]["diff"] != 0
    printed = workspace.dvc("metrics", "diff", "HEAD~1", "HEAD")
    assert re.search(r"^metrics/evaluate\.json +log_loss +\S+ +\S+ +\S+", printed, re.M), printed


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("evaluate__n_bootstrap", 60, ["evaluate"]),
        ("evaluate__threshold_rule", "eer", ["evaluate"]),
        ("predict__tta", 3, ["predict", "evaluate"]),
        ("featurize__log_mel__n_mels", 40, ["featurize", "train", "predict", "evaluate"]),
        ("featurize__front_end", "baseline_image", ["featurize", "train", "predict", "evaluate"]),
        ("extract__face_size", 48, ["extract"]),
    ],
)
def test_a_parameter_reruns_its_stage_and_what_follows(workspace, parameter, value, expected):
    workspace.set(**{parameter: value})
    ran = workspace.repro().ran
    # A later stage whose inputs came out the same need not run; none that stands before may.
    assert ran[: len(expected)] == expected
    assert set(ran) <= set(STAGES[STAGES.index(expected[0]) :])


def test_going_back_to_old_parameters_computes_nothing(built, workspace):
    workspace.set(evaluate__n_bootstrap=60)
    assert workspace.repro().ran == ["evaluate"]
    workspace.set(evaluate__n_bootstrap=50)
    back = workspace.repro()
    assert (back.ran, back.restored) == ([], ["evaluate"])
    assert hashes(workspace.folder) == built.hashes
