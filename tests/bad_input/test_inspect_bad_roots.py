"""Roots in which something is wrong: the command says what, and does not fall over."""

import json
from pathlib import Path

import pytest

from avfake.inspection import reading, sheet
from clips import BROKEN, make_clip, make_root, write_labels
from inspected import Page, in_this_process, inspect

EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Outside the project, and without processes, which `tests/stages/test_inspect_command.py` has."""
    monkeypatch.chdir(tmp_path)
    for module in (reading, sheet):
        monkeypatch.setattr(module, "map_ordered", in_this_process)


def look(root: Path) -> tuple[dict, Page]:
    """The figures and the page of a root; the command must come through."""
    done = inspect(root, "--html", "page.html", "--json", "figures.json", "--clips", 20)
    assert done.exit_code == 0, done.output
    return json.loads(Path("figures.json").read_text()), Page(Path("page.html").read_text())


def problems(figures: dict) -> list[str]:
    return [item["text"] for item in figures["findings"] if item["level"] == "problem"]


def small(folder: Path, **counts: int) -> Path:
    make_root(folder, **{"n_train": 2, "n_val": 2, "seconds": 0.3} | counts)
    return folder


def label(root: Path, *rows: str, split: str = "train") -> None:
    with (root / f"{split}_label.txt").open("a", encoding="utf-8") as file:
        file.writelines(f"{row}\n" for row in rows)


def test_clips_that_cannot_be_read_are_named_by_reason(tmp_path):
    root = small(tmp_path / "root")
    for kind, make in BROKEN.items():
        make(root / "trainset" / f"{kind}.mp4")
        label(root, f"{kind}.mp4,1,comb,odd")
    figures, page = look(root)
    found = {(group["track"], row["video_name"]) for group in figures["unreadable"] for row in group["clips"]}
    assert found == {
        ("file", "empty.mp4"), ("file", "text.mp4"), ("file", "truncated.mp4"),
        ("sound", "no_audio.mp4"), ("sound", "truncated_stream.mp4"),
        ("picture", "no_video.mp4"), ("picture", "truncated_stream.mp4"),
    }  # fmt: skip
    assert page.row("train")[-4:] == ["11", "3", "2", "2"]
    for _, name in found:
        assert name in page.text
    assert "no spectrogram: no audio stream" in page.text
    assert "no faces: no video stream" in page.text
    assert problems(figures) == [
        "Clips that cannot be opened: 3 of 13.",
        "Clips whose sound cannot be used: 2 of 13.",
    ]


def test_wrong_labels_are_listed_by_file_and_line(tmp_path):
    root = small(tmp_path / "root")
    make_clip(root / "trainset/extra.mp4", seconds=0.3)
    label(root, "extra.mp4,7,comb,odd", "gone.mp4,1,comb,odd", "gone.mp4,1,comb,odd")
    figures, page = look(root)
    assert [(row["file"], row["line"], row["video_name"]) for row in figures["label_problems"]] == [
        ("train_label.txt", 4, "extra.mp4"),
        ("train_label.txt", 5, "gone.mp4"),
        ("train_label.txt", 6, "gone.mp4"),
    ]
    assert "target `7` is neither 0 nor 1" in page.text
    assert figures["counts"][0]["unlabelled"] == 1
    assert "Wrong labels and names: 3, in train_label.txt." in problems(figures)
    assert "no such clip" in page.text


def test_a_name_in_two_splits_is_a_problem(tmp_path):
    root = small(tmp_path / "root")
    for split in ("train", "val"):
        make_clip(root / f"{split}set/twice.mp4", seconds=0.3)
        label(root, "twice.mp4,0,real,nobody", split=split)
    figures, page = look(root)
    assert "the name stands in the train split too" in page.text
    assert "Sources in more than one split, so that the figures will flatter: nobody." in problems(figures)


def test_one_class_only(tmp_path):
    root = tmp_path / "root"
    for split in ("train", "val"):
        make_clip(root / f"{split}set/{split}.mp4", seconds=0.3)
        write_labels(root / f"{split}_label.txt", [(f"{split}.mp4", 0, "real", split)])
    figures, page = look(root)
    assert problems(figures) == [
        "The train split has no fake clip (1 real): nothing can be learned from it.",
        "The val split has no fake clip (1 real): it has no AUC.",
    ]
    assert {row["value"] for row in figures["differences"]} == {None}
    assert figures["notes"]["differences.seconds"] == "no fake clip that could be opened has it"
    assert page.row("all")[:4] == ["2", "2", "0", "0.0 %"]


def test_no_clip_can_be_read(tmp_path):
    root = small(tmp_path / "root")
    for path in root.glob("*set/*"):
        path.write_bytes(b"")
    figures, page = look(root)
    assert problems(figures) == ["Not one clip can be opened: 4 were tried."]
    assert figures["histogram"] is None
    assert figures["sheet"] == []
    assert "no clip could be opened" in page.text


def test_no_test_split_and_one_without_labels(tmp_path):
    without, _ = look(small(tmp_path / "without"))
    assert any("There is no test split" in item["text"] for item in without["findings"])
    root = small(tmp_path / "root", n_test=2)
    (root / "test_label.txt").unlink()
    figures, page = look(root)
    assert "No clip of the test split has a label: it can be scored, but not evaluated." in page.text
    assert figures["counts"][2] | {"split": "test", "clips": 2, "unlabelled": 2} == figures["counts"][2]
    assert figures["counts"][2]["share_fake"] is None
    assert figures["notes"]["counts.test.share_fake"] == "no clip has a label"
    assert problems(figures) == []


def test_labels_without_further_columns(tmp_path):
    figures, page = look(small(tmp_path / "root", columns=False))
    assert figures["generators"] == figures["sources"] == []
    assert "No label file names a generator." in page.text
    assert problems(figures) == []


def test_foreign_names_are_text_on_the_page_and_in_the_terminal(tmp_path):
    root = small(tmp_path / "root")
    name = "<script>alert(2)<\u202escript>\x1b[31m.mp4"
    make_clip(root / "trainset/x.mp4", seconds=0.3).rename(root / "trainset" / name)
    label(root, f"{name},1,{EVIL},{EVIL}")
    figures, page = look(root)
    assert page.all("script") == []
    assert EVIL in page.text
    assert r"<script>alert(2)<\u202escript>\x1b[31m.mp4" in page.text
    assert name in {row["video_name"] for row in figures["sheet"]}
    assert "\x1b" not in inspect(root).output


def test_a_name_that_is_no_utf8(tmp_path):
    root = small(tmp_path / "root")
    make_clip(root / "trainset/x.mp4", seconds=0.3).rename(root / "trainset" / "\udcff.mp4")
    figures, page = look(root)
    assert figures["label_problems"][0]["video_name"] == r"\udcff.mp4"
    assert r"\udcff.mp4" in page.text


@pytest.mark.parametrize("missing", ["", "trainset", "val_label.txt"])
def test_a_root_that_cannot_be_understood_ends_with_2(tmp_path, missing):
    root = small(tmp_path / "root")
    (root / missing).rename(tmp_path / "elsewhere")
    done = inspect(root, "--html", "page.html")
    assert done.exit_code == 2
    assert str(root / missing) in done.stderr
    assert "remedy: " in done.stderr
    assert not Path("page.html").exists()


def test_a_label_file_that_is_no_csv_of_labels_ends_with_2(tmp_path):
    root = small(tmp_path / "root")
    (root / "train_label.txt").write_text("a.mp4,0\n")
    done = inspect(root)
    assert done.exit_code == 2
    assert "line 1: the header is missing" in done.stderr


def test_a_place_that_cannot_be_written_is_named_before_a_clip_is_read(tmp_path):
    root = small(tmp_path / "root")
    for target in (root, root / "train_label.txt" / "page.html"):
        done = inspect(root, "--html", target)
        assert done.exit_code == 2
        assert "no file can be written there" in done.stderr
        assert done.stdout == ""


def test_wrong_parameters_in_this_folder_are_named(tmp_path):
    Path("params.yaml").write_text("extract: {sample_rate: 1}\n")
    done = inspect(small(tmp_path / "root"))
    assert done.exit_code == 2
    assert "`extract.sample_rate`" in done.stderr
