"""The flat figures: every key, every null with its reason, and the same clips in the subsets."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from avfake.evaluation.metrics import NoFigure, min_dcf
from avfake.evaluation.report import FIGURES, KEYS, WITH_INTERVAL, Report, report
from avfake.evaluation.split import SplitScores
from avfake.evaluation.threshold import Threshold, choose_threshold
from avfake.params import EvaluateParams, load

HALF = Threshold(0.5, "half")
# As the design lists them.
CONTRACT = """
auc auc_ci_low auc_ci_high eer ap tpr_at_fpr_1e_2 tpr_at_fpr_5e_3 tpr_at_fpr_1e_3 f1
precision recall accuracy log_loss brier ece min_dcf threshold n n_real n_fake n_unscored auc_seen auc_unseen
auc_unseen_ci_low auc_unseen_ci_high
"""


@pytest.fixture
def params() -> EvaluateParams:
    return load(EvaluateParams).model_copy(update={"n_bootstrap": 100})


def clips(seed: int = 0, n: int = 300, **change: object) -> SplitScores:
    """A split whose fakes are of generators a, b and c, with ten sources."""
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=n)
    score = np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1), 6)
    values: dict[str, object] = {
        "target": target,
        "score": score,
        "source": [f"s{i % 10}" for i in range(n)],
        "generator": ["abc"[i % 3] if t else "real" for i, t in enumerate(target)],
        "n_unscored": 0,
        "left_out": (),
        "why_empty": "nothing here",
        "table": pd.DataFrame({"video_name": [f"{i:04}.mp4" for i in range(n)]}),
    }
    return SplitScores(**(values | change))  # type: ignore[arg-type]


def only(split: SplitScores, rows: np.ndarray) -> SplitScores:
    """Some of the clips."""
    kept = np.flatnonzero(rows)
    return replace(
        split,
        target=split.target[kept],
        score=split.score[kept],
        source=[split.source[i] for i in kept],
        generator=[split.generator[i] for i in kept],
    )


def check(made: Report) -> None:
    """What holds of every report."""
    assert tuple(made.figures) == KEYS
    assert set(KEYS) >= set(CONTRACT.split())
    json.dumps(made.figures, allow_nan=False)
    for key, value in made.figures.items():
        if value is None:
            assert made.notes[key], f"no reason for {key}"
        else:
            assert isinstance(value, int | float)
            if key != "threshold":
                assert value == round(value, 6)
    assert set(made.notes) <= set(KEYS)
    assert set(made.intervals) == set(FIGURES)
    for key, interval in made.intervals.items():
        if isinstance(interval, NoFigure):
            assert interval.reason
        else:
            assert made.figures[key] is not None
            assert interval.low <= interval.high
            assert interval.how


def test_every_figure_of_an_ordinary_split(params: EvaluateParams) -> None:
    split = clips(n=2500)
    made = report(split, HALF, frozenset("ab"), params)
    check(made)
    f = made.figures
    assert None not in f.values()
    assert f["auc"] == pytest.approx(roc_auc_score(split.target, split.score), abs=1e-6)
    assert f["auc_ci_low"] < f["auc"] < f["auc_ci_high"]
    assert f["f1"] == pytest.approx(f1_score(split.target, split.score >= 0.5), abs=1e-6)
    assert f["accuracy"] == pytest.approx(accuracy_score(split.target, split.score >= 0.5), abs=1e-6)
    assert f["threshold"] == 0.5
    assert (f["n"], f["n_real"] + f["n_fake"], f["n_unscored"]) == (2500, 2500, 0)
    assert f["n_seen_fake"] + f["n_unseen_fake"] == f["n_fake"]
    assert f["tpr_at_fpr_1e_3"] <= f["tpr_at_fpr_5e_3"] <= f["tpr_at_fpr_1e_2"]


def test_seen_and_unseen_are_held_against_all_reals(params: EvaluateParams) -> None:
    split = clips()
    made = report(split, HALF, frozenset("ab"), params)
    name = np.array(split.generator)
    for key, of_part in (("auc_seen", np.isin(name, ["a", "b"])), ("auc_unseen", name == "c")):
        rows = (split.target == 0) | of_part
        assert made.figures[key] == pytest.approx(
            roc_auc_score(split.target[rows], split.score[rows]), abs=1e-6
        )
        assert made.figures[f"{key}_ci_low"] < made.figures[key] < made.figures[f"{key}_ci_high"]
    assert made.figures["n_unseen_fake"] == (name == "c").sum()


def test_a_generator_on_a_real_clip_is_not_looked_at(params: EvaluateParams) -> None:
    split = clips()
    odd = ["c" if name == "real" else name for name in split.generator]
    blank = [None if name == "real" else name for name in split.generator]
    expected = report(split, HALF, frozenset("ab"), params).figures
    for names in (odd, blank):
        assert report(clips(generator=names), HALF, frozenset("ab"), params).figures == expected


def test_fakes_without_a_generator_are_neither_and_counted(params: EvaluateParams) -> None:
    names = [None if name == "c" else name for name in clips().generator]
    made = report(clips(generator=names), HALF, frozenset("a"), params)
    check(made)
    assert made.figures["n_seen_fake"] + made.figures["n_unseen_fake"] < made.figures["n_fake"]
    assert "neither seen nor unseen" in made.notes["n_seen_fake"]


@pytest.mark.parametrize(
    ("names", "seen", "null", "reason"),
    [
        (None, None, ["auc_seen", "auc_unseen"], "training labels have no generator"),
        ([None] * 300, frozenset("a"), ["auc_seen", "auc_unseen"], "labels of this split have no generator"),
        (None, frozenset("abc"), ["auc_unseen"], "no fake whose generator was not in training"),
        (None, frozenset("x"), ["auc_seen"], "no fake whose generator was in training"),
    ],
)
def test_no_seen_or_unseen_fakes(params: EvaluateParams, names, seen, null: list[str], reason: str) -> None:
    made = report(clips(**({"generator": names} if names else {})), HALF, seen, params)
    check(made)
    for key in ("auc_seen", "auc_unseen"):
        for name in (key, f"{key}_ci_low", f"{key}_ci_high"):
            assert (made.figures[name] is None) == (key in null)
            if key in null:
                assert reason in made.notes[name]


def test_too_few_reals_for_a_low_rate(params: EvaluateParams) -> None:
    made = report(clips(n=300), HALF, None, params)
    check(made)
    assert made.figures["tpr_at_fpr_1e_2"] is not None
    assert made.figures["tpr_at_fpr_5e_3"] is None
    assert "at least 1000 real clips" in made.notes["tpr_at_fpr_1e_3"]


def test_the_intervals_of_the_json_are_those_of_the_table(params: EvaluateParams) -> None:
    made = report(clips(n=2500), HALF, frozenset("ab"), params)
    for key in ("auc", "auc_seen", "auc_unseen", *WITH_INTERVAL):
        interval = made.intervals[key]
        assert not isinstance(interval, NoFigure)
        assert made.figures[f"{key}_ci_low"] == round(interval.low, 6)
        assert made.figures[f"{key}_ci_high"] == round(interval.high, 6)
        assert made.notes[f"{key}_ci_low"] == interval.how
        assert interval.low < made.figures[key] < interval.high
    assert "10 sources" in made.notes["eer_ci_low"]
    assert "basic bootstrap" in made.notes["min_dcf_ci_high"]
    assert KEYS[KEYS.index("ece") :][:6] == (
        "ece", "ece_ci_low", "ece_ci_high", "min_dcf", "min_dcf_ci_low", "min_dcf_ci_high",
    )  # fmt: skip


def test_without_sources_the_auc_has_delongs_interval(params: EvaluateParams) -> None:
    made = report(clips(source=[None] * 300), HALF, frozenset("ab"), params)
    check(made)
    for key in ("auc", "auc_seen", "auc_unseen"):
        assert "DeLong" in made.notes[f"{key}_ci_low"]
    assert "single clips within each class (the labels have no source)" in made.notes["eer_ci_low"]


def test_the_costs_of_the_params_are_used(params: EvaluateParams) -> None:
    def dcf(**change: object) -> object:
        return report(clips(), HALF, None, params.model_copy(update=change)).figures["min_dcf"]

    assert dcf() == pytest.approx(min_dcf(clips().target, clips().score, 0.05, 10, 1), abs=1e-6)
    assert len({dcf(), dcf(dcf_p_fake=0.5), dcf(dcf_cost_miss=2.0), dcf(dcf_cost_false_alarm=3.0)}) == 4


def test_held_out_forgeries_are_the_unseen_ones(params: EvaluateParams) -> None:
    held = clips(seed=5, n=80)
    plain = report(clips(), HALF, frozenset("ab"), params)
    made = report(clips(), HALF, frozenset("ab"), params, held)
    check(made)
    f = made.figures
    assert f["auc_unseen"] == pytest.approx(roc_auc_score(held.target, held.score), abs=1e-6)
    assert f["auc_unseen"] != plain.figures["auc_unseen"]
    assert f["auc_unseen_ci_low"] < f["auc_unseen"] < f["auc_unseen_ci_high"]
    assert f["n_unseen_fake"] == held.target.sum()
    assert "held_out" in made.notes["auc_unseen"]
    of_unseen = {key for key in KEYS if "unseen" in key}
    assert {k: v for k, v in f.items() if k not in of_unseen} == {
        k: v for k, v in plain.figures.items() if k not in of_unseen
    }


def test_held_out_needs_no_generators(params: EvaluateParams) -> None:
    made = report(clips(generator=[None] * 300), HALF, None, params, clips(seed=5, n=80))
    check(made)
    assert made.figures["auc_seen"] is None is not made.figures["auc_unseen"]
    assert made.figures["n_unseen_fake"] == clips(seed=5, n=80).target.sum()


@pytest.mark.parametrize(("value", "reason"), [(0, "no fake one"), (2, "nothing here")])
def test_held_out_of_one_class_or_empty(params: EvaluateParams, value: int, reason: str) -> None:
    held = clips(seed=5, n=80)
    made = report(clips(), HALF, frozenset("ab"), params, only(held, held.target == value))
    check(made)
    for key in ("auc_unseen", "auc_unseen_ci_low", "auc_unseen_ci_high"):
        assert made.figures[key] is None
        assert reason in made.notes[key]
    assert made.figures["n_unseen_fake"] == 0


def test_one_fake_has_an_auc_and_no_interval(params: EvaluateParams) -> None:
    split = clips(source=[None] * 300)
    rows = split.target == 0
    rows[np.flatnonzero(split.target == 1)[0]] = True
    made = report(only(split, rows), HALF, None, params)
    check(made)
    assert made.figures["auc"] is not None
    assert made.figures["auc_ci_low"] is None
    assert "one fake clip" in made.notes["auc_ci_low"]


@pytest.mark.parametrize("value", [0, 1])
def test_one_class(params: EvaluateParams, value: int) -> None:
    split = clips()
    made = report(only(split, split.target == value), HALF, frozenset("a"), params)
    check(made)
    assert (
        made.figures["auc"] is made.figures["eer"] is made.figures["f1"] is made.figures["auc_unseen"] is None
    )
    assert "one class only" in made.notes["auc"]
    assert made.figures["log_loss"] > 0
    assert made.figures["n_fake"] == value * made.figures["n"]


def test_empty(params: EvaluateParams) -> None:
    made = report(only(clips(), np.zeros(300, dtype=bool)), HALF, frozenset("a"), params)
    check(made)
    counts = {key: value for key, value in made.figures.items() if value is not None}
    assert counts == {"threshold": 0.5, "n": 0, "n_real": 0, "n_fake": 0, "n_unscored": 0}
    assert made.notes["auc"] == made.notes["log_loss"] == "nothing here"


def test_identical_scores(params: EvaluateParams) -> None:
    made = report(clips(score=np.full(300, 0.5)), HALF, frozenset("a"), params)
    check(made)
    assert made.figures["auc"] == made.figures["auc_ci_low"] == made.figures["eer"] == 0.5


def test_no_threshold_leaves_the_decisions_out_and_nothing_else(params: EvaluateParams) -> None:
    split = clips()
    none = choose_threshold(only(split, split.target == 0), params)
    assert isinstance(none, NoFigure)
    made = report(split, none, None, params)
    check(made)
    assert made.figures["auc"] is not None
    for key in ("threshold", "f1", "precision", "recall", "accuracy"):
        assert made.figures[key] is None
        assert "no threshold can be chosen on validation: one class only" in made.notes[key]
    empty = choose_threshold(only(split, split.target > 1), params)
    assert isinstance(empty, NoFigure)
    assert "nothing here" in empty.reason


@pytest.mark.parametrize("rule", ["youden", "eer", "fixed_fpr"])
def test_the_rule_of_the_params_is_used(params: EvaluateParams, rule: str) -> None:
    made = choose_threshold(clips(), params.model_copy(update={"threshold_rule": rule}))
    assert isinstance(made, Threshold)
    assert made.why.startswith(f"{rule} on validation")


def test_the_interval_follows_the_params(params: EvaluateParams) -> None:
    def width(**change: object) -> float:
        figures = report(clips(), HALF, None, params.model_copy(update=change)).figures
        return figures["auc_ci_high"] - figures["auc_ci_low"]

    assert width(confidence=0.5) < width(confidence=0.95)
    assert width(seed=1) != width(seed=2)
    notes = report(clips(), HALF, None, params.model_copy(update={"n_bootstrap": 77})).notes
    assert "77 resamples" in notes["auc_ci_low"]
    assert "77 resamples" in notes["ece_ci_low"]


def test_left_out_and_unscored_clips_are_noted(params: EvaluateParams) -> None:
    notes = report(clips(left_out=("one", "two"), n_unscored=3), HALF, None, params).notes
    assert notes["n"] == "one; two"
    assert "prior" in notes["n_unscored"]
