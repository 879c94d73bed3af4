import os
from pathlib import Path

import pytest

from avfake.dataset.labels import read_labels, write_labels, write_problems
from avfake.dataset.root import load_root
from avfake.errors import UserError
from avfake.params import DataParams


def params(root: Path, limit: int | None = None, seed: int = 0) -> DataParams:
    return DataParams(root=str(root), limit=limit, seed=seed, max_unreadable=0.0)


def make(root: Path, train: str, val: str, clips: dict[str, list[str]]) -> Path:
    for name in ("train", "val"):
        (root / f"{name}set").mkdir(parents=True)
    (root / "train_label.txt").write_bytes(train.encode())
    (root / "val_label.txt").write_bytes(val.encode())
    for folder, names in clips.items():
        (root / folder).mkdir(exist_ok=True)
        for name in names:
            (root / folder / name).touch()
    return root


VAL = "video_name,target\nv.mp4,0\n"


def one(root: Path) -> tuple[str, int | None, str, str]:
    problems = load_root(params(root)).problems
    assert len(problems) == 1
    item = problems[0]
    assert item.remedy
    return Path(item.file).name, item.line, item.video_name, item.reason


def test_a_sound_root(tmp_path):
    train = "video_name,target,generator,source,mood\nb.mp4,1,world,anna,sad\na.mp4,0,real,bert,\n"
    root = make(
        tmp_path, train, VAL, {"trainset": ["a.mp4", "b.mp4"], "valset": ["v.mp4"], "testset": ["t.mp4"]}
    )
    data = load_root(params(root))
    assert data.problems == ()
    assert list(data.splits) == ["train", "val", "test"]
    a, b = data.splits["train"].clips
    assert (a.video_name, a.target, a.generator, a.source, a.extra) == (
        "a.mp4",
        0,
        "real",
        "bert",
        {"mood": None},
    )
    assert (b.target, b.generator, b.extra) == (1, "world", {"mood": "sad"})
    (t,) = data.splits["test"].clips
    assert t.target is None
    assert data.splits["test"].label_file is None


def test_byte_order_mark_crlf_blank_lines_and_blanks(tmp_path):
    train = "\ufeffvideo_name, target\r\n a.mp4 , 1\r\n\r\nb.mp4,0\r\n"
    root = make(tmp_path, train, VAL, {"trainset": ["a.mp4", "b.mp4"], "valset": ["v.mp4"]})
    data = load_root(params(root))
    assert data.problems == ()
    assert [clip.target for clip in data.splits["train"].clips] == [1, 0]


def test_names_with_spaces_quotes_and_other_alphabets(tmp_path):
    train = 'video_name,target\n"a, b č.mp4",1\n日本 语.mp4,0\n'
    root = make(tmp_path, train, VAL, {"trainset": ["a, b č.mp4", "日本 语.mp4"], "valset": ["v.mp4"]})
    data = load_root(params(root))
    assert data.problems == ()
    assert {clip.video_name: clip.target for clip in data.splits["train"].clips} == {
        "a, b č.mp4": 1,
        "日本 语.mp4": 0,
    }


@pytest.mark.parametrize(
    ("train", "files", "expected"),
    [
        ("a.mp4,0\nb.mp4,2\n", ["a.mp4", "b.mp4"], (3, "b.mp4", "target `2` is neither 0 nor 1")),
        ("a.mp4,0\nb.mp4,\n", ["a.mp4", "b.mp4"], (3, "b.mp4", "target `` is neither 0 nor 1")),
        ("a.mp4,0\nb.mp4\n", ["a.mp4", "b.mp4"], (3, "b.mp4", "1 values under 2 columns")),
        ("a.mp4,0\na.mp4,0\n", ["a.mp4"], (3, "a.mp4", "duplicate label, first on line 2")),
        (
            "a.mp4,0\na.mp4,1\n", ["a.mp4"],
            (3, "a.mp4", "duplicate label with another target, first on line 2: neither is used"),
        ),
        ("a.mp4,0\nb.mp4,1\n", ["a.mp4"], (3, "b.mp4", "label without a clip")),
        ("a.mp4,0\n", ["a.mp4", "b.mp4"], (None, "b.mp4", "clip without a label")),
        ("a.mp4,0\n../b.mp4,1\n", ["a.mp4"], (3, "../b.mp4", "not the plain name of a file")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_label_is_said_with_its_line(tmp_path, train, files, expected):
    root = make(tmp_path, "video_name,target\n" + train, VAL, {"trainset": files, "valset": ["v.mp4"]})
    assert one(root) == ("train_label.txt", *expected)


def test_an_unusable_label_leaves_the_clip_without_a_target(tmp_path):
    train = "video_name,target\na.mp4,0\na.mp4,1\na.mp4,1\nb.mp4,x\n"
    root = make(tmp_path, train, VAL, {"trainset": ["a.mp4", "b.mp4"], "valset": ["v.mp4"]})
    data = load_root(params(root))
    assert [clip.target for clip in data.splits["train"].clips] == [None, None]
    assert [item.line for item in data.problems] == [3, 4, 5]


def test_a_stray_file_and_a_folder_are_named(tmp_path):
    root = make(
        tmp_path,
        "video_name,target\na.mp4,0\n",
        VAL,
        {"trainset": ["a.mp4", "notes.txt"], "valset": ["v.mp4"]},
    )
    (root / "trainset" / "more").mkdir()
    (root / "trainset" / ".hidden").touch()
    assert {(item.video_name, item.reason) for item in load_root(params(root)).problems} == {
        ("notes.txt", "neither labelled nor a media file by its name"),
        ("more", "a folder among the clips"),
    }


def test_a_name_in_two_splits_is_named(tmp_path):
    root = make(tmp_path, "video_name,target\nv.mp4,0\n", VAL, {"trainset": ["v.mp4"], "valset": ["v.mp4"]})
    assert one(root) == ("val_label.txt", None, "v.mp4", "the name stands in the train split too")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.mp4,0\n", "line 1: the header is missing"),
        (b"", "line 1: the header is missing"),
        (b"video_name,target\n", "no rows after the header"),
        (b"video_name,target\na.mp4,0\n\xff\xfe.mp4,1\n", "line 3: not UTF-8 text"),
        (b"video_name,target,target\na.mp4,0,0\n", "column named twice: target"),
    ],
)
def test_a_file_that_cannot_be_understood_stops_the_run(tmp_path, content, message):
    root = make(tmp_path, "", VAL, {"trainset": ["a.mp4"], "valset": ["v.mp4"]})
    (root / "train_label.txt").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        load_root(params(root))
    assert "train_label.txt" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("missing", ["", "trainset", "valset", "train_label.txt", "val_label.txt"])
def test_missing_parts_of_a_root(tmp_path, missing):
    root = make(tmp_path / "root", "video_name,target\na.mp4,0\n", VAL, {"trainset": [], "valset": []})
    target = root / missing if missing else root
    target.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="no such") as caught:
        load_root(params(root))
    assert str(target) in caught.value.message


def test_limit_is_per_class_seeded_and_stable_when_clips_are_added(tmp_path):
    names = [f"{number:02}.mp4" for number in range(40)]
    rows = "".join(f"{name},{number % 4 == 0:d}\n" for number, name in enumerate(names))
    root = make(tmp_path, "video_name,target\n" + rows, VAL, {"trainset": names, "valset": ["v.mp4"]})

    def drawn(limit: int, seed: int) -> set[str]:
        clips = load_root(params(root, limit, seed)).splits["train"].clips
        assert [sum(clip.target == target for clip in clips) for target in (0, 1)] == [limit, limit]
        return {clip.video_name for clip in clips}

    assert drawn(5, 0) == drawn(5, 0)
    assert drawn(5, 0) != drawn(5, 1)
    assert drawn(3, 0) < drawn(5, 0)


def test_label_tables_round_trip(tmp_path):
    train = "video_name,target,generator,source,mood\na.mp4,1,world,anna,sad\nb.mp4,7,,,\n"
    root = make(tmp_path / "root", train, VAL, {"trainset": ["a.mp4", "b.mp4"], "valset": ["v.mp4"]})
    data = load_root(params(root))
    write_labels(data.clips, tmp_path)
    write_problems(data.problems, tmp_path)
    frame = read_labels(tmp_path)
    assert frame.columns.tolist() == ["split", "video_name", "target", "generator", "source", "mood"]
    assert frame["target"].isna().tolist() == [False, True, False]
    assert frame.loc[0, ["generator", "source", "mood"]].tolist() == ["world", "anna", "sad"]
    assert frame.loc[1, "generator"] is None
    lines = (tmp_path / "problems.csv").read_text().splitlines()
    assert lines[0] == "file,line,video_name,reason,remedy"
    assert ",3,b.mp4,target `7` is neither 0 nor 1," in lines[1]


def test_a_file_name_that_is_no_text_is_named_and_left_out(tmp_path):
    root = make(tmp_path, "video_name,target\na.mp4,0\n", VAL, {"trainset": ["a.mp4"], "valset": ["v.mp4"]})
    odd = os.fsencode(root / "trainset") + b"/\xff.mp4"
    Path(os.fsdecode(odd)).touch()
    data = load_root(params(root, limit=1))
    assert [(item.video_name, item.reason) for item in data.problems] == [
        ("\\udcff.mp4", "the file name is not UTF-8")
    ]
    assert "\udcff.mp4" not in {clip.video_name for clip in data.clips}
    write_labels(data.clips, tmp_path)
    write_problems(data.problems, tmp_path)
