"""Training clips against labels, files and manifest, without any file."""

import pandas as pd
import pytest

from avfake.forge.declared import DeclaredTool, ToolParams
from avfake.forge.take import Edited
from avfake.rules import external_data, extra_samples, validation
from avfake.rules.lock import pinned, without_hash
from judged import a_row, a_subject, digest

TOY = DeclaredTool(
    "toy", 1, "fake", "sound", frozenset({"sound"}), ("NumPy",), "BSD-3-Clause", "Does nothing.", "nobody",
    ToolParams, {}, lambda *_: Edited(),
)  # fmt: skip
LOCK = "numpy==2.0 \\\n    --hash=sha256:00\nother_package==1.5\n"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.lock").write_text(LOCK)
    monkeypatch.setattr(extra_samples, "TOOLS", {"toy": TOY})


def with_derived(folder, row=None, **changed):
    """The subject with one derived clip that was trained on."""
    row = row or a_row()
    known = {"split": "train", "video_name": "d.mp4"}
    plain = a_subject(folder)
    clips = pd.concat([plain.clips, pd.DataFrame([known | {"clip_sha256": digest("d.mp4")}])])
    labels = pd.concat([plain.labels, pd.DataFrame([known | {"target": 1}])])
    there = {
        "trained": ("a.mp4", "b.mp4", "d.mp4"), "manifest": (row,), "clips": clips, "labels": labels,
        "hashes": plain.hashes | {("train", "d.mp4"): digest("d.mp4")},
    }  # fmt: skip
    return a_subject(folder, **there | changed)


def test_derived_clips_are_no_external_data(tmp_path):
    verdict = external_data.judge(with_derived(tmp_path))
    assert verdict.faults == ()
    assert "2 training clips in" in verdict.evidence[1]
    assert "1 in the manifest" in verdict.evidence[1]
    assert "4 of 4 files" in verdict.evidence[0]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"manifest": ()}, "1 training clip in neither"),
        ({"trained": ("a.mp4", "from-elsewhere.mp4")}, "from-elsewhere.mp4"),
        (
            {"hashes": {("train", "a.mp4"): digest("a.mp4")}},
            "no longer there: train/b.mp4, train/d.mp4, val/v.mp4",
        ),
        ({"manifest": (a_row(derived_sha256=digest("x")),)}, "not what the manifest says: train/d.mp4"),
        ({"manifest": (a_row(label_after=0),)}, "with another label than"),
        ({"manifest_fault": "the manifest cannot be read"}, "cannot be read"),
    ],
)
def test_what_is_external(tmp_path, changed, fault):
    assert fault in " ".join(external_data.judge(with_derived(tmp_path, **changed)).faults)


def test_external_data_may_be_allowed(tmp_path):
    verdict = external_data.judge(with_derived(tmp_path, manifest=(), limits={"external_data": True}))
    assert verdict.status == "pass"
    assert "rules.external_data allows it" in verdict.evidence[0]


def faults_about_validation(subject) -> str:
    return " ".join(validation.judge(subject).faults)


@pytest.mark.parametrize(
    "row", [{"source_name": "v.mp4"}, {"partner_sha256": digest("v.mp4"), "partner_name": "w.mp4"}]
)
def test_a_derived_clip_made_from_validation(tmp_path, row):
    assert "were derived from" not in faults_about_validation(with_derived(tmp_path))
    assert "1 training clip were derived from" in faults_about_validation(
        with_derived(tmp_path, a_row(**row))
    )


def test_a_copy_that_was_replaced_after_training(tmp_path):
    """The file has other bytes by now; what was read is still on record."""
    plain = a_subject(tmp_path)
    clips = plain.clips.replace(digest("b.mp4"), digest("v.mp4"))
    assert "b.mp4 = v.mp4 (val)" in faults_about_validation(a_subject(tmp_path, clips=clips))
    allowed = validation.judge(a_subject(tmp_path, clips=clips, limits={"train_on_validation": True}))
    assert "b.mp4 = v.mp4 (val)" in " ".join(allowed.evidence)
    assert "v.mp4" not in " ".join(allowed.faults)


def test_a_model_that_does_not_name_its_clips(tmp_path):
    assert "does not say which clips it was trained on" in faults_about_validation(a_subject(tmp_path))


def test_declared_tools(tmp_path):
    verdict = extra_samples.judge(with_derived(tmp_path, a_row(libraries='{"NumPy": "2.0"}')))
    assert verdict.status == "pass"
    assert "1 derived clip, 1 of them trained on: toy 1 (fake, BSD-3-Clause)" in verdict.evidence[0]
    assert "audit provenance" in verdict.evidence[1]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"tool": "by_hand"}, "by `by_hand`, which is no declared tool"),
        ({"tool_version": 2}, "by version 2 of toy, the repository has 1"),
        ({"libraries": "{}"}, "does not say which version of NumPy"),
        ({"libraries": '{"NumPy": "1.9"}'}, "ran with NumPy 1.9, the lock file says 2.0"),
        ({"libraries": "by hand"}, "does not name the libraries"),
    ],
)
def test_tools_that_are_not_declared_like_this(tmp_path, row, fault):
    subject = with_derived(tmp_path, a_row(**{"libraries": '{"NumPy": "2.0"}'} | row))
    assert fault in extra_samples.judge(subject).faults[0]
    anything = with_derived(tmp_path, a_row(**row), limits={"extra_samples": "any"})
    assert extra_samples.judge(anything).status == "pass"


def test_a_package_that_no_lock_pins(tmp_path):
    (tmp_path / "requirements.lock").write_text("other==1\n")
    assert "NumPy, which no lock file pins" in extra_samples.judge(with_derived(tmp_path)).faults[0]


def test_no_extra_samples_allowed(tmp_path):
    limits = {"extra_samples": "none"}
    assert extra_samples.judge(a_subject(tmp_path, limits=limits)).status == "pass"
    verdict = extra_samples.judge(with_derived(tmp_path, limits=limits))
    assert "1 derived clip trained on: d.mp4" in verdict.faults[0]


def test_lock_files(tmp_path):
    path = tmp_path / "requirements.lock"
    assert pinned(path) == {"numpy": "2.0", "other-package": "1.5"}
    assert without_hash(path) == ["other_package"]
    assert pinned(tmp_path / "none.lock") == {}
