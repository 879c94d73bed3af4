import os
import time

import pytest

from avfake.memo import Memo, memo_key


def test_keys_tell_parts_types_and_boundaries_apart():
    parts = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        (b"abc",),
        ("1",),
        (1,),
        (1.0,),
        (True,),
        (None,),
        ({"a": 1},),
    ]
    assert len({memo_key(*part) for part in parts}) == len(parts)
    assert memo_key({"a": 1, "b": 2}) == memo_key({"b": 2, "a": 1})


def test_put_get_and_miss(tmp_path):
    memo = Memo(tmp_path / "memo", 1)
    key = memo_key("x")
    assert memo.get(key) is None
    memo.put(key, b"value")
    assert memo.get(key) == b"value"
    memo.put(key, b"")
    assert memo.get(key) == b""


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_entry_is_a_miss_and_goes(tmp_path, damage):
    memo = Memo(tmp_path, 1)
    key = memo_key("x")
    memo.put(key, b"value")
    path = tmp_path / key[:2] / key
    if damage is None:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        damage = bytes(data)
    path.write_bytes(damage)
    assert memo.get(key) is None
    assert not path.exists()


def test_trim_removes_the_least_recently_used_above_the_limit(tmp_path):
    memo = Memo(tmp_path, 1)
    keys = [memo_key(number) for number in range(4)]
    for age, key in enumerate(keys):
        memo.put(key, bytes(1000))
        os.utime(tmp_path / key[:2] / key, (time.time() - 100 + age,) * 2)
    assert memo.touch(keys[0])
    assert not memo.touch(memo_key("none"))
    memo.max_bytes = 2500
    assert memo.trim() == 2
    assert [memo.get(key) is not None for key in keys] == [True, False, False, True]


def test_trim_removes_what_a_killed_run_left_but_not_what_is_being_written(tmp_path):
    memo = Memo(tmp_path, 1)
    (tmp_path / "ab").mkdir()
    for name, age in (("old.tmp", 48 * 3600), ("new.tmp", 0)):
        (tmp_path / "ab" / name).write_bytes(b"x")
        os.utime(tmp_path / "ab" / name, (time.time() - age,) * 2)
    assert memo.trim() == 1
    assert (tmp_path / "ab" / "new.tmp").exists()


def test_clear_takes_what_is_its_own_and_nothing_else(tmp_path):
    memo = Memo(tmp_path, 1)
    memo.put(memo_key("x"), b"value")
    (tmp_path / "train" / "run").mkdir(parents=True)
    (tmp_path / "thesis.txt").write_text("years of work")
    memo.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "thesis.txt").unlink()
    memo.put(memo_key("x"), b"value")
    memo.clear()
    assert not tmp_path.exists()
    memo.clear()
