"""The flat figures: every key, every null with its reason, and the same clips in the subsets."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.report import KEYS, Report, choose_threshold, report
from avfake.evaluation.split import SplitScores, join, seen_generators
from avfake.evaluation.threshold import Threshold
from avfake.params import EvaluateParams, load

HALF = Threshold(0.5, "half")
# As the design lists them.
CONTRACT = """
auc auc_ci_low auc_ci_high eer ap tpr_at_fpr_1e_2 tpr_at_fpr_5e_3 tpr_at_fpr_1e_3 f1
precision recall accuracy log_loss brier ece threshold n n_real n_fake n_unscored auc_seen auc_unseen
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
    }
    return SplitScores(**(values | change))  # type: ignore[arg-type]


def only(split: SplitScores, rows: np.ndarray) -> SplitScores:
    """Some of the clips."""
    kept = np.flatnonzero(rows)
    return SplitScores(
        split.target[kept],
        split.score[kept],
        [split.source[i] for i in kept],
        [split.generator[i] for i in kept],
        split.n_unscored,
        split.left_out,
        split.why_empty,
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
    assert (
        "77 resamples"
        in report(clips(), HALF, None, params.model_copy(update={"n_bootstrap": 77})).notes["auc_ci_low"]
    )


def labels(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["split", "video_name", "target", "generator", "source"], dtype=object)
    return frame.astype({"target": "Int8"})


LABELS = labels(
    [
        ("train", "a", 1, "g1", None),
        ("train", "b", 0, "real", None),
        ("train", "c", None, "g9", None),
        ("val", "c", 1, "g1", "s1"),
        ("val", "a", 0, None, None),
        ("val", "d", None, None, None),
        ("val", "e", 1, "g2", "s2"),
    ]
)


def test_join_counts_what_it_leaves_out() -> None:
    scores = pd.DataFrame({"video_name": ["a", "c", "d", "x"], "score": [0.1, 0.2, 0.3, 0.4]})
    made = join(LABELS, scores, {"a", "x"}, "val")
    assert made.target.tolist() == [0, 1]
    assert made.score.tolist() == [0.1, 0.2]
    assert made.source == [None, "s1"]
    assert made.generator == [None, "g1"]
    assert made.n_unscored == 1
    assert made.left_out == (
        "2 scored clips without a label are left out",
        "1 labelled clips without a row in the prediction file are left out",
    )


def test_left_out_and_unscored_clips_are_noted(params: EvaluateParams) -> None:
    notes = report(clips(left_out=("one", "two"), n_unscored=3), HALF, None, params).notes
    assert notes["n"] == "one; two"
    assert "prior" in notes["n_unscored"]


@pytest.mark.parametrize(
    ("split", "names", "reason"),
    [
        ("test", [], "no test split"),
        ("test", ["a"], "no labels for the test split"),
        ("val", ["x"], "both a label and a score"),
    ],
)
def test_an_empty_join_says_why(split: str, names: list[str], reason: str) -> None:
    scores = pd.DataFrame(
        {"video_name": pd.Series(names, dtype=object), "score": pd.Series([0.5] * len(names))}
    )
    made = join(LABELS, scores, set(), split)
    assert made.target.size == 0
    assert reason in made.why_empty


def test_generators_are_seen_in_the_labelled_fakes_of_training() -> None:
    assert seen_generators(LABELS) == {"g1"}
    assert seen_generators(LABELS.assign(generator=None)) is None
