"""What the scoring function may ask for and return, and which files are seen to be opened."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from avfake import scoring
from avfake.rules import scoring_function
from avfake.rules.trial import Trial
from avfake.rules.verdict import Verdict, exit_code, shown
from avfake.rules.watch import opened_files
from judged import a_subject


def judged(folder, score, of_class=None):
    subject = a_subject(folder)
    predict = subject.predict.model_copy(update={"tta": 2})
    trial = Trial(Path("clip.mp4"), score, score if of_class is None else of_class, "", (), 0)
    return scoring_function.judge(a_subject(folder, predict=predict), trial)


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5, 1])
def test_scores(tmp_path, score):
    assert judged(tmp_path, score).status == "pass"


@pytest.mark.parametrize("score", [1.0000001, -0.1, float("nan"), float("inf"), "0.5", None, True, [0.5]])
def test_what_is_no_score(tmp_path, score):
    assert "avfake.score returned" in judged(tmp_path, score).faults[0]


def test_the_function_and_the_class_must_agree(tmp_path):
    assert "avfake.Scorer.score 0.75 for the same clip" in judged(tmp_path, 0.5, of_class=0.75).faults[0]


def test_a_function_that_asks_for_more_than_a_path(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "score", lambda path, model: 0.5)  # noqa: ARG005
    assert "it asks for: path, model" in judged(tmp_path, 0.5).faults[0]


def test_a_clip_that_could_not_be_scored(tmp_path):
    trial = Trial(None, None, None, "no clip of validation can be read", (), 3)
    assert scoring_function.judge(a_subject(tmp_path), trial).faults == (trial.error,)


def test_what_is_opened_is_seen(tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path)
    (tmp_path / "table.json").write_text("{}")
    with opened_files() as seen:
        safetensors.torch.load_file(path)
        with safetensors.safe_open(path, framework="pt"):
            pass
        (tmp_path / "table.json").read_text()
    (tmp_path / "table.json").read_bytes()
    assert seen == [path, path, tmp_path / "table.json"]


def test_the_exit_code():
    passed, failed = Verdict("parameters", "pass", (), ()), Verdict("parameters", "fail", ("too many",), ())
    unbuilt = Verdict("container_build", "not checked", (), ("no engine",))
    assert exit_code([passed, unbuilt]) == 0
    assert exit_code([passed, failed, unbuilt]) == 1
    assert exit_code([passed, Verdict("container", "not checked", (), ())]) == 1
    assert exit_code([]) == 1


def test_long_lists_are_cut():
    assert shown("gfedcba") == "a, b, c, d, e and 2 more"
