import numpy as np
import pytest

from avfake.dataset.predictions import (
    FILES,
    Unscored,
    read_predictions,
    read_split,
    read_unscored,
    write_predictions,
    write_unscored,
)
from avfake.errors import UserError


@pytest.mark.parametrize("column", ["score", "y_pred"])
def test_what_is_written_is_read(tmp_path, column):
    path = tmp_path / "p.csv"
    write_predictions(path, [("b.mp4", 0.25), ("a, with comma.mp4", 1 / 3), ("é.mp4", 1.0)], column)
    assert path.read_bytes().decode() == (
        f'video_name,{column}\nb.mp4,0.250000\n"a, with comma.mp4",0.333333\né.mp4,1.000000\n'
    )
    table = read_predictions(path)
    assert table["video_name"].tolist() == ["b.mp4", "a, with comma.mp4", "é.mp4"]
    np.testing.assert_array_equal(table["score"], [0.25, 0.333333, 1.0])


def test_windows_line_ends_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(b"\xef\xbb\xbfvideo_name,score\r\na.mp4,0.5\r\n")
    assert read_predictions(path).to_dict("list") == {"video_name": ["a.mp4"], "score": [0.5]}


def test_a_header_alone(tmp_path):
    write_predictions(tmp_path / "p.csv", [])
    table = read_predictions(tmp_path / "p.csv")
    assert len(table) == 0
    assert table["score"].dtype == float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video_name,fake\n", "line 1"),
        ("video_name,score\na.mp4\n", "line 2"),
        ("video_name,score\na.mp4,yes\n", "line 2: `yes`"),
        ("video_name,score\na.mp4,1.5\n", "line 2: `1.5`"),
        ("video_name,score\na.mp4,nan\n", "line 2: `nan`"),
        ("video_name,score\na.mp4,0.1\na.mp4,0.2\n", "line 3: `a.mp4` stands twice"),
    ],
)
def test_scores_that_cannot_be_used(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_predictions(tmp_path / "p.csv")


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_predictions(tmp_path / "p.csv")
    with pytest.raises(UserError, match="a folder"):
        read_predictions(tmp_path)


def test_unscored(tmp_path):
    items = [Unscored("val", "a, b.mp4", "no audio stream"), Unscored("test", "c.mp4", 'said "no"')]
    write_unscored(tmp_path / "u.csv", items)
    assert read_unscored(tmp_path / "u.csv") == items
    write_unscored(tmp_path / "u.csv", [])
    assert (tmp_path / "u.csv").read_text() == "split,video_name,reason\n"


def test_the_scores_of_a_split_or_none(tmp_path):
    for number, file in enumerate(FILES.values()):
        write_predictions(tmp_path / file, [(f"{number}.mp4", 0.5)])
    assert [read_split(tmp_path, split)["video_name"].tolist() for split in FILES] == [
        ["0.mp4"], ["1.mp4"], ["2.mp4"]
    ]  # fmt: skip
    (tmp_path / FILES["held_out"]).unlink()
    assert read_split(tmp_path, "held_out") is None
