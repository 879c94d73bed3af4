"""The lists as they are read, one row at a time, and splits by source."""

import json

import pytest

from avfake.adapters import reading
from avfake.adapters.splits import SHARES, by_source
from avfake.errors import UserError


def test_a_list_of_json_is_read_item_by_item_with_the_line_of_each(tmp_path):
    path = tmp_path / "list.json"
    path.write_text('[\n {"a": 1},\n {"b":\n 2}, {"c": 3}\n]\n')
    assert list(reading.json_list(path)) == [(2, {"a": 1}), (3, {"b": 2}), (4, {"c": 3})]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_longer_than_a_chunk_comes_out_whole(tmp_path, monkeypatch, indent):
    monkeypatch.setattr(reading, "_CHUNK", 7)
    items = [{"file": f"train/{number:06d}.mp4", "fake": [[0.1, 2]] * (number % 3)} for number in range(50)]
    path = tmp_path / "list.json"
    path.write_text(json.dumps(items, indent=indent))
    assert [item for _, item in reading.json_list(path)] == items


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: empty"),
        ('{"a": 1}', "line 1: not a JSON list"),
        ('[\n{"a": 1},\n{"a" 2}]', "line 3: broken JSON"),
        ('[{"a": 1},\n', "line 2: the list has no end"),
        ('[{"a": 1}, {"b": ', "broken JSON"),
    ],
)
def test_a_broken_list_is_named_with_its_line(tmp_path, text, said):
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        list(reading.json_list(path))


def test_text_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"a b\n\xff\xfe c\n")
    with pytest.raises(UserError, match="not UTF-8"):
        list(reading.lines(path))
    with pytest.raises(UserError, match="not UTF-8"):
        list(reading.table(path))


def test_shares_are_met_for_real_and_for_fake_clips():
    clips = [(f"s{number % 200}", int(number % 200 >= 40)) for number in range(4000)]
    split_of = by_source(clips, frozenset(), 0)
    for target in (0, 1):
        of_class = [split_of[source] for source, label in clips if label == target]
        for split, share in SHARES.items():
            assert abs(of_class.count(split) / len(of_class) - share) < 0.03


def test_a_split_that_is_official_gets_nothing():
    clips = [(f"s{number}", number % 2) for number in range(40)]
    assert set(by_source(clips, frozenset({"test"}), 0).values()) == {"train", "val"}


def test_too_few_sources_are_refused():
    with pytest.raises(UserError, match="2 sources cannot be parted into 3 splits"):
        by_source([("a", 0), ("b", 1)], frozenset(), 0)
    with pytest.raises(UserError, match=r"would hold no (real|fake) clip"):
        by_source([("a", 0), ("b", 1), ("c", 1)], frozenset(), 0)
