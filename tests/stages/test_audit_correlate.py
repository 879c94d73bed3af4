import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from audit_tables import audit_params, clean_table, of_class
from avfake.audit.correlate import Correlation, correlate, csv_table, within_chance, within_sources
from avfake.audit.facts import NAMES
from avfake.audit.verdict import of_correlations
from avfake.evaluation.metrics import NoFigure

PARAMS = audit_params()
SIZES = {"train": 40, "val": 80}


def scores(table: pd.DataFrame, along: np.ndarray | None = None, seed: int = 0) -> pd.DataFrame:
    """Scores of the validation clips: by chance, or rising with `along`, and higher for fakes."""
    val = table[table["split"] == "val"]
    random = np.random.default_rng(seed).random(len(val))
    value = random if along is None else 0.9 * pd.Series(along).rank(pct=True).to_numpy() + 0.1 * random
    return pd.DataFrame({"video_name": val["video_name"], "score": (value + val["target"].to_numpy()) / 2})


def of_val(table: pd.DataFrame, fact: str) -> np.ndarray:
    return table.loc[table["split"] == "val", fact].to_numpy()


def test_correlations_are_those_of_scipy_inside_each_class():
    table = clean_table(0, SIZES)
    score = scores(table, of_val(table, "rms_db"))
    made = correlate(table, score)
    assert set(made) == {(name, kind) for name in NAMES for kind in ("real", "fake")}
    for target, kind in enumerate(("real", "fake")):
        chosen = of_class(table, target, "val")
        in_class = score["video_name"].isin(table.loc[chosen, "video_name"])
        expected = spearmanr(table.loc[chosen, "rms_db"], score.loc[in_class, "score"])
        found = made["rms_db", kind]
        assert isinstance(found, Correlation)
        assert found.rho == pytest.approx(expected.statistic)
        assert found.p == pytest.approx(expected.pvalue)
        assert found.rho > 0.9
        assert found.n == 40


def test_a_fact_that_the_score_follows_is_named_and_no_other():
    table = clean_table(1, SIZES)
    made = correlate(table, scores(table, -of_val(table, "leading_silence_seconds")))
    found = of_correlations(list(made.values()), PARAMS)
    assert {(item.subject, item.level) for item in found} == {("leading_silence_seconds", "warn")}
    assert len(found) == 2
    assert "among the real clips of validation: rank correlation -0." in found[0].text + found[1].text
    assert of_correlations(list(made.values()), PARAMS.model_copy(update={"warn_correlation": 1.0})) == []


@pytest.mark.parametrize("seed", range(5))
def test_scores_by_chance_follow_nothing(seed):
    table = clean_table(seed, {"train": 40, "val": 24})
    made = correlate(table, scores(table, seed=seed))
    assert of_correlations(list(made.values()), PARAMS) == []


def test_a_difference_between_the_classes_is_no_correlation_inside_them():
    table = clean_table(2, SIZES)
    table.loc[of_class(table, 1), "sound_seconds"] += 100
    assert of_correlations(list(correlate(table, scores(table)).values()), PARAMS) == []


def test_a_category_counts_with_its_share_of_fakes_in_training():
    table = clean_table(3, {"train": 200, "val": 80})
    table["encoder"] = np.random.default_rng(3).choice(["a", "b"], len(table))
    train = table["split"] == "train"
    table.loc[train, "encoder"] = np.where(table.loc[train, "target"] == 1, "b", "a")
    made = correlate(table, scores(table, (of_val(table, "encoder") == "b").astype(float)))
    found = made["encoder", "real"]
    assert isinstance(found, Correlation)
    assert found.rho > 0.8
    other = correlate(table, scores(table, (of_val(table, "encoder") == "a").astype(float)))[
        "encoder", "real"
    ]
    assert isinstance(other, Correlation)
    assert other.rho < -0.8


def test_missing_and_constant_facts_and_scores_give_reasons():
    table = clean_table(4, SIZES)
    table["rms_db"] = 1.0
    table.loc[of_class(table, 1, "val"), "left_right_db"] = np.nan
    made = correlate(table, scores(table))
    for key, reason in {
        ("rms_db", "real"): "the same for all 40 real clips of validation",
        (
            "left_right_db",
            "fake",
        ): "0 fake clips of validation have both a score and this fact, 10 are needed",
        ("video_codec", "fake"): "the same for all 40 fake clips of validation",
    }.items():
        found = made[key]
        assert isinstance(found, NoFigure)
        assert found.reason == reason
    assert made["left_right_db", "real"].n < 40
    same = correlate(table, scores(table).assign(score=0.5))["bit_rate", "real"]
    assert isinstance(same, NoFigure)
    assert same.reason == "the score is the same for all 40 real clips of validation"


def test_few_clips_and_no_clips():
    table = clean_table(5, {"train": 10, "val": 10})
    for score in (scores(table), scores(table).head(0)):
        made = correlate(table, score)
        assert all(isinstance(item, NoFigure) for item in made.values())
        assert within_chance(made, PARAMS) == []
        assert csv_table(made).empty


def test_the_note_says_what_chance_explains():
    """Half of the tables with nothing in them should stay below it: nearly all do, at 95 %."""
    largest, limits = [], []
    for seed in range(6):
        table = clean_table(seed, SIZES)
        made = correlate(table, scores(table, seed=seed))
        note = within_chance(made, PARAMS)
        assert note[0].startswith("40 real clips: a rank correlation below 0.")
        limits.append(float(note[0].split("below ")[1].split(" ")[0]))
        largest.append(max(abs(item.rho) for item in made.values() if isinstance(item, Correlation)))
    assert 0.4 < np.mean(limits) < 0.6
    assert np.mean(np.array(largest) < limits) >= 0.8


def test_a_correlation_that_the_sources_make_vanishes_inside_them():
    """Two sources, one louder and scored higher; inside each, score and loudness have nothing in common."""
    rng = np.random.default_rng(0)
    source = ["loud", "quiet"] * 40
    values, score = rng.normal(0, 1, 80), rng.normal(0, 1, 80)
    values[::2] += 8
    score[::2] += 8
    assert spearmanr(values, score).statistic > 0.6
    inside = within_sources(values, score, source)
    by_hand = [spearmanr(values[start::2], score[start::2]).statistic for start in (0, 1)]
    assert inside == pytest.approx(np.mean(by_hand))
    assert abs(inside) < 0.3
    assert within_sources(values, values, source) == pytest.approx(1)
    assert within_sources(values, score, ["one"] * 80) is None
    assert within_sources(values, score, [None] * 80) is None
    assert within_sources(values, score, [str(n) for n in range(80)]) is None
    assert within_sources(np.ones(80), score, source) is None


def test_the_sentence_says_what_is_left_inside_the_sources():
    table = clean_table(1, SIZES, sources=4)
    made = correlate(table, scores(table, of_val(table, "rms_db")))
    assert "; inside single sources 0." in of_correlations(list(made.values()), PARAMS)[0].text
    assert csv_table(made)["within_sources"].notna().any()
    without = clean_table(1, SIZES, sources=0)
    made = correlate(without, scores(without, of_val(without, "rms_db")))
    assert "inside" not in of_correlations(list(made.values()), PARAMS)[0].text
