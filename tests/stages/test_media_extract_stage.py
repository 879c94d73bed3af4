import csv
import hashlib
import math
import os
import signal
from pathlib import Path

import pytest

from avfake.dataset.facts import read_facts
from avfake.dataset.root import load_root
from avfake.dataset.shards import bucket_of, list_shards, read_shard
from avfake.errors import RunError
from avfake.params import DataParams, ExtractParams, MemoParams, load
from avfake.stages import extract
from clips import BROKEN, make_clip, make_root, write_labels
from workspace import ROOT

BUCKETS = 3
DEADLY = "deadly.mp4"


def deadly_task(task: extract.Task) -> extract.Done:
    """A decoder that crashes on one clip."""
    if task.clip.video_name == DEADLY:
        os.kill(os.getpid(), signal.SIGSEGV)
    return extract.extract_task(task)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Place:
    """A data root and the stage's outputs beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.out = folder, folder / "root", folder / "data"
        make_root(self.root, 4, 2, seconds=0.5)

    def run(self, workers: int = 1, memo: str = "memo", max_unreadable: float = 0.0, **settings) -> None:
        data = load(DataParams, ROOT / "params.yaml").model_copy(
            update={"root": str(self.root), "max_unreadable": max_unreadable}
        )
        params = load(ExtractParams, ROOT / "params.yaml").model_copy(
            update={"buckets": BUCKETS, "n_faces": 1, "face_size": 16, **settings}
        )
        memo_params = MemoParams(folder=str(self.folder / memo), max_gib=1.0)
        outputs = (self.out / name for name in ("extracted", "labels", "facts"))
        extract.run(load_root(data), data, params, memo_params, workers, *outputs)

    def rows(self) -> dict[str, dict]:
        shards = list_shards(self.out / "extracted")
        return {row["video_name"]: row for _, path in shards for row in read_shard(path)}

    def problems(self) -> list[dict[str, str]]:
        with (self.out / "labels" / "problems.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path)


def test_outputs_depend_on_the_clips_alone(place, capsys):
    place.run(workers=2)
    assert capsys.readouterr().out == "extract: 6 clips, 6 decoded, 0 from the memo, 0 unreadable\n"
    first = tree(place.out)
    assert all(
        path.stem == f"shard-{bucket_of(row['video_name'], BUCKETS):02d}"
        for _, path in list_shards(place.out / "extracted")
        for row in read_shard(path)
    )
    # A damaged entry of the memo is worth nothing, and harms nothing; neither does what lies about.
    entry = next(path for path in sorted((place.folder / "memo").rglob("*")) if path.is_file())
    entry.write_bytes(entry.read_bytes()[:-5] + b"wrong")
    (place.out / "extracted" / "train" / "shard-77.parquet").write_bytes(b"stale")
    place.run(workers=1)
    assert capsys.readouterr().out == "extract: 6 clips, 1 decoded, 5 from the memo, 0 unreadable\n"
    assert tree(place.out) == first
    place.run(workers=1, memo="another")
    assert tree(place.out) == first


def test_unreadable_clips_are_rows_and_problems(place, capsys):
    labels = [(path.name, 0, "real", "s") for path in sorted((place.root / "trainset").iterdir())]
    for kind in ("empty", "text", "truncated", "truncated_stream", "no_audio", "no_video"):
        BROKEN[kind](place.root / "trainset" / f"{kind} ü.mp4")
        labels.append((f"{kind} ü.mp4", 1, "comb", "s"))
    labels.append(("missing.mp4", 1, "comb", "s"))
    (place.root / "trainset" / "dangling.mp4").symlink_to(place.folder / "nowhere.mp4")
    labels.append(("dangling.mp4", 0, "real", "s"))
    write_labels(place.root / "train_label.txt", labels)
    with pytest.raises(RunError) as caught:
        place.run(max_unreadable=0.2)
    message = str(caught.value)
    for text in (
        "empty ü.mp4: empty file",
        "missing.mp4: label without a clip",
        "data.max_unreadable",
        "50.0%",
    ):
        assert text in message
    assert "extract: 13 clips, 12 decoded, 0 from the memo, 6 unreadable" in capsys.readouterr().out

    rows = place.rows()
    assert rows["missing.mp4"]["error"] == "no such clip"
    assert rows["missing.mp4"]["clip_sha256"] is None
    assert rows["dangling.mp4"]["error"] == "broken symbolic link"
    assert rows["empty ü.mp4"]["error"] == rows["empty ü.mp4"]["audio_error"] == "empty file"
    assert rows["no_audio ü.mp4"]["error"] is None
    assert rows["no_audio ü.mp4"]["audio_error"] == "no audio stream"
    assert rows["no_video ü.mp4"]["audio_error"] is None
    assert rows["no_video ü.mp4"]["video_error"] == "no video stream"
    problems = {row["video_name"]: row for row in place.problems()}
    assert set(problems) == {name for name, *_ in labels[4:]}
    assert problems["truncated_stream ü.mp4"]["reason"].startswith("truncated")
    assert all(row["remedy"] and row["file"] for row in problems.values())


def test_a_clip_that_kills_the_decoder_costs_only_itself(place, monkeypatch):
    make_clip(place.root / "valset" / DEADLY, seconds=0.5)
    with (place.root / "val_label.txt").open("a", encoding="utf-8") as file:
        file.write(f"{DEADLY},1,comb,s\n")
    monkeypatch.setattr(extract, "extract_task", deadly_task)
    place.run(max_unreadable=1.0)
    rows = place.rows()
    assert "died" in rows[DEADLY]["error"]
    assert [name for name, row in rows.items() if row["audio_error"]] == [DEADLY]


def test_only_parameters_that_matter_miss_the_memo():
    params = load(ExtractParams, ROOT / "params.yaml").model_copy(update={"n_faces": 0})

    def key(**settings):
        return extract._key("00", params.model_copy(update=settings))

    assert key() == key(buckets=3) == key(face_size=17)
    assert (
        len({key(), key(sample_rate=16000), key(max_seconds=3.0), key(min_seconds=0.2), key(n_faces=1)}) == 5
    )
    assert key(n_faces=1) != key(n_faces=1, face_size=17)


def test_the_facts_of_every_clip_are_kept_beside_its_sound(place):
    clip = sorted((place.root / "trainset").iterdir())[0]
    BROKEN["no_audio"](clip)
    place.run(max_unreadable=1.0)
    facts = read_facts(place.out / "facts")
    rows = place.rows()
    assert list(facts["split"].unique()) == ["train", "val"]
    assert sorted(facts["video_name"]) == sorted(rows)
    for fact in facts.itertuples():
        row = rows[fact.video_name]
        assert fact.clip_sha256 == row["clip_sha256"]
        assert fact.error is None
        if row["audio_error"] is None:
            assert fact.sound_seconds == len(row["pcm"]) / 2 / row["sample_rate"]
            assert 0.3 < fact.sound_seconds < 0.8
            assert fact.audio_codec == "aac"
            assert math.isnan(fact.left_right_db) == (fact.audio_channels == 1)
        else:
            assert fact.audio_error == "no audio stream"
            assert math.isnan(fact.sound_seconds)
            assert math.isnan(fact.left_right_db)
            assert fact.audio_codec is None
