"""What fails besides a drop: lost figures, audit, data, scores, and a gate that was loosened."""

import pytest

from avfake.gate import checks
from avfake.gate.pairs import pair
from gate_toys import GATE, labels, revision, scores

ROWS = [
    ("train", "t1", 1, "a", "s1"),
    ("train", "t0", 0, None, "s1"),
    ("val", "v1", 1, "a", "s2"),
    ("val", "v0", 0, None, "s2"),
    ("val", "V0", 0, None, "s2"),
]


def test_a_figure_that_was_there_must_stay():
    base = revision(
        {"evaluate": {"auc": 0.9, "eer": 0.1, "tpr": None, "n": 4}, "robustness": {"auc_worst": 0.5}}
    )
    head = revision(
        {"evaluate": {"auc": None, "n": 4, "new": 1.0, "tpr": None}},
        notes={"evaluate.auc": ["one class only"]},
    )
    rows, failures = checks.lost_figures(base, head)
    assert {(item.key, item.reason) for item in rows} == {
        ("auc", "null: one class only"), ("eer", "missing"), ("auc_worst", "missing"),
    }  # fmt: skip
    assert all(item.fails for item in rows)
    assert [item.text for item in failures] == [
        "metrics/evaluate.json no longer has `eer`",
        "metrics/evaluate.json: now null: `auc`",
        "metrics/robustness.json is gone (1 figures)",
    ]


def test_a_correlation_may_go_where_its_fact_no_longer_varies():
    base = revision({"audit": {"corr_rms_db_real": 0.4, "shortcut_auc_val": 0.6}})
    head = revision({"audit": {"corr_rms_db_real": None, "shortcut_auc_val": None}})
    rows, _ = checks.lost_figures(base, head)
    assert [row.key for row in rows] == ["shortcut_auc_val"]


def test_older_metrics_with_fewer_and_other_figures_lose_nothing():
    base = revision({"evaluate": {"auc": 0.9, "old_null": None}})
    assert checks.lost_figures(base, revision({"evaluate": {"auc": 0.2, "ece": 0.1}})) == ([], [])


@pytest.mark.parametrize(
    ("figures", "notes", "texts"),
    [
        ({"failures": 0}, {}, []),
        ({"failures": 2}, {"failures": ["one", "two"]}, ["audit: one", "audit: two"]),
        ({"failures": 2}, {}, ["metrics/audit.json counts 2 failures"]),
        ({"failures": None}, {}, ["metrics/audit.json has no count of failures"]),
        ({}, {}, ["metrics/audit.json has no count of failures"]),
        ({"failures": 0}, {"failures": ["left over"]}, []),
    ],
)
def test_the_audit(figures, notes, texts):
    failures, _ = checks.audit(revision({"audit": figures}, notes=notes))
    assert [item.text for item in failures] == texts


def test_warnings_of_the_audit_are_passed_on_and_no_audit_is_said():
    _, warnings = checks.audit(revision({"audit": {"failures": 0}}, notes={"warnings": ["bit rate tells"]}))
    assert warnings == ["audit: bit rate tells"]
    assert checks.audit(revision()) == (
        [],
        ["no audit of shortcuts and leaks (metrics/audit.json) is committed"],
    )


def test_unchanged_labels_say_nothing_even_where_one_revision_has_homes():
    before, after = labels(ROWS), labels(ROWS)
    after["home"] = after["split"]
    both = scores(before, {}), scores(after, {})
    assert checks.changed_data(revision(), revision(), both) == []


@pytest.mark.parametrize(
    ("at", "column", "value", "said"),
    [
        (2, "target", 0, "target of 1 clips changed, such as val/v1"),
        (0, "generator", "b", "generator of 1 clips changed, such as train/t1"),
        (1, "source", None, "source of 1 clips changed, such as train/t0"),
        (3, "video_name", "x0", "1 clips are added, such as val/x0"),
    ],
)
def test_changed_labels_are_named(at, column, value, said):
    after = labels(ROWS)
    after.loc[at, column] = value
    found = checks.changed_data(revision(), revision(), (scores(labels(ROWS), {}), scores(after, {})))
    assert said in found


def test_a_clip_that_moved_to_another_split_is_a_change():
    after = labels(ROWS)
    after["home"] = after["split"]
    after.loc[0, "split"] = "held_out"
    found = checks.changed_data(revision(), revision(), (scores(labels(ROWS), {}), scores(after, {})))
    assert found == ["split of 1 clips changed, such as train/t1"]


def test_changed_clips_are_seen_by_the_hash_of_the_root():
    params = {"data": {"root": "clips"}}
    base = revision(params=params, deps={"clips": "aa.dir"})
    head = revision(params=params, deps={"clips": "bb.dir"})
    moved = revision(params={"data": {"root": "other"}}, deps={"other": "aa.dir"})
    assert checks.changed_data(base, head, None) == [
        "the data root changed: clips (aa.dir) is now clips (bb.dir)"
    ]
    assert checks.changed_data(base, moved, None) == []
    assert checks.changed_data(base, revision(params=params), None) == []


def test_committed_figures_must_be_those_of_the_scores():
    table = labels(ROWS)
    made = scores(table, {"val": [0.9, 0.1, 0.2]})
    assert checks.unfaithful(revision({"evaluate": {"auc": 1.0}}), made) == []
    found = checks.unfaithful(revision({"evaluate": {"auc": 0.75}}), made)
    assert [item.text for item in found] == [
        "metrics/evaluate.json says AUC 0.7500, but the scores of head give 1.0000"
    ]
    one_class = scores(table[table["target"] == 0], {"val": [0.1, 0.2]})
    assert "one class only" in checks.unfaithful(revision({"evaluate": {"auc": 0.75}}), one_class)[0].text


def test_a_labelled_clip_that_is_no_longer_scored_fails_and_case_is_another_name():
    table = labels(ROWS)
    base = scores(table, {"val": [0.9, 0.1, 0.2]})
    head_clips = base.splits["val"].drop(["v1", "V0"]).rename(index={"v0": "v0"})
    found = checks.unscored({"val": pair(base.splits["val"], head_clips)}, base)
    assert (
        "prediction.csv: 2 labelled clips that base scored have no score in head: `V0`, `v1`" in found[0].text
    )
    renamed = base.splits["val"].drop("V0").rename(index={"v1": "V1"})
    both = pair(base.splits["val"], renamed)
    assert (both.only_base, both.only_head) == (("V0", "v1"), ("V1",))
    assert checks.other_case({"val": both}) == [
        "prediction.csv: 1 names differ by upper and lower case alone and count as other clips, "
        "such as v1 and V1"
    ]


def test_a_loosened_gate_is_said_and_the_stricter_values_count():
    looser = GATE | {
        "tolerance_auc": 0.5,
        "tolerance_eer": 0.0,
        "confidence": 0.999,
        "seed": 7,
        "n_bootstrap": 10,
    }
    base = revision(params={"gate": GATE, "audit": {"fail_auc": 0.8, "leaks": "fail"}})
    head = revision(params={"gate": looser, "audit": {"fail_auc": 1, "leaks": "warn"}})
    assert checks.loosened(base, head) == [
        "`gate.tolerance_auc` is loosened from 0.02 to 0.5",
        "`gate.confidence` is loosened from 0.95 to 0.999",
        "`audit.fail_auc` is loosened from 0.8 to 1",
        "`audit.leaks` is loosened from fail to warn",
    ]
    assert checks.stricter(GATE, looser) == GATE | {"tolerance_eer": 0.0}
    assert checks.stricter({}, looser) == looser
    assert checks.loosened(revision(), head) == []
