"""Leaks between splits, from labels and packed clips."""

import hashlib
from functools import cache

import numpy as np
import pandas as pd
import pytest

from audit_tables import audit_params
from avfake.audit import clip_prints as clip_prints_module
from avfake.audit import leaks as leaks_module
from avfake.audit.leaks import COLUMNS, find_leaks
from avfake.dataset.shards import write_shard
from avfake.errors import UserError
from avfake.media.pcm import to_pcm
from avfake.parallel import Result
from avfake.params import MemoParams
from clips import pictures, speech

RATE = 16000
SECONDS = 3.0


@pytest.fixture
def here(monkeypatch):
    """Fingerprints are made in this process: a worker's start costs more than these clips."""
    monkeypatch.setattr(clip_prints_module, "map_ordered", mapped_here)


def mapped_here(function, items, *_, **__):
    for item in items:
        yield Result(item, function(item), None)


def sha256_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Place:
    """Packed clips and their labels."""

    def __init__(self, folder):
        self.folder = folder
        self.shards = {}
        self.labels = []

    def add(self, split, name, sound=None, faces=None, home=None, sha256=None, shard=0, **label):
        pcm, shift = to_pcm(sound) if sound is not None else (np.zeros(0, "<i2"), 0)
        faces = np.zeros((0, 8, 8, 3), np.uint8) if faces is None else faces
        home = home or (split if split in ("train", "val", "test") else "train")
        row = {
            "video_name": name, "clip_sha256": sha256 or sha256_of(f"{home}/{name}"),
            "error": None, "audio_error": None if len(pcm) else "no audio stream", "video_error": None,
            "sample_rate": RATE, "pcm": pcm.tobytes(), "pcm_shift": shift, "n_faces": len(faces),
            "faces": faces.tobytes(), "face_times": [0.0] * len(faces), "facts": "{}",
        }  # fmt: skip
        self.shards.setdefault((home, shard), []).append(row)
        self.labels.append(
            {
                "split": split,
                "home": home,
                "video_name": name,
                "target": 0,
                "generator": None,
                "source": None,
                **label,
            }
        )

    def table(self):
        columns = ["split", "home", "video_name", "target", "generator", "source"]
        return pd.DataFrame(self.labels, columns=None if self.labels else columns, dtype=object)

    def find(self, labels=None, workers=1, **params):
        for (home, shard), rows in self.shards.items():
            write_shard(rows, self.folder / "extracted" / home / f"shard-{shard:02d}.parquet")
        memo = MemoParams(folder=str(self.folder / "memo"), max_gib=1.0)
        table = self.table() if labels is None else labels
        return find_leaks(table, self.folder / "extracted", audit_params(**params), memo, workers)


@pytest.fixture
def place(tmp_path, here):
    (tmp_path / "extracted").mkdir()
    (tmp_path / "extracted" / "extract.json").write_text("{}")
    return Place(tmp_path)


@cache
def voice(seed):
    return speech(SECONDS, RATE, seed)


def noisy(sound, seed=0):
    return (sound + 0.01 * np.random.default_rng(seed).standard_normal(len(sound))).astype(np.float32)


def rows(leaks, kind):
    chosen = leaks.pairs[leaks.pairs["kind"] == kind]
    return [tuple(row) for row in chosen[COLUMNS[1:5]].itertuples(index=False)]


def test_every_kind_is_found_and_nothing_else(place):
    face, other_face = np.stack(pictures(2, 64, seed=1)), np.stack(pictures(2, 64, seed=2))
    place.add("train", "a.mp4", voice(1))
    place.add("val", "a-copy.mp4", voice(1))
    place.add("train", "b.mp4", voice(2), face)
    place.add("test", "b-noisy.mp4", noisy(voice(2), seed=1))
    place.add("train", "b-twin.mp4", noisy(voice(2)))  # beside its original: no leak of its own
    place.add("val", "c.mp4", voice(3), face)
    place.add("test", "d.mp4", voice(4), other_face, derived_from="c.mp4")
    place.add("train", "e.mp4", voice(5), derived_from="b.mp4")
    found = place.find()
    assert rows(found, "same_file") == [("train", "a.mp4", "val", "a-copy.mp4")]
    assert set(rows(found, "sound")) == {
        ("train", "b-twin.mp4", "test", "b-noisy.mp4"),
        ("train", "b.mp4", "test", "b-noisy.mp4"),
    }
    assert rows(found, "picture") == [("train", "b.mp4", "val", "c.mp4")]
    assert rows(found, "derived") == [("val", "c.mp4", "test", "d.mp4")]
    assert found.counts == {"same_file": 1, "sound": 2, "picture": 1, "derived": 1}
    assert found.clips == {"same_file": 1, "sound": 1, "picture": 1, "derived": 2}
    assert list(found.pairs) == COLUMNS
    assert found.pairs["similarity"].between(0.8, 1).all()
    assert (found.sources, found.reasons) == ({}, {})


def test_the_split_of_the_labels_counts_and_unused_clips_do_not(place):
    place.add("held_out", "a.mp4", voice(1))
    place.add("train", "b.mp4", noisy(voice(1)))
    place.add("unused", "c.mp4", voice(1))
    place.add("train", "d.mp4", voice(2))
    place.add("unused", "e.mp4", voice(2), source="s")
    found = place.find()
    assert rows(found, "sound") == [("train", "b.mp4", "held_out", "a.mp4")]
    assert found.counts["same_file"] == 0
    assert found.clips["sound"] == 1


def test_silence_and_clips_without_sound_match_nothing_but_their_own_file(place):
    silence, constant = np.zeros(2 * RATE, np.float32), np.full(2 * RATE, 0.4, np.float32)
    for split in ("train", "val"):
        place.add(split, f"{split}-silence.mp4", silence)
        place.add(split, f"{split}-constant.mp4", constant)
        place.add(split, f"{split}-mute.mp4")
        place.add(split, f"{split}-speech.mp4", voice(len(split)))
    place.add("val", "copy.mp4", silence, sha256=sha256_of("train/train-silence.mp4"))
    found = place.find()
    assert rows(found, "same_file") == [("train", "train-silence.mp4", "val", "copy.mp4")]
    assert found.counts["sound"] == 0
    assert any(note.startswith("sound: 7 of 9 clips hold less than 1.4 s") for note in found.notes)


def test_without_enough_sound_or_faces_there_are_no_numbers(place):
    place.add("train", "a.mp4", voice(1)[: RATE // 2])
    place.add("val", "b.mp4", noisy(voice(1)[: RATE // 2]))
    flat = np.full((2, 64, 64, 3), 7, np.uint8)
    place.add("val", "c.mp4", faces=flat)
    found = place.find()
    assert found.counts == {"same_file": 0, "sound": None, "picture": None, "derived": None}
    assert found.clips == found.counts
    assert set(found.reasons) == {"sound", "picture", "derived"}
    assert "picture: 2 face crops of one colour were left out" in found.notes


def test_sources_in_two_splits(place):
    for index, (split, source) in enumerate(
        [
            ("test", "s-1"),
            ("train", "s-1"),
            ("val", "s-1"),
            ("train", "s-2"),
            ("train", "s-2"),
            ("val", "S-2"),
        ]
    ):
        place.add(split, f"{index}.mp4", source=source)
    found = place.find()
    assert found.sources == {"s-1": ["train", "val", "test"]}
    assert "source: written in several ways: S-2, s-2" in found.notes


def test_names_that_differ_by_case_are_two_clips(place):
    place.add("train", "Clip.mp4", voice(1))
    place.add("val", "clip.mp4", voice(2))
    place.add("test", "CLIP.mp4", noisy(voice(1)))
    place.add("train", "made.mp4", voice(6), derived_from="cLIP.mp4")
    place.add("train", "made-2.mp4", voice(7), derived_from="clip.mp4")
    place.add("train", "made-3.mp4", voice(8), derived_from="gone.mp4")
    place.add("train", "made-4.mp4", voice(9), derived_from="Clip.mp4")
    found = place.find()
    assert rows(found, "sound") == [("train", "Clip.mp4", "test", "CLIP.mp4")]
    assert rows(found, "derived") == [("train", "made-2.mp4", "val", "clip.mp4")]
    assert any("made.mp4" in note and "capitals" in note for note in found.notes)
    assert any("made-3.mp4" in note and "no clip" in note for note in found.notes)


def test_the_same_name_in_two_splits_is_two_clips(place):
    place.add("train", "a.mp4", voice(1))
    place.add("val", "a.mp4", voice(2))
    place.add("test", "b.mp4", noisy(voice(2)))
    assert rows(place.find(), "sound") == [("val", "a.mp4", "test", "b.mp4")]


def test_many_copies_are_counted_and_the_first_are_listed(place, monkeypatch):
    monkeypatch.setattr(leaks_module, "LISTED", 5)
    for index in range(6):
        place.add("train", f"t{index}.mp4", voice(1))
        place.add("val", f"v{index}.mp4", voice(1))
    found = place.find()
    assert (found.counts["same_file"], found.clips["same_file"]) == (36, 6)
    assert rows(found, "same_file") == [("train", "t0.mp4", "val", f"v{index}.mp4") for index in range(5)]
    assert "same_file: 5 of 36 pairs are listed, the most similar first" in found.notes
    assert found.counts["sound"] == 0


def test_an_empty_table_and_stale_labels(place):
    found = place.find()
    assert len(found.pairs) == 0
    assert list(found.pairs) == COLUMNS
    assert found.counts["same_file"] == 0
    place.add("train", "a.mp4", voice(1))
    labels = pd.concat([place.table(), place.table().assign(video_name="gone.mp4")])
    assert place.find(labels).notes[0] == "1 labelled clips are not among the extracted ones: gone.mp4"


def test_the_thresholds_are_the_parameters(place):
    place.add("train", "a.mp4", voice(1))
    place.add("val", "b.mp4", noisy(voice(1)))
    similarity = place.find().pairs["similarity"].item()
    assert len(place.find(sound_match=similarity).pairs) == 1
    assert len(place.find(sound_match=similarity + 1e-6).pairs) == 0
    with pytest.raises(UserError, match="picture_bits"):
        place.find(picture_bits=30)


def test_extract_must_have_run(tmp_path, here):
    with pytest.raises(UserError, match="dvc repro extract"):
        Place(tmp_path).find()


def test_the_memo_and_worker_processes_change_nothing(tmp_path, monkeypatch):
    place = Place(tmp_path)
    for index in range(4):
        place.add("train", f"t{index}.mp4", voice(index), np.stack(pictures(2, 64, index)), shard=index % 2)
        place.add("test", f"v{index}.mp4", noisy(voice(index)), np.stack(pictures(2, 64, index)))
    apart = place.find(workers=2)
    assert (apart.counts["sound"], apart.counts["picture"]) == (4, 4)
    assert len(list((tmp_path / "memo").glob("??/*"))) == 8
    monkeypatch.setattr(clip_prints_module, "map_ordered", mapped_here)
    monkeypatch.setattr(clip_prints_module, "_pack", None)  # all of it comes from the memo
    again = place.find()
    pd.testing.assert_frame_equal(apart.pairs, again.pairs)
    assert (apart.notes, apart.counts, apart.clips) == (again.notes, again.counts, again.clips)
