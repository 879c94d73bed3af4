"""What an interval shows, what decides, and how it is told to people and machines."""

import json

import pytest

from avfake.evaluation.metrics import Interval
from avfake.gate import machine
from avfake.gate.markdown import MOST_CHARACTERS, markdown, refusal
from avfake.gate.stages import Stale
from avfake.gate.text import text
from avfake.gate.verdict import KINDS, Clips, Failure, decides
from gate_toys import report, row


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (-0.30, -0.10, "worse"),
        (-0.30, -0.0201, "worse"),
        (-0.30, -0.02, "undecided"),
        (-0.30, 0.10, "undecided"),
        (-0.02, -0.01, "no worse"),
        (0.0, 0.0, "no worse"),
        (-0.01, 0.2, "no worse"),
        (0.01, 0.2, "better"),
    ],
)
def test_what_an_interval_shows(low, high, state):
    assert KINDS["auc"].judge(Interval(low, high, ""), 0.02) == state
    assert KINDS["eer"].judge(Interval(-high, -low, ""), 0.02) == state


def test_validation_decides_and_of_the_test_only_the_headline():
    assert all(decides("val", key) for key in KINDS)
    assert [key for key in KINDS if decides("test", key)] == ["auc_unseen"]
    assert row("worse").fails
    assert not row("worse", decides=False).fails
    assert row("lost").fails
    assert not row("undecided").fails


def test_the_comment_has_one_table_and_everything_else_folded():
    made = report(
        [
            row("worse"),
            row("worse", "ece", "test", decides=False),
            row("better", "eer"),
            row("lost", reason="missing"),
        ],
        failures=[Failure("figure", "AUC fell | badly")],
        warnings=["look\nhere"],
        clips=[Clips("val", 80, 1, 2, 3)],
        stale=[Stale("train", ("its command changed",))],
    )
    comment = markdown(made, "| metrics |", "")
    assert comment.startswith("## avfake gate: failed ❌\n")
    assert comment.count("| | figure |") == 1
    assert "- AUC fell \\| badly" in comment
    assert "- look here" in comment
    assert "| ❌ | AUC, validation | 0.9000 | 0.7000 | -0.2000 | -0.3000 to -0.1000 |" in comment
    assert "| ⚠️ | ECE, test |" in comment
    assert "80 clips that both scored (1 in base alone, 2 in head alone, 3 labelled otherwise" in comment
    assert "- `train` would run: its command changed" in comment
    assert comment.count("<details>") == comment.count("</details>") == 4


def test_a_long_diff_is_cut_so_that_the_comment_is_accepted():
    line = "| metrics/audit.json | fact | 0.1 | 0.2 |\n"
    comment = markdown(report(), (line * 3000).rstrip(), (line * 3000).rstrip())
    assert len(comment) < 65_536
    assert f"{3000 - MOST_CHARACTERS // len(line)} more lines: `dvc metrics diff`" in comment


def test_many_lost_figures_are_counted():
    comment = markdown(report([row("lost", f"auc_{i}") for i in range(40)]), "", "")
    assert "| ❌ | 25 more figures are lost |" in comment


def test_a_refusal_tells_the_remedy():
    assert "**Remedy:** fetch it" in refusal("no scores", "fetch it")
    assert machine.refusal("main", "HEAD", "no scores", "fetch it")["verdict"] == "error"


def test_the_terminal_shows_failures_and_the_verdict_last():
    made = report([row("worse")], failures=[Failure("figure", "AUC fell")], warnings=["stale base"])
    lines = text(made).splitlines()
    assert lines[0].split() == ["figure", "base", "head", "difference", "interval", "verdict"]
    assert lines[1].startswith("x  AUC, validation  0.9000  0.7000  -0.2000")
    assert lines[-3:] == ["failed: AUC fell", "look at: stale base", "gate: failed"]
    assert text(report()).endswith("gate: passed")


def test_json_for_machines_is_plain():
    made = machine.as_json(report([row("worse"), row("new", "eer", base=None, difference=None)]))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["verdict"] == "pass"  # failures decide, which `judge` collects from the rows
    assert (
        made["figures"][0] | {"low": -0.3, "fails": True, "file": "metrics/evaluate.json"}
        == made["figures"][0]
    )
    assert made["figures"][1]["low"] is None
