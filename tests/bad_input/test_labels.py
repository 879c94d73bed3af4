"""Label files that are wrong, and label files that only look wrong."""

import shutil

import pytest


def label_without_clip(place):
    place.write([*place.rows(), ["gone.mp4", "1", "comb", "train-voice-9"]])
    return "gone.mp4: label without a clip", 6


def clip_without_label(place):
    name = place.rows()[-1][0]
    place.write(place.rows()[:-1])
    return f"{name}: clip without a label", None


def duplicate(place):
    first = place.rows()[1]
    place.write([*place.rows(), first])
    return f"{first[0]}: duplicate label, first on line 2", 6


def contradiction(place):
    first = place.rows()[1]
    place.write([*place.rows(), [first[0], "1", *first[2:]]])
    return f"{first[0]}: duplicate label with another target, first on line 2", 6


def target_2(place):
    rows = place.rows()
    rows[3][1] = "2"
    place.write(rows)
    return f"{rows[3][0]}: target `2` is neither 0 nor 1", 4


DEFECTS = [label_without_clip, clip_without_label, duplicate, contradiction, target_2]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_too_many_bad_rows_stop_the_run_with_file_line_and_remedy(place, undisturbed, defect):
    whole = place.labels().read_bytes()
    reason, line = defect(place)

    said = place.fails("extract", exit_code=1)

    where = "data/mine/train_label.txt" + (f" line {line}" if line else "")
    assert f"{where}: {reason}" in said
    assert "data.max_unreadable" in said
    place.labels().write_bytes(whole)
    place.passes("extract")
    assert place.hashes("data/labels", "data/extracted") == undisturbed.hashes


def test_few_bad_rows_are_reported_and_the_run_stands(place):
    place.set(data__max_unreadable=0.9)
    rows = place.rows()
    clips = place.root / "trainset"
    shutil.copy(clips / rows[1][0], clips / "unlabelled.mp4")
    bad = [*rows[2]]
    bad[1] = "2"
    place.write(
        [rows[0], rows[1], bad, *rows[3:], ["gone.mp4", "1", "comb", ""], rows[3], [rows[4][0], "0", "", ""]]
    )

    assert "extract: 7 clips" in place.passes("extract")

    found = place.problems().set_index("video_name")
    assert list(place.problems()) == ["file", "line", "video_name", "reason", "remedy"]
    assert set(found["file"]) == {"data/mine/train_label.txt"}
    expected = {
        bad[0]: ("3", "target `2`"),
        "gone.mp4": ("6", "label without a clip"),
        rows[3][0]: ("7", "duplicate label"),
        rows[4][0]: ("8", "duplicate label with another target"),
        "unlabelled.mp4": ("", "clip without a label"),
    }
    assert set(found.index) == set(expected)
    for name, (line, reason) in expected.items():
        assert found.loc[name, "line"] == line
        assert reason in found.loc[name, "reason"]
        assert found.loc[name, "remedy"]


def test_a_byte_order_mark_and_crlf_change_nothing(place, undisturbed):
    for split in ("train", "val"):
        text = place.labels(split).read_text()
        place.labels(split).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    place.passes("extract")
    assert place.hashes("data/labels", "data/extracted") == undisturbed.hashes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.mp4,0\nb.mp4,1\n", "data/mine/train_label.txt line 1: the header is missing (found `a.mp4,0`)"),
        (b"", "data/mine/train_label.txt line 1: the header is missing"),
        (b"video_name,target\n", "data/mine/train_label.txt: no rows"),
        (b"video_name,target\na.mp4,0\n\xff\xfe.mp4,1\n", "data/mine/train_label.txt line 3: not UTF-8 text"),
        (None, "data/mine/train_label.txt: no such file"),
    ],
    ids=["no header", "empty", "no rows", "not text", "missing"],
)
def test_a_label_file_that_cannot_be_understood_stops_the_run(place, content, message):
    if content is None:
        place.labels().unlink()
    else:
        place.labels().write_bytes(content)
    assert message in place.fails("extract", exit_code=2)
