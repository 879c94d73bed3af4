"""The workflow of pull requests, and the page that documents the gate."""

import re

import yaml

from avfake.gate import machine
from gate_toys import report, row
from workspace import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/gate.yml").read_text())
STEPS = WORKFLOW["jobs"]["gate"]["steps"]
PAGE = (ROOT / "docs/gate.md").read_text()


def step(name: str) -> dict:
    return next(item for item in STEPS if item.get("name") == name)


def test_the_whole_history_is_fetched_and_no_token_may_do_more_than_comment():
    assert STEPS[0]["with"]["fetch-depth"] == 0
    assert STEPS[0]["with"]["persist-credentials"] is False
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_the_gate_is_the_script_that_the_tests_run():
    assert "scripts/ci_gate.sh" in step("Gate")["run"]
    assert not re.search(r"\$\{\{", step("Gate")["run"]), "text of a pull request never becomes shell code"


def test_table_and_comment_come_when_the_gate_failed_too():
    names = [item.get("name") for item in STEPS]
    for name in ("Table and plots", "Comment"):
        assert step(name)["if"].startswith("always()")
        assert names.index(name) > names.index("Gate")
    assert "gate/gate.md" in step("Comment")["run"]
    assert "head.repo.full_name == github.repository" in step("Comment")["if"]


def test_the_page_names_every_key_of_the_json():
    made = machine.as_json(report([row("worse")]))
    for key in {*made, *made["figures"][0], *made["base"], "message", "remedy", "check", "text"}:
        assert f"`{key}`" in PAGE, key
    for check in ("figure", "lost", "audit", "stages", "data", "scores"):
        assert f"`{check}`" in PAGE, check


def test_the_page_says_that_dvc_alone_decides_nothing():
    assert "`dvc metrics diff` alone never fails" in PAGE
    assert "python -m benchmarks.gate_power" in PAGE
