"""Report and card as text: values shown as they are, nulls with their reason, the same text every time."""

import pandas as pd

from avfake.bundle import facts, pages
from avfake.bundle.figures import Figures
from avfake.bundle.pictures import pictures
from inspected import Page


def figures(metrics, notes=None) -> Figures:
    return Figures(metrics, notes or {})


def test_a_figure_has_its_interval_or_the_reason_why_not():
    values = {
        "auc": 0.5, "auc_ci_low": 0.25, "auc_ci_high": 0.75, "ap": None, "n": 12, "f1": None,
        "eer": 0.125, "eer_ci_low": None, "eer_ci_high": None,
    }  # fmt: skip
    notes = {
        "evaluate.ap": ["one class"],
        "evaluate.eer_ci_low": ["too few"],
        "evaluate.auc_ci_low": ["DeLong"],
    }
    made = figures({"evaluate": values}, notes)
    assert made.whole("evaluate", "auc") == "0.500 (0.250 to 0.750)"
    assert made.whole("evaluate", "eer") == "0.125 (no interval: too few)"
    assert made.whole("evaluate", "ap") == "none: one class"
    assert made.whole("evaluate", "f1") == "none: the run gave no reason"
    assert made.plain("evaluate", "n") == "12"
    assert made.plain("evaluate", "brier") == "none: metrics/evaluate.json does not hold it"
    assert made.plain("audit", "failures") == "none: metrics/audit.json is not part of this commit"
    assert made.kinds("evaluate", ["auc", "eer"]) == {"DeLong": ["auc"]}


def test_a_report_has_the_settings_of_the_front_ends_chosen():
    params = {
        "front_end": ["lfcc"],
        "hop_length": 256,
        "trim_db": None,
        "lfcc": {"deltas": 1},
        "cqt": {"fmin": 30.0},
    }
    assert facts._front_end(params) == {"hop_length": 256, "trim_db": "none", "lfcc.deltas": 1}
    assert facts._front_end(params | {"front_end": ["baseline_image"]}) == {}
    assert facts._front_end({}) == {}


def test_what_a_name_holds_is_shown_and_not_obeyed(tmp_path):
    name = "a|b*c*_d_<img src=x>[e](http://f)`\x1b\n"
    text = (
        f"# Title\n\n| x |\n| --- |\n| {pages._finalize(name)} |\n\n{pages.code(name)} {pages.strong(name)}\n"
    )
    page = Page(pages.html(text, {}))
    shown = "a|b*c*_d_<img src=x>[e](http://f)`\\x1b\\n"
    assert page.rows == [["x"], [shown]]
    assert page.text.count(shown) == 3
    assert not page.all("img")
    assert not page.all("a")


def test_code_in_a_remark_stays_code():
    assert pages._finalize("follows `a_b` <here>") == "follows `a_b` \\<here\\>"


def test_pictures_are_the_same_bytes_and_stand_in_the_page_as_data():
    made = figures({"evaluate": {"auc": 0.5, "auc_ci_low": 0.25, "auc_ci_high": 0.75, "auc_unseen": None}})
    first, second = pictures(made, {}), pictures(made, {})
    assert first == second
    assert list(first) == ["auc.svg"]
    assert b"DOCTYPE" not in first["auc.svg"]
    page = Page(pages.html("# T\n\n## One\n\n![AUC](pictures/auc.svg)\n", first))
    assert page.all("img")[0]["src"].startswith("data:image/svg+xml;base64,")
    assert page.all("img")[0]["alt"] == "AUC"
    assert page.all("h2")[0]["id"] == page.all("a")[0]["href"].removeprefix("#")


def test_empty_fields_of_a_table_are_said_with_their_reason():
    note = "against all real clips; no auc: one class only; no eer: one class only"
    row = {
        "split": "val",
        "column": "generator",
        "group": "g",
        "n_fake": "0",
        "auc": "",
        "recall": "",
        "note": note,
    }
    found = facts._groups([row, {**row, "column": "source"}])
    assert found == [
        {
            "split": "validation",
            "name": "g",
            "n": "0",
            "recall": f"none: {note}",
            "auc": "none: one class only",
        }
    ]


def test_clips_are_counted_by_split_with_those_held_out_beside_training():
    rows = [
        ("val", 1, "g", None),
        ("train", 0, "real", "s"),
        ("held_out", 1, "h", None),
        ("train", None, None, None),
    ]
    labels = pd.DataFrame(rows, columns=["split", "target", "generator", "source"], dtype=object)
    labels = labels.assign(target=labels["target"].astype("Int8"))
    assert [row["split"] for row in facts.clip_counts(labels)] == [
        "training",
        "held out of training",
        "validation",
    ]
    assert facts.clip_counts(labels)[0] == {
        "split": "training", "real": "1", "fake": "0", "unlabelled": "1", "derived": "0", "sources": "1"
    }  # fmt: skip
    assert [(row["name"], row["seen"]) for row in facts.generators(labels)] == [("g", False), ("h", False)]
    assert facts.sources(labels) == {"training": 1, "held out of training": 0, "validation": 0}
