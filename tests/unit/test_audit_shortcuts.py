"""The models of facts and their tests of significance, against scikit-learn, scipy and hand-made cases."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from audit_tables import audit_params, clean_table, of_class
from avfake.audit.facts import FACTS, NAMES
from avfake.audit.shortcuts import ALL, SPLITS, Auc, csv_table, fold_p, measure, rank_sum_p
from avfake.audit.trees import auc_of, cross_validated, fit, folds_of
from avfake.audit.verdict import level_of, of_shortcuts
from avfake.evaluation.metrics import Interval, NoFigure

PARAMS = audit_params(folds=2)
SMALL = {"train": 24, "val": 12, "test": 12}
NUMBER, CATEGORY = np.array([False]), np.array([True])


def reasons(table) -> dict[tuple[str, str], str]:
    made = measure(table, PARAMS)
    assert of_shortcuts(made, table, PARAMS) == []
    return {key: auc.reason for key, auc in made.auc.items() if isinstance(auc, NoFigure)}


def test_every_figure_has_an_entry_and_the_same_run_gives_the_same():
    table = clean_table(0, SMALL)
    made = measure(table, PARAMS)
    assert set(made.auc) == {(ALL, split) for split in SPLITS} | {
        (name, split) for name in NAMES for split in ("val", "test")
    }
    assert measure(table, PARAMS) == made
    assert csv_table(made)["fact"].tolist()[:3] == [ALL] * 3


def test_a_table_without_a_test_split():
    assert set(reasons(clean_table(0, {"train": 24, "val": 12})).values()) == {
        "no labelled clip of this split could be opened"
    }


def test_a_split_of_one_class():
    table = clean_table(0, SMALL)
    found = reasons(table[~of_class(table, 1, "val")])
    assert len(found) == 1 + len(NAMES)
    assert set(found.values()) == {"one class only: 6 real clips and no fake one"}


def test_training_of_one_class():
    table = clean_table(0, SMALL)
    found = reasons(table[~of_class(table, 0, "train")])
    assert len(found) == 3 + 2 * len(NAMES)
    assert all("nothing can be learnt in training: one class only" in reason for reason in found.values())


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_hardly_any_clips(n):
    table = clean_table(0, {"train": n, "val": n, "test": n}, sources=0)
    found = reasons(table)
    if n == 0:
        assert found[ALL, "val"] == "no labelled clip of training could be opened"
    else:
        assert "two clips of each class" in found[ALL, "train"] or "one class" in found[ALL, "train"]


def test_facts_that_no_clip_has():
    table = clean_table(0, SMALL)
    for fact in FACTS:
        table[fact.name] = None if fact.category else np.nan
    assert set(reasons(table).values()) == {"no clip of training has it"}


def test_facts_that_are_the_same_everywhere_tell_nothing():
    table = clean_table(0, SMALL)
    for fact in FACTS:
        table[fact.name] = "x" if fact.category else 1.0
    made = measure(table, PARAMS)
    assert {auc.value for auc in made.auc.values() if isinstance(auc, Auc)} == {0.5}
    assert not any(auc.varies for auc in made.auc.values() if isinstance(auc, Auc))
    assert of_shortcuts(made, table, PARAMS) == []


def test_a_source_is_in_one_fold():
    y = np.arange(40) % 2
    source = [f"voice {place // 4}" for place in range(40)]
    fold, how = folds_of(y, source, 5, 0)
    assert how == "cross-validated, 5 folds by source"
    assert all(len(set(fold[4 * voice : 4 * voice + 4])) == 1 for voice in range(10))
    assert sorted(set(fold)) == [0, 1, 2, 3, 4]


def test_fewer_sources_than_folds():
    y = np.arange(20) % 2
    assert folds_of(y, ["a", "b"] * 5 + ["b", "a"] * 5, 5, 0)[1] == "cross-validated, 2 folds by source"
    assert folds_of(y, ["a"] * 20, 5, 0)[1] == "cross-validated, 5 folds of single clips"
    assert folds_of(y, [None] * 20, 5, 0)[1] == "cross-validated, 5 folds of single clips"
    fold, how = folds_of(y, ["a"] * 8 + [None] * 12, 3, 0)
    assert how == "cross-validated, 3 folds by source"
    assert len(set(fold[:8])) == 1


def test_sources_of_one_class_each_are_handled():
    """The folds' counterparts hold one class only: nothing can be fitted, and the scores say so."""
    y = np.repeat([0, 1], 10)
    fold, _ = folds_of(y, ["real voice"] * 10 + ["forger"] * 10, 5, 0)
    assert set(cross_validated(np.arange(20.0)[:, None], y, NUMBER, fold, 0)) == {0.5}


def test_one_number_without_order_and_with_gaps():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = np.where(y == 1, rng.uniform(-1, 1, 200), rng.choice([-3.0, 3.0, np.nan], 200))[:, None]
    assert auc_of(y, fit(x, y, NUMBER, 0).score(x)) == 1.0


def test_one_category_scores_with_its_share_of_fakes():
    codes, y = np.array([0.0, 0, 0, 1, 1, 1])[:, None], np.array([0, 0, 1, 1, 1, 0])
    score = fit(codes, y, CATEGORY, 0).score(np.array([[0.0], [1], [np.nan], [7]]))
    # Both classes weigh the same; a share is pulled towards one half by two clips of weight 1.
    assert score == pytest.approx([(1 + 1) / (3 + 2), (2 + 1) / (3 + 2), 0.5, 0.5])


@pytest.mark.parametrize("n", [6, 40, 500])
def test_the_rank_sum_test_is_that_of_scipy(n):
    rng = np.random.default_rng(n)
    target, score = np.arange(n) % 2, rng.random(n).round(1 if n > 6 else 6)
    method = "auto" if n <= 200 else "asymptotic"
    expected = mannwhitneyu(score[target == 1], score[target == 0], alternative="greater", method=method)
    assert rank_sum_p(target, score) == expected.pvalue
    assert auc_of(target, score) == pytest.approx(roc_auc_score(target, score))
    assert rank_sum_p(target, np.full(n, 0.3)) == 1.0


def test_one_fold_is_the_rank_sum_test_and_more_folds_are_more_careful():
    rng = np.random.default_rng(0)
    target = np.arange(400) % 2
    score = (rng.random(400) * 0.8 + 0.06 * target).round(2)
    plain = mannwhitneyu(
        score[target == 1],
        score[target == 0],
        alternative="greater",
        method="asymptotic",
        use_continuity=False,
    ).pvalue
    assert fold_p(target, score, np.zeros(400, dtype=int)) == pytest.approx(plain)
    assert fold_p(target, score, np.arange(400) // 100) > plain
    assert fold_p(target, score, target) == 1.0


def test_cross_validation_of_chance_is_rarely_significant():
    """Folds depend on one another: a plain rank-sum test would call chance significant too often."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        y, x = np.arange(40) % 2, rng.standard_normal((40, 1))
        fold = np.repeat([0, 1], 20)
        found.append(fold_p(y, cross_validated(x, y, NUMBER, fold, 0), fold) < 0.05)
    assert np.mean(found) <= 0.1


@pytest.mark.parametrize(
    ("value", "low", "p", "split", "expected"),
    [
        (0.9, 0.8, 1e-6, "val", "fail"),
        (0.9, 0.8, 1e-6, "train", "warn"),
        (0.7, 0.6, 1e-6, "test", "warn"),
        (0.9, 0.49, 1e-6, "val", None),
        (0.9, 0.8, 0.01, "val", None),
        (0.64, 0.6, 1e-6, "val", None),
    ],
)
def test_when_an_auc_is_a_finding(value, low, p, split, expected):
    assert level_of(Auc(value, Interval(low, 1.0, ""), p, True), split, 40, PARAMS) == expected


def test_without_an_interval_chance_decides():
    none = NoFigure("most resamples hold one class only")
    assert level_of(Auc(0.9, none, 1e-6, True), "val", 40, PARAMS) == "fail"
    assert level_of(Auc(0.9, none, 0.1, True), "val", 40, PARAMS) is None
