"""The parts of a split: which clips are in each, and its figures against scikit-learn."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from avfake.evaluation import metrics, subgroups
from avfake.evaluation.delong import delong_interval
from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.plots import to_csv
from avfake.evaluation.split import SplitScores
from avfake.evaluation.subgroups import COLUMNS, MAX_GROUPS, NONE, SMALLER, divide, groups_table
from avfake.evaluation.threshold import Threshold
from avfake.params import EvaluateParams, load

HALF = Threshold(0.5, "half")
N = 240


@pytest.fixture
def params() -> EvaluateParams:
    return load(EvaluateParams).model_copy(update={"n_bootstrap": 60})


def split_of(n: int = N, seed: int = 0, columns: dict | None = None, **change: object) -> SplitScores:
    """Fakes of generators a, b, c; twelve sources; further columns as given."""
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    values: dict[str, object] = {
        "target": target,
        "score": np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1), 6),
        "source": [f"s{i // 2 % 12:02}" for i in range(n)],
        "generator": ["abc"[i // 2 % 3] if t else "real" for i, t in enumerate(target)],
        "n_unscored": 0,
        "left_out": (),
        "why_empty": "nothing here",
        "table": pd.DataFrame({"video_name": [f"{i:05}" for i in range(n)], **(columns or {})}, dtype=object),
    }
    return SplitScores(**(values | change))  # type: ignore[arg-type]


def table_of(split: SplitScores, params: EvaluateParams, seconds: np.ndarray | None = None) -> pd.DataFrame:
    if seconds is None:
        seconds = np.linspace(1, 9, split.target.size)
    return groups_table({"val": split}, {"val": seconds}, HALF, params)


def row_of(table: pd.DataFrame, column: str, group: str) -> pd.Series:
    found = table[(table["column"] == column) & (table["group"] == group)]
    assert len(found) == 1
    return found.iloc[0]


def check(table: pd.DataFrame) -> None:
    """What holds of every table: a null has its reason, nothing is out of range."""
    assert tuple(table.columns) == COLUMNS
    again = pd.read_csv(io.StringIO(to_csv(table)), keep_default_na=False)
    assert not (again == "nan").any(axis=None)
    for _, row in table.iterrows():
        if row[list(COLUMNS[6:-1])].isna().any():
            assert row["note"]
        assert row["n"] == row["n_real"] + row["n_fake"]
        if not np.isnan(row["auc_ci_low"]):
            assert 0 <= row["auc_ci_low"] <= row["auc"] <= row["auc_ci_high"] <= 1


def test_a_generators_fakes_stand_against_all_reals(params: EvaluateParams) -> None:
    split = split_of()
    table = table_of(split, params)
    check(table)
    names = np.array(split.generator)
    for name in "abc":
        row = row_of(table, "generator", name)
        rows = (split.target == 0) | (names == name)
        t, s = split.target[rows], split.score[rows]
        assert (row["n_real"], row["n_fake"]) == (N // 2, N // 6)
        assert row["auc"] == pytest.approx(roc_auc_score(t, s))
        assert row["eer"] == pytest.approx(metrics.eer(t, s))
        assert row["tpr_at_fpr_1e_2"] == pytest.approx(metrics.tpr_at_fpr(t, s, 0.01))
        assert np.isnan(row["tpr_at_fpr_1e_3"])
        assert row["recall"] == pytest.approx((s[t == 1] >= 0.5).mean())
        assert row["false_positive_rate"] == pytest.approx((s[t == 0] >= 0.5).mean())
        assert row["accuracy"] == pytest.approx(((s >= 0.5) == t).mean())
        assert row["mean_score_fake"] == pytest.approx(s[t == 1].mean())
        assert row["mean_score_real"] == pytest.approx(s[t == 0].mean())
        assert row["accuracy_ci_low"] < row["accuracy"] < row["accuracy_ci_high"]
        assert "against all real clips" in row["note"]
        assert "bootstrap by source (12 sources)" in row["note"]
        assert "no tpr_at_fpr_1e_3: needs at least 1000 real clips" in row["note"]
    assert not ((table["column"] == "generator") & (table["group"] == "real")).any()


def test_a_source_has_its_own_clips_and_delongs_interval(params: EvaluateParams) -> None:
    split = split_of()
    table = table_of(split, params)
    assert (table["column"] == "source").sum() == 12
    row = row_of(table, "source", "s03")
    rows = np.array(split.source) == "s03"
    made = delong_interval(split.target[rows], split.score[rows], 0.95)
    assert row["n"] == N // 12
    assert row["auc"] == pytest.approx(roc_auc_score(split.target[rows], split.score[rows]))
    assert (row["auc_ci_low"], row["auc_ci_high"]) == pytest.approx((made.low, made.high))
    assert "DeLong" in row["note"]


def test_wilsons_interval_by_hand(params: EvaluateParams) -> None:
    # 8 of 10 are right; Wilson's limits of 8 / 10 at 95 % are .4902 and .9433
    score = np.array([0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1])
    split = split_of(10, target=np.repeat([0, 1], 5), score=score, source=["x"] * 10)
    row = row_of(table_of(split, params), "source", "x")
    assert row["accuracy"] == 0.8
    assert (row["accuracy_ci_low"], row["accuracy_ci_high"]) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_a_further_column_is_a_grouping(params: EvaluateParams) -> None:
    language = [("en", "de", None)[i // 2 % 3] for i in range(N)]
    split = split_of(columns={"language": language, "home": "val", "split": "val", "target": 1, "score": 1})
    table = table_of(split, params)
    check(table)
    assert list(dict.fromkeys(table["column"])) == ["generator", "source", "language", "duration"]
    assert list(table.loc[table["column"] == "language", "group"]) == ["de", "en", NONE]
    rows = np.array([name == "en" for name in language])
    row = row_of(table, "language", "en")
    assert (row["n"], row["n_real"]) == (N // 3, N // 6)
    assert row["auc"] == pytest.approx(roc_auc_score(split.target[rows], split.score[rows]))
    assert "without a `language`" in row_of(table, "language", NONE)["note"]


def test_a_column_that_tells_the_classes_apart_describes_forgeries(params: EvaluateParams) -> None:
    forged = [("audio", "video")[i // 2 % 2] if i % 2 else "no" for i in range(N)]
    table = table_of(split_of(columns={"forged": forged}), params)
    check(table)
    assert (row_of(table, "forged", "audio")[["n_real", "n_fake"]] == [N // 2, N // 4]).all()
    real = row_of(table, "forged", "no")
    assert real["n_fake"] == 0
    assert np.isnan(real["auc"])
    assert real["accuracy"] == real["accuracy"]
    assert "one class only" in real["note"]


def test_quarters_of_the_length_of_sound(params: EvaluateParams) -> None:
    seconds = np.random.default_rng(0).permutation(np.arange(N) / 10)
    seconds[:8] = np.nan
    split = split_of()
    parts = {group.name: group for group in divide(split, seconds) if group.column == "duration"}
    assert len(parts) == 5
    assert sorted(len(group.rows) for group in parts.values()) == [8, 58, 58, 58, 58]
    assert parts[NONE].rows.tolist() == list(range(8))
    before = -1.0
    for name in sorted(set(parts) - {NONE}):
        of_part = seconds[parts[name].rows]
        assert of_part.min() > before
        before = of_part.max()
        assert name.endswith(f"({of_part.min():.2f} to {of_part.max():.2f} s)")
    check(table_of(split, params, seconds))


def test_clips_of_one_length_are_one_group(params: EvaluateParams) -> None:
    table = table_of(split_of(), params, np.full(N, 4.0))
    assert list(table.loc[table["column"] == "duration", "group"]) == ["1 (4.00 to 4.00 s)"]


def test_columns_without_a_value_say_so(params: EvaluateParams) -> None:
    split = split_of(source=[None] * N, generator=[None] * N, columns={"language": [None] * N})
    table = table_of(split, params, np.full(N, np.nan))
    check(table)
    assert (table["n"] == 0).all()
    assert list(table["note"]) == [
        "no fake of this split has a `generator`",
        "no clip of this split has a `source`",
        "no clip of this split has a `language`",
        "no clip of this split has a known length of sound",
    ]


def test_fakes_without_a_generator_are_a_group(params: EvaluateParams) -> None:
    names = [None if name == "c" else name for name in split_of().generator]
    table = table_of(split_of(generator=names), params)
    check(table)
    row = row_of(table, "generator", NONE)
    assert (row["n_real"], row["n_fake"]) == (N // 2, N // 6)
    assert "fakes without a `generator`" in row["note"]


def test_three_clips_in_a_group(params: EvaluateParams) -> None:
    source = ["big"] * (N - 3) + ["small"] * 3
    split = split_of(source=source)
    table = table_of(split, params)
    check(table)
    row = row_of(table, "source", "small")  # fake, real, fake
    assert (row["n_real"], row["n_fake"]) == (1, 2)
    assert row["auc"] == roc_auc_score(split.target[-3:], split.score[-3:])
    assert np.isnan(row["auc_ci_low"])
    assert "no auc_ci_low, auc_ci_high: DeLong's variance needs two clips of each class" in row["note"]


def test_one_class_in_a_group_and_in_a_split(params: EvaluateParams) -> None:
    source = ["fakes" if t else f"s{i % 4}" for i, t in enumerate(split_of().target)]
    table = table_of(split_of(source=source), params)
    check(table)
    row = row_of(table, "source", "fakes")
    assert np.isnan(row["auc"])
    assert np.isnan(row["false_positive_rate"])
    assert row["recall"] == row["accuracy"]
    assert "no real one" in row["note"]
    assert "no real clip in the group" in row["note"]
    only_fakes = table_of(
        split_of(target=np.ones(N, dtype=np.int64), generator=["a", "b"] * (N // 2)), params
    )
    check(only_fakes)
    assert only_fakes["auc"].isna().all()
    assert list(only_fakes.loc[only_fakes["column"] == "generator", "n_fake"]) == [N // 2, N // 2]


def test_identical_scores_are_told(params: EvaluateParams) -> None:
    table = table_of(split_of(score=np.full(N, 0.5)), params)
    check(table)
    assert (table["auc"] == 0.5).all()
    assert table["note"].str.contains("all scores are identical").all()


def test_an_empty_split_has_a_row_with_its_reason(params: EvaluateParams) -> None:
    empty = split_of(0, columns={"language": []})
    table = table_of(empty, params, np.zeros(0))
    check(table)
    assert table[["split", "n", "note"]].to_numpy().tolist() == [["val", 0, "nothing here"]]


def test_without_a_threshold_there_is_no_decision(params: EvaluateParams) -> None:
    made = groups_table(
        {"val": split_of()}, {"val": np.ones(N)}, NoFigure("no threshold, for a reason"), params
    )
    check(made)
    assert made[["recall", "accuracy", "accuracy_ci_low"]].isna().all(axis=None)
    assert made["note"].str.contains("no threshold, for a reason").all()
    assert made["auc"].notna().all()


def test_groups_that_differ_by_case_are_two(params: EvaluateParams) -> None:
    source = [("Anna", "anna")[i // 2 % 2] for i in range(N)]
    table = table_of(split_of(source=source), params)
    assert list(table.loc[table["column"] == "source", "group"]) == ["Anna", "anna"]


def test_a_value_per_clip_is_no_grouping(params: EvaluateParams) -> None:
    table = table_of(split_of(columns={"take": [f"t{i}" for i in range(N)]}), params)
    check(table)
    assert (table["column"] == "take").sum() == 1
    row = row_of(table, "take", "")
    assert row["n"] == 0
    assert row["note"] == f"{N} values for {N} clips: too many to be groups"


def test_the_smallest_of_very_many_groups_are_taken_together() -> None:
    n = 3 * (MAX_GROUPS + 10)
    values = [f"v{i % (MAX_GROUPS + 10):04}" for i in range(n)]
    split = split_of(n, source=[*values[:-10], *["v0000"] * 10])
    parts = [group for group in divide(split, np.ones(n)) if group.column == "source"]
    assert len(parts) == MAX_GROUPS + 1
    assert parts[-1].name == SMALLER
    # the ten sources that lost a clip are the smallest
    assert sorted({split.source[i] for i in parts[-1].rows}) == [f"v{i:04}" for i in range(300, 310)]
    assert sum(len(group.rows) for group in parts) == n


def test_the_order_of_the_clips_changes_nothing(params: EvaluateParams) -> None:
    split = split_of(source=[None] * N)
    seconds = np.random.default_rng(1).uniform(1, 9, N)
    turned = split_of(
        target=split.target[::-1],
        score=split.score[::-1],
        source=[None] * N,
        generator=split.generator[::-1],
    )
    assert to_csv(table_of(split, params, seconds)) == to_csv(table_of(turned, params, seconds[::-1]))


def test_one_group_more_changes_no_other_interval(params: EvaluateParams) -> None:
    few = table_of(split_of(), params)
    more = table_of(split_of(columns={"language": ["en", "de"] * (N // 2)}), params)
    merged = few.merge(more, on=["split", "column", "group"], suffixes=("", "_more"))
    assert len(merged) == len(few)
    assert (merged["auc_ci_low"] == merged["auc_ci_low_more"]).all()
    assert subgroups.DURATION in set(merged["column"])
