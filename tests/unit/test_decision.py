"""Calibration, false alarms and decision.json: what validation says of a score."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from avfake.decision.calibration import Calibration
from avfake.decision.false_alarms import FalseAlarms
from avfake.decision.fit import fit
from avfake.decision.met import training_clips
from avfake.decision.saved import DECISION, Decision, load_decision, save_decision
from avfake.decision.training_clips import TrainingClips
from avfake.errors import UserError
from avfake.params import DecideParams

TRAINED = TrainingClips(4, ("aac",), ("h264",), 3.0)
DECISION_OF_TESTS = Decision(
    "ab" * 32,
    0.5,
    "because",
    Calibration("platt", "few clips", 2.0, 0.5),
    FalseAlarms.of([0.1, 0.4, 0.4, 0.9]),
    TRAINED,
    4,
    3,
)


def params(calibration: str = "auto", isotonic_clips: int = 1000) -> DecideParams:
    return DecideParams(calibration=calibration, isotonic_clips=isotonic_clips)


def overconfident(n: int, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, the scores of a detector whose log-odds are `factor` times too large, and the truth."""
    rng = np.random.default_rng(5)
    odds = rng.normal(0, 1.5, n)
    truth = 1 / (1 + np.exp(-odds))
    score = 1 / (1 + np.exp(-factor * odds))
    return (rng.random(n) < truth).astype(np.int64), score.round(6), truth


@pytest.mark.parametrize(("method", "worst"), [("platt", 0.02), ("isotonic", 0.1)])
def test_an_overconfident_detector_is_brought_back_to_the_truth(method, worst):
    target, score, truth = overconfident(20000)
    made = fit(target, score, params(method))
    assert made.method == method
    found = np.array([made.probability(value) for value in score[:500]])
    assert np.abs(found - truth[:500]).mean() < worst / 2
    assert np.abs(score[:500] - truth[:500]).mean() > 0.12
    if method == "platt":
        assert made.slope == pytest.approx(1 / 3, abs=0.02)


def test_few_clips_are_calibrated_by_two_numbers_and_many_by_steps():
    target, score, _ = overconfident(100)
    assert fit(target, score, params()).method == "platt"
    assert fit(target, score, params(isotonic_clips=100)).method == "isotonic"
    assert "100 validation clips, fewer than 1000" in fit(target, score, params()).why


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_higher_score_never_has_a_lower_probability_and_none_is_certain(method):
    target, score, _ = overconfident(60)
    made = fit(target, score, params(method))
    found = [made.probability(value) for value in np.linspace(0, 1, 201)]
    assert all(0 < low <= high < 1 for low, high in pairwise(found))


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_classes_that_a_score_separates_are_not_certain_either(method):
    target, score = np.repeat([0, 1], 10), np.repeat([0.0, 1.0], 10)
    made = fit(target, score, params(method))
    assert 0.02 < made.probability(0.0) < 0.2
    assert 0.8 < made.probability(1.0) < 0.98


def test_a_detector_worse_than_chance_is_not_turned_round():
    target, score, _ = overconfident(200)
    made = fit(1 - target, score, params())
    assert made.probability(0.01) == made.probability(0.99) == pytest.approx((1 - target).mean(), abs=0.01)
    assert "every score means the same" in made.why


@pytest.mark.parametrize(("target", "said"), [([0, 0], "no fake one"), ([], "no labelled clips")])
def test_one_class_or_no_clip_gives_no_calibration_and_says_so(target, said):
    made = fit(np.array(target, np.int64), np.linspace(0, 1, len(target)), params())
    assert (made.method, made.probability(0.3)) == ("none", None)
    assert said in made.why


def test_the_false_alarm_rate_counts_equal_scores():
    alarms = FalseAlarms.of([0.4, 0.1, 0.9, 0.4])
    expected = {0.0: 1.0, 0.1: 1.0, 0.100001: 0.75, 0.4: 0.75, 0.5: 0.25, 0.9: 0.25, 0.95: 0.0, 1.0: 0.0}
    assert {score: alarms.rate(score) for score in expected} == expected
    assert FalseAlarms.of([]).rate(0.5) is None


def test_a_score_is_compared_as_score_files_have_it():
    made = replace(DECISION_OF_TESTS, threshold=0.4)
    assert (made.label(0.3999996), made.label(0.3999994)) == ("fake", "real")
    assert (made.expected_fpr(0.4000004), made.expected_fpr(0.4000006)) == (0.75, 0.25)
    assert replace(made, threshold=None).label(0.9) is None


def test_what_is_written_is_read(tmp_path):
    target, score, _ = overconfident(60)
    for calibration in (
        DECISION_OF_TESTS.calibration,
        fit(target, score, params("isotonic")),
        Calibration("none", "one class"),
    ):
        decision = replace(DECISION_OF_TESTS, calibration=calibration)
        save_decision(tmp_path, decision)
        assert load_decision(tmp_path, "ab" * 32) == decision
    assert load_decision(tmp_path / "none", "ab" * 32) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda facts: facts.update(format=2), "format 2"),
        (lambda facts: facts.update(model_sha256="cd" * 32), "belongs to weights with the SHA-256 cdcd"),
        (lambda facts: facts.pop("threshold"), "damaged: KeyError"),
        (lambda facts: facts["calibration"].update(method="beta"), "`beta`"),
        (lambda facts: facts["false_alarms"].update(scores=[0.9, 0.1]), "damaged"),
        (lambda facts: facts["training_clips"].update(n="many"), "damaged"),
    ],
)  # fmt: skip
def test_another_file_is_refused_with_a_remedy(tmp_path, change, message):
    facts = json.loads(json.dumps(DECISION_OF_TESTS.facts()))
    change(facts)
    (tmp_path / DECISION).write_text(json.dumps(facts))
    with pytest.raises(UserError, match=message) as caught:
        load_decision(tmp_path, "ab" * 32)
    assert "dvc repro decide" in caught.value.remedy


def test_text_in_place_of_json_is_refused(tmp_path):
    (tmp_path / DECISION).write_text("threshold: 0.5")
    with pytest.raises(UserError, match="not valid JSON"):
        load_decision(tmp_path, "ab" * 32)


def test_training_met_the_clips_of_train_that_open_wherever_their_folder_is():
    rows = [  # split, home, name, target, error, audio error, seconds, audio codec, video codec
        ("train", "train", "a", 0, None, None, 3.0, "aac", "h264"),
        ("train", "val", "b", 1, None, None, 2.5, "mp3float", None),
        ("train", "train", "c", 1, None, "no audio stream", None, None, "vp9"),
        ("train", "train", "d", 1, "truncated", "truncated", None, None, None),
        ("train", "train", "e", None, None, None, 0.1, "opus", "av1"),
        ("val", "val", "f", 1, None, None, 0.2, "flac", "mpeg4"),
        ("val", "train", "g", 1, None, None, 0.3, "vorbis", "mpeg4"),
    ]
    names = ["split", "home", "video_name", "target", "error", "audio_error", "sound_seconds", "audio_codec"]
    table = pd.DataFrame(rows, columns=[*names, "video_codec"]).astype({"target": "Int8"})
    labels = table[["split", "home", "video_name", "target"]]
    facts = table.drop(columns=["split", "target"]).rename(columns={"home": "split"})
    assert training_clips(labels, facts) == TrainingClips(3, ("aac", "mp3float"), ("h264", "vp9"), 2.5)
    of_val = labels[labels["split"] == "val"]
    assert training_clips(of_val, facts) == TrainingClips(0, (), (), None)
