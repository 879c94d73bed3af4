"""The whole builder on a tiny corpus: the same bytes twice, one container for all, nothing half done."""

import csv
import hashlib
import io
from collections import Counter

import av
import numpy as np
import pytest

from avfake.dataset.sample.build import Ingredients, build, check_packages
from avfake.dataset.sample.clip import n_frames
from avfake.dataset.sample.writer import mp4
from avfake.errors import RunError
from avfake.params import MemoParams, ParallelParams, SampleParams, load
from sample_toys import make_corpus, make_voices

PARAMS = load(SampleParams).model_copy(
    update={"n_train": 6, "n_val": 2, "n_test": 2, "min_seconds": 1.0, "picture_size": 96, "frame_rate": 10}
)
WORKERS = ParallelParams(workers=2)


@pytest.fixture(scope="module")
def ingredients(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ingredients")
    return Ingredients(make_corpus(folder / "corpus"), make_voices(folder), {"espeak-ng": "1.0"})


@pytest.fixture(scope="module")
def built(ingredients, tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    memo = MemoParams(folder=str(folder / "memo"), max_gib=1)
    return folder / "sample", build(ingredients, folder / "sample", PARAMS, WORKERS, memo), memo


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_builds_give_the_same_bytes(built, ingredients, tmp_path):
    memo = MemoParams(folder=str(tmp_path / "memo"), max_gib=1)
    build(ingredients, tmp_path / "sample", PARAMS, ParallelParams(workers=1), memo)
    assert digests(tmp_path / "sample") == digests(built[0])


def test_a_build_from_the_memo_replaces_what_was_there(built, ingredients):
    folder, _, memo = built
    before = digests(folder)
    (folder / "trainset" / "left behind.mp4").write_bytes(b"")
    build(ingredients, folder, PARAMS, WORKERS, memo)
    assert digests(folder) == before
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_labels_and_clips_belong_together(built):
    folder, plans, _ = built
    for split in ("train", "val", "test"):
        with (folder / f"{split}_label.txt").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["video_name", "target", "generator", "source", "forged"]
        names = [row["video_name"] for row in rows]
        assert names == sorted(path.name for path in (folder / f"{split}set").iterdir())
        planned = {plan.video_name: (str(plan.target), plan.generator) for plan in plans}
        assert all(planned[row["video_name"]] == (row["target"], row["generator"]) for row in rows)


def test_the_container_is_the_same_for_all_clips(built):
    folder, plans, _ = built
    facts = set()
    for plan in plans:
        frames = n_frames(plan.line.seconds, PARAMS)
        with av.open(str(folder / f"{plan.split}set" / plan.video_name)) as clip:
            video, audio = clip.streams.video[0], clip.streams.audio[0]
            assert video.frames == frames
            assert float(audio.duration * audio.time_base) == pytest.approx(
                frames / PARAMS.frame_rate, abs=0.14
            )
            tags = {**clip.metadata, **video.metadata, **audio.metadata}
            facts.add(
                (
                    video.codec_context.name, video.width, video.height, video.average_rate, video.pix_fmt,
                    video.profile, audio.codec_context.name, audio.rate, audio.layout.name,
                    tuple(sorted(tags.items())), len(clip.streams),
                )
            )  # fmt: skip
            assert "creation_time" not in tags
    assert len(facts) == 1
    codec, width, height, *_ = facts.pop()
    assert (codec, width, height) == ("h264", 96, 96)


def test_both_clips_of_a_pair_are_equally_long(built):
    folder, plans, _ = built
    durations = Counter()
    for plan in plans:
        with av.open(str(folder / f"{plan.split}set" / plan.video_name)) as clip:
            audio = clip.streams.audio[0]
            durations[plan.line.path, clip.duration, audio.duration] += 1
    assert set(durations.values()) == {2}


def test_the_readme_names_every_tool_and_licence(built):
    folder, plans, _ = built
    text = (folder / "README.md").read_text(encoding="utf-8")
    for word in (
        "GPL-2",
        "Apache-2.0",
        "AGPL-3.0",
        "MIT",
        "public domain",
        "espeak-ng 1.0",
        "Known confounds",
    ):
        assert word in text
    assert all(plan.generator in text and plan.line.source in text for plan in plans)


def test_missing_packages_are_named_before_anything_is_fetched(monkeypatch):
    check_packages()
    monkeypatch.setattr(
        "avfake.dataset.sample.build._version", lambda package: "" if package == "hibari-tts" else "1"
    )
    with pytest.raises(RunError, match="hibari-tts") as caught:
        check_packages()
    assert "avfake[sample]" in caught.value.remedy


def test_the_writer_keeps_pitch_and_time():
    rate, frequency = 16000, 1000.0
    tone = (0.5 * np.sin(2 * np.pi * frequency * np.arange(2 * rate) / rate)).astype(np.float32)
    frames = [np.full((64, 64, 3), 8 * i, np.uint8) for i in range(20)]
    data = mp4(frames, 10, tone, rate)
    assert data == mp4(frames, 10, tone, rate)
    with av.open(io.BytesIO(data)) as clip:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in clip.decode(audio=0)])
    assert len(heard) == pytest.approx(len(tone), abs=3072)
    peak = np.argmax(np.abs(np.fft.rfft(heard))) * rate / len(heard)
    assert peak == pytest.approx(frequency, abs=2)
    with av.open(io.BytesIO(data)) as clip:
        seen = [frame.to_ndarray(format="rgb24").mean() for frame in clip.decode(video=0)]
    assert seen == pytest.approx([8 * i for i in range(20)], abs=4)
