"""A bundle that somebody changed: every change is named, and so are those of who writes the sums anew."""

import re
import shutil
from pathlib import Path

import pytest

import bundled
from avfake.bundle import check
from bundled import flipped, forge
from workspace import once


@pytest.fixture
def folder(tmp_path_factory, tmp_path) -> Path:
    """An unpacked bundle, to be changed."""
    whole = once(tmp_path_factory, "bundled", bundled.make_all) / "whole"
    return Path(shutil.copytree(whole, tmp_path / "unpacked"))


def faults(folder: Path) -> list[str]:
    return check.run(folder)[0]


@pytest.mark.parametrize(
    "path",
    [
        "REPORT.html",
        "labels.csv",
        "check.py",
        "bundle.json",
        "commit.txt",
        "project/params.yaml",
        "project/code/train.py",
        "project/models/model.safetensors",
        "project/models/model.json",
        "project/data/predictions/prediction_test.csv",
        "project/data/augmented/manifest.parquet",
        "project/metrics/evaluate.json",
        "project/dvc.lock",
        "listings/data-augmented.json",
        "checks/figures.py",
    ],
)
def test_one_byte_of_a_file_is_named(folder, path):
    (folder / path).write_bytes(flipped((folder / path).read_bytes()))
    assert f"sums: {path}: changed: another SHA-256" in faults(folder)


def test_an_added_and_a_removed_file_are_named_and_nothing_ends_in_a_traceback(folder):
    (folder / "project/data/predictions/more.csv").write_text("video_name,score\n")
    (folder / "project/code/train.py").unlink()
    (folder / "empty").mkdir()
    (folder / "link.md").symlink_to(folder / "REPORT.md")
    done = bundled.check(folder)
    assert done.returncode == 1
    assert done.stderr == ""
    for text in (
        "project/data/predictions/more.csv: added",
        "project/code/train.py: gone",
        "empty: added",
        "link.md: added",
        "commit    could not be done: FileNotFoundError",
    ):
        assert text in done.stdout, done.stdout


def replaced(old: bytes, new: bytes):
    return lambda content: content.replace(old, new, 1)


@pytest.mark.parametrize(
    ("path", "change", "named"),
    [
        (
            "params.yaml",
            replaced(b"epochs: 5", b"epochs: 9"),
            [
                "commit: project: the files",
                "params: project/params.yaml: train: train ran with epochs=5, here",
            ],
        ),
        (
            "params.yaml",
            replaced(b", 6.0]", b", 7.0]"),
            ["params: project/params.yaml: augment: augment ran with"],
        ),
        (
            "code/train.py",
            flipped,
            ["commit: project: the files", "dvc.lock: project/code/train.py: recorded"],
        ),
        ("code/shared/labels.py", flipped, ["dvc.lock: project/code/shared: recorded"]),
        (
            "data/predictions/prediction.csv",
            lambda text: re.sub(rb"0\.\d+\n", b"0.999999\n", text, count=1),
            [
                "dvc.lock: project/data/predictions: recorded",
                "figures: project/metrics/evaluate.json: auc: says",
            ],
        ),
        (
            "../labels.csv",
            replaced(b"test,test1.mp4,1", b"test,test1.mp4,0"),
            ["figures: project/metrics/evaluate_test.json: auc: says"],
        ),
        (
            "metrics/evaluate.json",
            replaced(b'"auc": 0.', b'"auc": 1.'),
            [
                "commit: project: the files",
                "dvc.lock: project/metrics/evaluate.json: recorded",
                "figures: project/metrics/evaluate.json: auc: says",
            ],
        ),
        (
            "data/robustness/scores.csv",
            replaced(b",1,clean,0", b",0,clean,0"),
            [
                "dvc.lock: project/data/robustness: recorded",
                "figures: project/metrics/robustness.json: auc_clean",
            ],
        ),
        (
            "models/model.safetensors",
            flipped,
            [
                "dvc.lock: project/models/model.safetensors: recorded",
                "model: project/models/model.safetensors: SHA-256",
            ],
        ),
        (
            "data/augmented/manifest.parquet",
            flipped,
            [
                "dvc.lock: project/data/augmented: not as its listing",
                "manifest: project/data/augmented/manifest",
            ],
        ),
        (
            "../listings/data-augmented.json",
            replaced(b"louder", b"softer"),
            ["dvc.lock: project/data/augmented: recorded"],
        ),
        ("../commit.txt", replaced(b"The project", b"A project"), ["commit: commit.txt: is not commit"]),
        ("dvc.lock", lambda text: text[: len(text) // 2], ["commit: project: the files"]),
        (
            "../bundle.json",
            lambda text: text[:1],
            ["commit: could not be done", "dvc.lock: could not be done"],
        ),
    ],
)
def test_who_writes_the_sums_anew_is_found_out_by_what_the_files_say(folder, path, change, named):
    target = folder / "project" / path
    before = target.read_bytes()
    forge(folder, f"project/{path}", change)
    assert target.read_bytes() != before
    found = faults(folder)
    for text in named:
        assert any(fault.startswith(text) for fault in found), (text, found)
    assert not [fault for fault in found if fault.startswith("sums")]
