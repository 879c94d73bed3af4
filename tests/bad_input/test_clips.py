"""Clips that are broken or odd: each keeps its row, its reason and its place in the predictions."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from clips import BROKEN, make_clip, make_root
from place import Place
from workspace import DATA, ROOT, SMALL, STAGES, once, set_params

# What must be said of a clip whose sound cannot be used; the others are scored like any clip.
UNUSABLE = {
    "empty": "empty",
    "text": "",
    "truncated": "",
    "truncated_stream": "truncated",
    "no_audio": "no audio",
}
USABLE = ["no_video", "short", "silence", "eight_channels"]
ODD_NAMES = ["two words.mp4", "žluťoučký кот 猫.mp4", 'comma,and "quotes".mp4', "UPPER.MP4"]
SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A root that has every odd clip in every split, taken from extract to evaluate."""
    return Place(once(tmp_path_factory, "odd_clips", build))


def build(folder: Path) -> None:
    shutil.copy(ROOT / "params.yaml", folder)
    set_params(folder, SMALL | {"data.max_unreadable": 0.9})
    make_root(folder / DATA, n_train=4, n_val=4, n_test=2)
    place = Place(folder)
    for split in SPLITS:
        rows = place.rows(split)
        clips = place.root / f"{split}set"
        for kind, make in BROKEN.items():
            make(clips / f"{split}-{kind}.mp4")
            rows.append([f"{split}-{kind}.mp4", "1", "comb", f"{split}-odd"])
        for name in ODD_NAMES:
            make_clip(clips / f"{split} {name}", kind="speech", size=32, rate=16000, channels=1)
            rows.append([f"{split} {name}", "0", "real", f"{split}-odd"])
        rows.append([f"{split}-gone.mp4", "0", "real", f"{split}-odd"])
        place.write(rows, split)
    place.passes(*STAGES)


def scores(place, split: str) -> pd.Series:
    name = "prediction.csv" if split == "val" else "prediction_test.csv"
    return pd.read_csv(place.folder / "data/predictions" / name, index_col="video_name")["score"]


def unscored(place) -> pd.Series:
    table = pd.read_csv(place.folder / "data/predictions/unscored.csv")
    return table.set_index("video_name")["reason"]


def prior(place) -> float:
    """The share of fakes among the training clips that have sound."""
    rows = [row for row in place.rows()[1:] if not any(f"-{kind}." in row[0] for kind in (*UNUSABLE, "gone"))]
    return sum(row[1] == "1" for row in rows) / len(rows)


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_clip_is_reported_and_gets_the_training_prior(place, kind):
    problems = place.problems().set_index("video_name")
    for split in SPLITS:
        name = f"{split}-{kind}.mp4"
        problem = problems.loc[name]
        assert problem["file"] == f"{DATA}/{split}set/{name}"
        assert UNUSABLE[kind] in problem["reason"]
        assert problem["remedy"]
        if split != "train":
            assert scores(place, split)[name] == pytest.approx(prior(place), abs=5e-7)
            assert unscored(place)[name] == problem["reason"]


@pytest.mark.parametrize("kind", USABLE)
def test_an_odd_clip_with_sound_is_scored(place, kind):
    for split in SPLITS[1:]:
        name = f"{split}-{kind}.mp4"
        assert 0 <= scores(place, split)[name] <= 1
        assert name not in unscored(place).index


def test_a_clip_without_a_picture_is_reported_all_the_same(place):
    problems = place.problems().set_index("video_name")
    assert "video" in problems.loc["val-no_video.mp4", "reason"]
    assert "sound" in problems.loc["val-no_video.mp4", "remedy"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_passes_through_every_file(place, name):
    assert not place.problems()["video_name"].str.contains(name, regex=False).any()
    for split in SPLITS[1:]:
        assert 0 <= scores(place, split)[f"{split} {name}"] <= 1
        assert f"{split} {name}" not in unscored(place).index


def test_a_label_without_a_clip_keeps_its_row(place):
    for split in SPLITS[1:]:
        assert scores(place, split)[f"{split}-gone.mp4"] == pytest.approx(prior(place), abs=5e-7)
        assert unscored(place)[f"{split}-gone.mp4"] == "no such clip"


def test_no_clip_is_lost_and_the_report_counts_what_was_not_scored(place):
    evaluated = pd.read_json(place.folder / "metrics/evaluate.json", typ="series")
    assert set(scores(place, "val").index) == {row[0] for row in place.rows("val")[1:]}
    assert evaluated["n_unscored"] == len(UNUSABLE) + 1


def test_too_many_unreadable_clips_stop_the_run_and_name_them(place, tmp_path):
    shutil.copytree(place.root, tmp_path / DATA)
    shutil.copytree(place.folder / ".memo", tmp_path / ".memo")
    shutil.copy(place.folder / "params.yaml", tmp_path)
    place = Place(tmp_path)
    place.set(data__max_unreadable=0.05)
    said = place.fails("extract", exit_code=1)
    assert f"{DATA}/testset/test-empty.mp4" in said or "more in data/labels/problems.csv" in said
    assert "data.max_unreadable" in said
    report = place.problems().set_index("video_name")
    assert set(report.index) >= {f"test-{kind}.mp4" for kind in UNUSABLE}


def test_what_could_not_be_scored_is_not_disturbed_either(place):
    """The robustness figures are made of clips with a score of their own."""
    disturbed = pd.read_csv(place.folder / "data/robustness/scores.csv")
    assert set(disturbed["condition"]) >= {"clean"}
    assert not set(disturbed["video_name"]) & set(unscored(place).index)


def test_the_audit_leaves_unreadable_clips_out_and_counts_them(place):
    facts = pd.read_csv(place.folder / "data/audit/facts.csv")
    assert not {name for name in facts["video_name"] if name.endswith(("-empty.mp4", "-gone.mp4"))}
    notes = (place.folder / "metrics/audit_notes.json").read_text()
    assert "left out" in notes
