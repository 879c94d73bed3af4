"""SIGKILL at any moment: the next `dvc repro` ends with the bytes of a run that nobody disturbed."""

import random
import shutil

from workspace import UP_TO_EVALUATE, hashes


def test_extract_killed_again_and_again(built, tmp_path):
    workspace = built.workspace.fresh(tmp_path / "fresh")
    kills = kill_at_random_moments(workspace, "extract", longest=4.0)
    assert kills >= 1
    workspace.repro("evaluate", "decide")
    expected = hashes(built.workspace.folder, *UP_TO_EVALUATE)
    assert hashes(workspace.folder, *UP_TO_EVALUATE) == expected
    shutil.rmtree(workspace.folder)


def test_train_killed_again_and_again(workspace, tmp_path):
    workspace.set(train__epochs=40)  # long enough to be met between two epochs, too
    undisturbed = workspace.copy(tmp_path / "undisturbed")
    undisturbed.repro("evaluate")
    kills = kill_at_random_moments(workspace, "train", longest=10.0)
    assert kills >= 1
    workspace.repro("evaluate")
    expected = hashes(undisturbed.folder, *UP_TO_EVALUATE)
    assert hashes(workspace.folder, *UP_TO_EVALUATE) == expected
    shutil.rmtree(undisturbed.folder)


def kill_at_random_moments(workspace, stage: str, longest: float) -> int:
    """Kills the pipeline, ever later within `longest` seconds of a stage's begin; how often it died."""
    moments = random.Random(stage)
    shares = (0.25, 0.5, 0.75, 1.0)
    return sum(
        workspace.repro_killed(stage, moments.uniform(share - 0.25, share) * longest) for share in shares
    )
