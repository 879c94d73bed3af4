"""Which stages `dvc repro` runs after which change, on the real pipeline with tiny clips."""

import json
import re

import pytest

from workspace import STAGES, hashes


def test_the_first_run_builds_everything_from_the_users_own_clips(built):
    assert sorted(built.first.ran) == sorted(STAGES)  # and not the default data set's stage
    assert in_order(built.first.ran)
    assert built.first.decoded() == (14, 14)
    for output in (
        "data/labels/clips.parquet",
        "data/features/index.parquet",
        "data/predictions/prediction.csv",
        "data/predictions/prediction_test.csv",
        "data/predictions/unscored.csv",
        "models/model.safetensors",
        "models/model.json",
        "models/decision.json",
        "data/augmented/manifest.parquet",
        "metrics/augment.json",
        "metrics/augment_notes.json",
        "metrics/evaluate.json",
        "metrics/evaluate_test.json",
        "metrics/notes.json",
        "metrics/robustness.json",
        "metrics/robustness_test.json",
        "metrics/audit.json",
        "metrics/audit_notes.json",
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
    assert workspace.repro("evaluate").ran == ["train", "predict", "evaluate"]
    workspace.commit("Higher learning rate")
    difference = json.loads(workspace.dvc("metrics", "diff", "--json", "HEAD~1", "HEAD"))
    assert difference["metrics/evaluate.json"]["log_loss"]["diff"] != 0
    printed = workspace.dvc("metrics", "diff", "HEAD~1", "HEAD")
    assert re.search(r"^metrics/evaluate\.json +log_loss +\S+ +\S+ +\S+", printed, re.M), printed


@pytest.mark.parametrize(
    ("parameter", "value", "ran"),
    [
        ("evaluate__n_bootstrap", 60, {"evaluate"}),
        ("evaluate__threshold_rule", "eer", {"decide", "evaluate"}),
        ("decide__calibration", "isotonic", {"decide"}),
        ("resplit__real_share", 0.5, {"resplit"}),
        ("gate__tolerance_auc", 0.5, set()),
        ("rules__external_data", True, set()),
    ],
)
def test_a_parameter_of_a_last_stage_reruns_that_stage_alone(workspace, parameter, value, ran):
    workspace.set(**{parameter: value})
    assert set(workspace.repro().ran) == ran


@pytest.mark.parametrize(
    ("parameter", "value", "stage"), [("robustness__clips", 2, "robustness"), ("audit__folds", 3, "audit")]
)
def test_a_parameter_of_a_costly_last_stage_would_rerun_that_stage_alone(workspace, parameter, value, stage):
    """Nothing reads what these two write: what DVC announces is all that it would run."""
    workspace.set(**{parameter: value})
    assert workspace.repro("--dry").ran == [stage]


@pytest.mark.parametrize(
    ("parameter", "value", "ran"),
    [
        ("predict__tta", 3, ["predict", "evaluate"]),
        ("resplit__hold_out", "clusters", ["resplit", "train", "predict", "evaluate"]),
    ],
)
def test_a_parameter_reruns_its_stage_and_what_follows(workspace, parameter, value, ran):
    if value == "clusters":
        workspace.set(resplit__n_clusters=2, resplit__n_held_out=1)
    workspace.set(**{parameter: value})
    assert workspace.repro("evaluate").ran == ran


def test_another_front_end_and_its_setting_rerun_everything_but_extract(workspace):
    workspace.set(featurize__front_end=["log_mel", "cqt"], featurize__log_mel__n_mels=40)
    workspace.set(featurize__cqt__n_bins=40)
    ran = workspace.repro().ran
    assert sorted(ran) == sorted(set(STAGES) - {"augment", "extract"})
    assert in_order(ran)


def test_faces_of_another_size_change_no_model(workspace):
    weights = workspace.folder / "models/model.safetensors"
    before = weights.read_bytes()
    workspace.set(extract__face_size=48)
    ran = set(workspace.repro().ran)
    # Faces lie beside the windows in data/features: what reads it runs, and finds the same sound there.
    assert {"extract", "featurize", "train", "audit"} <= ran <= set(STAGES) - {"augment", "evaluate"}
    assert weights.read_bytes() == before


def in_order(ran: list[str]) -> bool:
    """Whether every stage came after those that it reads from; the last four read nothing of each other."""
    places = [min(STAGES.index(name), STAGES.index("decide")) for name in ran]
    return places == sorted(places)


def test_going_back_to_old_parameters_computes_nothing(built, workspace):
    workspace.set(evaluate__n_bootstrap=60)
    assert workspace.repro().ran == ["evaluate"]
    workspace.set(evaluate__n_bootstrap=50)
    back = workspace.repro()
    assert (back.ran, back.restored) == ([], ["evaluate"])
    assert hashes(workspace.folder) == built.hashes
