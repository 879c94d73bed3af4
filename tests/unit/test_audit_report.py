"""The figures and sentences that are written, and what `avfake audit` makes of them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from audit_tables import audit_params, clean_table, of_class
from avfake.audit.correlate import correlate
from avfake.audit.equalise import Equalised, Target
from avfake.audit.facts import NAMES
from avfake.audit.leaks import COLUMNS, KINDS, Leaks
from avfake.audit.report import Audit, report
from avfake.audit.shortcuts import measure
from avfake.audit.text import as_text
from avfake.cli.audit import audit as command
from avfake.evaluation.metrics import Interval, NoFigure
from avfake.files import write_json

PARAMS = audit_params(folds=2)
PAIRS = [("sound", "train", "a.mp4", "val", f"b{place}.mp4", 0.9) for place in range(5)]
EQUAL = Equalised(
    40, 0.9, 0.7, Interval(0.6, 0.8, "how"), 0.2, Interval(0.1, 0.3, "paired"), Target(-40.0, 7000.0, 3.0)
)


def leaks(pairs=(), sources=None) -> Leaks:
    table = pd.DataFrame(list(pairs), columns=COLUMNS)
    counts: dict[str, int | None] = {kind: int((table["kind"] == kind).sum()) for kind in KINDS}
    counts["derived"] = None
    reasons = {"derived": "the labels have no column `derived_from`"}
    return Leaks(table, sources or {}, [], dict(counts), counts, reasons)


def made(table: pd.DataFrame | None = None, **parts):
    table = clean_table(0, {"train": 24, "val": 24, "test": 24}, sources=0) if table is None else table
    val = table[table["split"] == "val"]
    score = pd.DataFrame(
        {"video_name": val["video_name"], "score": np.random.default_rng(0).random(len(val))}
    )
    none = NoFigure("the data root has no such split")
    whole = {
        "table": table, "unreadable": {}, "shortcuts": measure(table, PARAMS),
        "correlations": correlate(table, score), "equalised": {"val": none, "test": none}, "leaks": leaks(),
    } | parts  # fmt: skip
    return Audit(**whole)


@pytest.fixture(scope="module")
def clean() -> Audit:
    return made()


def changed(audit: Audit, **parts) -> Audit:
    return Audit(**vars(audit) | parts)


def test_every_promised_key_is_there_and_every_null_has_its_reason(clean):
    done = report(clean, PARAMS)
    promised = {"failures", "warnings", "n_train", "n_val", "n_test", "n_unreadable", "leak_source"}
    promised |= {f"leak_{kind}" for kind in KINDS} | {f"leak_{kind}_clips" for kind in KINDS}
    ends = ("", "_ci_low", "_ci_high")
    promised |= {f"shortcut_auc_{split}{end}" for split in ("train_cv", "val", "test") for end in ends}
    for split in ("val", "test"):
        promised |= {f"fact_{name}_auc_{split}" for name in NAMES} | {f"n_equalised_{split}"}
        promised |= {f"{key}_equalised_{split}{end}" for key in ("auc", "drop") for end in ends}
    promised |= {f"corr_{name}_{kind}" for name in NAMES for kind in ("real", "fake")}
    assert set(done.figures) == promised
    nulls = {key for key, value in done.figures.items() if value is None}
    assert nulls
    assert nulls <= {key.removeprefix("audit.") for key in done.notes}
    assert done.figures["failures"] == done.figures["warnings"] == 0
    assert done.notes["failures"] == done.notes["warnings"] == []
    assert json.loads(json.dumps(done.figures, allow_nan=False)) == done.figures
    assert all(isinstance(text, str) for texts in done.notes.values() for text in texts)


def test_leaks_are_named_as_the_parameter_says(clean):
    leaking = changed(clean, leaks=leaks(PAIRS, {"anna": ["train", "test"]}))
    for level, key in (("fail", "failures"), ("warn", "warnings")):
        done = report(leaking, PARAMS.model_copy(update={"leaks": level}))
        assert done.figures[key] == 2
        assert done.notes[key] == [
            "5 pairs of clips in two splits have nearly the same sound (5 clips outside training concerned): "
            "train/a.mp4 and val/b0.mp4; train/a.mp4 and val/b1.mp4; train/a.mp4 and val/b2.mp4; and 2 more",
            "1 source is in more than one split: `anna` (train, test)",
        ]
    done = report(leaking, PARAMS.model_copy(update={"leaks": "ignore"}))
    assert done.figures["failures"] == done.figures["warnings"] == 0
    assert done.figures["leak_sound"] == 5
    assert done.figures["leak_source"] == 1
    assert done.figures["leak_derived"] is None


def test_like_pictures_warn_at_most(clean):
    picture = changed(clean, leaks=leaks([("picture", "train", "a.mp4", "val", "b.mp4", 0.95)]))
    for level in ("fail", "warn"):
        done = report(picture, PARAMS.model_copy(update={"leaks": level}))
        assert (done.figures["failures"], done.figures["warnings"]) == (0, 1)
        assert "nearly the same picture" in done.notes["warnings"][0]
    assert report(picture, PARAMS.model_copy(update={"leaks": "ignore"})).figures["warnings"] == 0


def test_a_sure_drop_after_equalising_warns(clean):
    dropped = changed(clean, equalised={"val": EQUAL, "test": NoFigure("no labelled clips")})
    done = report(dropped, PARAMS)
    assert done.figures["auc_equalised_val"] == 0.7
    assert done.figures["drop_equalised_val_ci_low"] == 0.1
    assert done.figures["auc_equalised_test"] is None
    assert "7000 Hz" in done.notes["audit.auc_equalised_val"][0]
    assert done.figures["warnings"] == 1
    assert "falls from 0.900 to 0.700" in done.notes["warnings"][0]


def test_unreadable_clips_are_counted(clean):
    done = report(changed(clean, unreadable={"val": 2, "train": 1}), PARAMS)
    assert done.figures["n_unreadable"] == 3
    assert "1 of train, 2 of val" in done.notes["audit.n_unreadable"][0]


@pytest.fixture(scope="module")
def failing() -> Audit:
    table = clean_table(0, sources=0)
    table.loc[of_class(table, 1), "leading_silence_seconds"] += 2
    return made(table, equalised={"val": EQUAL, "test": NoFigure("no labelled clips")})


def write(audit: Audit, folder: Path) -> None:
    done = report(audit, PARAMS)
    write_json(folder / "audit.json", done.figures)
    write_json(folder / "audit_notes.json", done.notes)


def run(*arguments: str):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_fails_on_a_failed_audit_and_names_the_fact(failing, tmp_path):
    write(failing, tmp_path)
    done = run("--metrics", str(tmp_path))
    assert done.exit_code == 1
    assert done.stdout.startswith("The audit fails: 2 failures, 1 warning.")
    assert "`leading_silence_seconds` alone tells real from fake" in done.stdout
    assert "Facts that tell most, each alone, validation: leading_silence_seconds 1.00" in done.stdout
    assert "0.700 (0.600 to 0.800), drop 0.200 (0.100 to 0.300)" in done.stdout


def test_the_command_passes_a_clean_audit(clean, tmp_path):
    write(clean, tmp_path)
    done = run("--metrics", str(tmp_path))
    assert done.exit_code == 0
    assert done.stdout.startswith("The audit passes: 0 failures, 0 warnings.")
    assert "Not to be had:" in done.stdout
    as_json = run("--metrics", str(tmp_path), "--json")
    assert as_json.exit_code == 0
    assert json.loads(as_json.stdout)["figures"]["failures"] == 0


def test_warnings_alone_pass(clean, tmp_path):
    write(changed(clean, equalised={"val": EQUAL, "test": NoFigure("x")}), tmp_path)
    done = run("--metrics", str(tmp_path))
    assert done.exit_code == 0
    assert "passes with warnings" in done.stdout


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"failures": null}'])
def test_no_audit_or_a_damaged_one_is_explained(content, tmp_path):
    if content is not None:
        (tmp_path / "audit.json").write_text(content)
        (tmp_path / "audit_notes.json").write_text("{}")
    done = run("--metrics", str(tmp_path))
    assert done.exit_code == 2
    assert "error: " in done.stderr
    assert "remedy: " in done.stderr
    assert "dvc repro audit" in done.stderr


def test_figures_of_an_older_version_are_shown_as_far_as_they_go():
    text = as_text({"failures": 0, "warnings": 0, "shortcut_auc_val": 0.7}, {})
    assert "0.700" in text
    assert "-" in text
