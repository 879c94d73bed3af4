from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avfake.audit.encode import MOST_CATEGORIES, Encoder, varies
from avfake.audit.facts import FACTS, NAMES, OF_SOUND, Fact, fact_table, sound_table, write_facts
from avfake.audit.sound import sound_facts
from avfake.dataset.facts import SCHEMA
from avfake.dataset.shards import write_shard
from avfake.media.pcm import from_pcm, to_pcm
from clips import speech

RATE = 16000
SILENCE_DB = -40.0
CLIPS = [("train", "a.mp4"), ("train", "b.mp4"), ("val", "a.mp4"), ("val", "mute.mp4"), ("val", "broken.mp4")]


def sound_of(place: int) -> np.ndarray:
    return np.concatenate([np.zeros(800 * (place + 1), np.float32), speech(0.5, RATE, place)])


def shard_row(place: int, name: str) -> dict:
    pcm, shift = to_pcm(sound_of(place))
    bad = name in ("mute.mp4", "broken.mp4")
    return {
        "video_name": name, "clip_sha256": f"{place:064d}", "error": "text" if name == "broken.mp4" else None,
        "audio_error": "no audio stream" if bad else None, "video_error": None, "sample_rate": RATE,
        "pcm": b"" if bad else pcm.tobytes(), "pcm_shift": 0 if bad else shift, "n_faces": 0, "faces": b"",
        "face_times": [], "facts": "{}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("extracted")
    for split in ("train", "val"):
        rows = [shard_row(place, name) for place, (home, name) in enumerate(CLIPS) if home == split]
        write_shard(rows, folder / split / "shard-00.parquet")
    return folder


def container_facts() -> pd.DataFrame:
    """The table of facts of the container; nothing is known of the clip that could not be opened."""
    rows = []
    for place, (split, name) in enumerate(CLIPS):
        row = {field.name: None for field in SCHEMA} | {"split": split, "video_name": name}
        if name == "broken.mp4":
            row |= {"error": "text", "audio_error": "text"}
        else:
            row |= {"file_bytes": 1000.0 * (place + 1), "seconds": 2.0 if place else 0.0, "encoder": "Lavf"}
        rows.append(row)
    table = pd.DataFrame(rows)
    numbers = [fact.name for fact in FACTS if not fact.category and fact.name in table]
    return table.astype(dict.fromkeys([*numbers, "seconds"], "float64"))


def labels(**changes: list) -> pd.DataFrame:
    home, names = zip(*CLIPS, strict=True)
    columns = {
        "split": list(home), "home": list(home), "video_name": list(names),
        "target": pd.array([0, 1, 0, 1, 1], dtype="Int8"), "source": [None] * 5, "generator": [None] * 5,
    }  # fmt: skip
    return pd.DataFrame(columns | changes)


def test_the_sound_of_every_clip_is_measured_from_the_shards(extracted):
    table = sound_table(extracted, SILENCE_DB, workers=2)
    assert list(zip(table["home"], table["video_name"], strict=True)) == CLIPS[:3]
    for place, row in enumerate(table.itertuples(index=False)):
        pcm, shift = to_pcm(sound_of(place))
        expected = sound_facts(from_pcm(pcm, shift), RATE, SILENCE_DB)
        assert row.leading_silence_seconds == expected.leading_silence_seconds
        assert row.leading_silence_seconds >= 0.05 * (place + 1) - 1e-9
        assert row.rms_db == expected.rms_db
        assert row.cutoff_hz == expected.cutoff_hz


def sound() -> pd.DataFrame:
    rows = [
        {"home": home, "video_name": name} | dict.fromkeys(OF_SOUND, float(place))
        for place, (home, name) in enumerate(CLIPS[:3])
    ]
    return pd.DataFrame(rows)


def test_clips_that_could_not_be_opened_are_left_out_and_counted():
    table, unreadable = fact_table(labels(), container_facts(), sound())
    assert unreadable == {"val": 1}
    assert table["video_name"].tolist() == ["a.mp4", "b.mp4", "a.mp4", "mute.mp4"]
    assert table["target"].tolist() == [0, 1, 0, 1]
    assert np.isnan(table.loc[3, "rms_db"])
    assert table.loc[1, "bytes_per_second"] == 1000.0
    assert np.isnan(table.loc[0, "bytes_per_second"])
    assert table.loc[0, "container"] is None


def test_a_clip_that_no_table_of_facts_knows_is_left_out_and_counted():
    facts = container_facts()
    table, unreadable = fact_table(labels(), facts[facts["video_name"] != "b.mp4"], sound())
    assert unreadable == {"train": 1, "val": 1}
    assert len(table) == 3


def test_clips_keep_their_facts_when_they_move_to_another_split():
    """The sound and the container of a clip are found by its home, whatever split it is in."""
    moved = labels(split=["train", "held_out", "train", "val", "val"])
    table, _ = fact_table(moved, container_facts(), sound())
    assert table["split"].tolist() == ["held_out", "train", "train", "val"]
    assert table["rms_db"].tolist()[:3] == [1.0, 0.0, 2.0]


def test_clips_without_a_label_are_left_aside():
    table, unreadable = fact_table(
        labels(target=pd.array([0, 1, None, None, None], dtype="Int8")), container_facts(), sound()
    )
    assert table["split"].tolist() == ["train", "train"]
    assert unreadable == {}


def test_no_label_at_all():
    table, _ = fact_table(labels(target=pd.array([None] * 5, dtype="Int8")), container_facts(), sound())
    assert table.empty
    assert set(NAMES) <= set(table.columns)


def test_the_written_facts_are_the_table(tmp_path):
    table, _ = fact_table(labels(), container_facts(), sound())
    write_facts(table, tmp_path / "facts.csv")
    read = pd.read_csv(tmp_path / "facts.csv")
    assert list(read.columns) == ["split", "home", "video_name", "target", *NAMES]
    assert read["file_bytes"].tolist() == table["file_bytes"].tolist()
    assert read["rms_db"].fillna(-1).tolist() == table["rms_db"].fillna(-1).tolist()


def encoded(train: list, others: list) -> list[float]:
    facts = [Fact("encoder", category=True)]
    frame = pd.DataFrame({"encoder": pd.Series(others, dtype=object)})
    return (
        Encoder(pd.DataFrame({"encoder": pd.Series(train, dtype=object)}), facts).matrix(frame)[:, 0].tolist()
    )


def test_categories_are_numbered_by_commonness_in_training():
    assert encoded(["b", "a", "b", None, "c", "c", "c"], ["c", "b", "a", None]) == [0, 1, 2, 3]
    assert encoded(["b", "a"], ["a", "b"]) == [0, 1]
    assert np.isnan(encoded(["a"], ["new"])[0])
    assert np.isnan(encoded(["a"], [None])[0])
    assert np.isnan(encoded([None, None], [None, "a"])).all()
    many = [f"{n:04d}" for n in range(300)]
    assert max(encoded(many, many)) == MOST_CATEGORIES


def test_to_be_missing_is_a_value():
    nan = np.nan
    assert varies(np.array([1.0, nan]))
    assert varies(np.array([1.0, 2.0]))
    assert not varies(np.array([nan, nan]))
    assert not varies(np.array([1.0, 1.0]))
    assert not varies(np.array([]))
