import hashlib

import numpy as np
import pytest

from avfake.dataset.shards import (
    ROW_SCHEMA,
    SHARD_SCHEMA,
    bucket_of,
    list_shards,
    n_rows,
    pack_row,
    read_shard,
    shard_name,
    unpack_row,
    write_shard,
)


def row(**values):
    base = {
        "error": None, "audio_error": None, "video_error": "no video stream", "sample_rate": 22050,
        "pcm": np.arange(10, dtype="<i2").tobytes(), "pcm_shift": 3, "n_faces": 0, "faces": b"",
        "face_times": [], "facts": "{}",
    }  # fmt: skip
    return {**base, **values}


def named(name, **values):
    return {"video_name": name, "clip_sha256": "ab" * 32, **row(**values)}


def test_the_bucket_follows_from_the_name():
    name = "Ä clip.mp4"
    assert bucket_of(name, 16) == int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 16
    assert {bucket_of(f"{index}.mp4", 4) for index in range(100)} == {0, 1, 2, 3}


def test_shards_have_two_digits_at_least():
    assert [shard_name(bucket) for bucket in (3, 12, 123)] == ["shard-03", "shard-12", "shard-123"]


def test_a_row_survives_packing():
    assert unpack_row(pack_row(row(facts='{"ä": 1}', face_times=[0.5]))) == row(
        facts='{"ä": 1}', face_times=[0.5]
    )
    assert list(unpack_row(pack_row(row()))) == ROW_SCHEMA.names


def test_a_shard_is_sorted_and_the_same_bytes_whatever_the_order(tmp_path):
    rows = [named("b.mp4"), named("a.mp4", pcm=b""), named("ü ü.mp4", error="empty file")]
    write_shard(rows, tmp_path / "one.parquet")
    write_shard(rows[::-1], tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    found = list(read_shard(tmp_path / "one.parquet"))
    assert found == sorted(rows, key=lambda item: item["video_name"])
    assert list(found[0]) == SHARD_SCHEMA.names
    assert n_rows(tmp_path / "one.parquet") == 3


def test_some_columns_can_be_read_alone(tmp_path):
    write_shard([named("a.mp4")], tmp_path / "one.parquet")
    assert list(read_shard(tmp_path / "one.parquet", ["video_name", "n_faces"])) == [
        {"video_name": "a.mp4", "n_faces": 0}
    ]


def test_shards_are_listed_by_split_and_number(tmp_path):
    for name in ("val/shard-02", "val/shard-100", "train/shard-11", "val/shard-11"):
        write_shard([named("a.mp4")], tmp_path / f"{name}.parquet")
    assert [f"{split}/{path.stem}" for split, path in list_shards(tmp_path)] == [
        "train/shard-11", "val/shard-02", "val/shard-11", "val/shard-100",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", ["pcm", "facts"])
def test_a_row_that_lacks_a_column_is_refused(tmp_path, missing):
    broken = named("a.mp4")
    del broken[missing]
    with pytest.raises(KeyError):
        write_shard([broken], tmp_path / "one.parquet")
