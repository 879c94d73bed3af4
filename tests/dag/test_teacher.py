"""A teacher is a dependency of `train`: DVC notices that it changed, or that it is not there."""

import shutil


def test_a_changed_teacher_trains_again(workspace):
    teacher = workspace.folder / "teachers/mine"
    shutil.copytree(workspace.folder / "models", teacher)
    workspace.set(train__distil__teacher="teachers/mine")
    assert workspace.repro("train").ran == ["train"]
    assert "up to date" in workspace.dvc("status", "train")
    facts = teacher / "model.json"
    facts.write_text(facts.read_text() + "\n")
    assert "teachers/mine" in workspace.dvc("status", "train")
    assert "Running stage 'train'" in workspace.dvc("repro", "--dry", "train")
