"""Each shortcut, planted in a table of facts: the audit names it, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from audit_tables import audit_params, clean_table, of_class
from avfake.audit.shortcuts import ALL, measure
from avfake.audit.verdict import Finding, of_shortcuts

PARAMS = audit_params(folds=2)
# What every fake has more of.
SHIFTS = {
    "sound_seconds": 6.0,
    "audio_minus_video_seconds": 0.2,
    "leading_silence_seconds": -0.15,
    "trailing_silence_seconds": 1.0,
    "rms_db": 8.0,
    "peak_db": -8.0,
    "bandwidth_hz": 3000.0,
    "cutoff_hz": -4000.0,
    "left_right_db": -25.0,
    "bit_rate": 300e3,
    "audio_bit_rate": -32e3,
    "video_bit_rate": 400e3,
    "file_bytes": -300e3,
    "bytes_per_second": 40e3,
    "video_fps": -15.0,
}
CATEGORIES = {"encoder": "Lavc61", "container": "avi", "audio_codec": "opus", "video_codec": "vp9"}


def findings(table: pd.DataFrame) -> list[Finding]:
    return of_shortcuts(measure(table, PARAMS), table, PARAMS)


def named(table: pd.DataFrame) -> dict[str, str]:
    """Level by subject, of everything that the audit complains of."""
    return {finding.subject: finding.level for finding in findings(table)}


@pytest.mark.parametrize(("fact", "shift"), SHIFTS.items(), ids=SHIFTS)
def test_a_planted_number_is_named(fact, shift):
    table = clean_table(1, sources=0)
    fakes = of_class(table, 1)
    if fact == "leading_silence_seconds":  # the known case: forged speech begins at once
        table.loc[fakes, fact] = 0.0
        table.loc[~fakes, fact] += 0.05
    else:
        table.loc[fakes, fact] += shift
    made = findings(table)
    assert [(finding.subject, finding.level) for finding in made] == [(ALL, "fail"), (fact, "fail")]
    assert f"carried by `{fact}`" in made[0].text
    assert f"`{fact}` alone tells real from fake" in made[1].text
    assert "audit.fail_auc 0.8" in made[1].text


@pytest.mark.parametrize(("fact", "value"), CATEGORIES.items(), ids=CATEGORIES)
def test_a_planted_category_is_named(fact, value):
    table = clean_table(2, sources=0)
    table.loc[of_class(table, 1), fact] = value
    made = findings(table)
    assert [(finding.subject, finding.level) for finding in made] == [(ALL, "fail"), (fact, "fail")]
    assert f"`{value}`" in made[1].text


def test_a_planted_resolution_is_named_by_both_its_sides():
    table = clean_table(3)
    table.loc[of_class(table, 1), ["video_width", "video_height"]] = [224.0, 224.0]
    assert named(table) == {ALL: "fail", "video_width": "fail", "video_height": "fail"}


@pytest.mark.parametrize("fact", ["left_right_db", "encoder"])
def test_a_fact_that_only_fakes_lack_is_named(fact):
    table = clean_table(4)
    table[fact] = "x" if fact == "encoder" else np.random.default_rng(0).normal(-40, 5, len(table))
    table.loc[of_class(table, 1), fact] = None
    made = findings(table)
    assert {finding.subject for finding in made} == {ALL, fact}
    assert "fake none" in made[1].text


def test_a_fact_that_tells_without_a_direction_is_named():
    """Fakes all have a middling length: neither longer nor shorter than real clips."""
    table = clean_table(5)
    fakes = of_class(table, 1)
    table.loc[fakes, "sound_seconds"] = np.random.default_rng(0).uniform(5.7, 6.3, fakes.sum())
    assert set(named(table)) == {ALL, "sound_seconds"}


def test_a_fact_in_the_other_direction_outside_training_is_no_shortcut():
    """What a detector learns in training then makes it worse, not better."""
    table = clean_table(6)
    for split, sign in (("train", 1), ("val", -1), ("test", -1)):
        table.loc[of_class(table, 1, split), "rms_db"] += 8 * sign
    made = findings(table)
    assert [(finding.subject, finding.level) for finding in made] == [(ALL, "warn")]
    assert "on training (cross-validated)" in made[0].text
    assert "on validation" not in made[0].text
    assert "carried by `rms_db`" in made[0].text


def test_a_weak_shortcut_warns():
    table = clean_table(7, {"train": 400, "val": 200, "test": 200})
    fakes = of_class(table, 1)
    table.loc[fakes, "audio_bit_rate"] += 5e3
    made = measure(table, PARAMS)
    found = of_shortcuts(made, table, PARAMS)
    assert [(finding.subject, finding.level) for finding in found] == [
        (ALL, "warn"),
        ("audio_bit_rate", "warn"),
    ]
    assert of_shortcuts(made, table, PARAMS.model_copy(update={"warn_auc": 0.79})) == []
