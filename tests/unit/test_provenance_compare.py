"""How far two clips lie apart, decoded; which clips are drawn to be made anew."""

from pathlib import Path

import numpy as np
import pytest

from avfake.dataset.layout import Clip
from avfake.forge.plan import Job
from avfake.provenance.compare import FULL_SCALE, WHITE, Apart, picture_apart, sound_apart
from avfake.provenance.machine import differences, machine_type, versions
from avfake.provenance.rebuild import drawn
from clips import pictures, tone, write_clip

RATE = 44100


def clip(path: Path, sound: np.ndarray | None = None, brighter: int = 0, frames: int = 4) -> Path:
    shown = [
        np.clip(frame.astype(int) + brighter, 0, 255).astype(np.uint8) for frame in pictures(frames, 32, 1)
    ]
    return write_clip(path, None if sound is None else sound[None], RATE, shown, audio_codec="pcm_s16le")


def apart(first: Path, second: Path) -> tuple[Apart | None, Apart | None]:
    return sound_apart(first, second), picture_apart(first, second)


def test_equal_clips_are_not_apart(tmp_path):
    path = clip(tmp_path / "a.mkv", tone(0.5, RATE))
    assert apart(path, path) == (Apart(0.0, 0.0), Apart(0.0, 0.0))


def test_the_largest_difference_of_a_sample_and_of_a_pixel_and_the_mean_one(tmp_path):
    sound = tone(0.5, RATE)
    other = sound.copy()
    other[1000] += 0.25
    first = clip(tmp_path / "a.mkv", sound)
    found, seen = apart(first, clip(tmp_path / "b.mkv", other, brighter=40))
    # swresample spreads one channel to two, which the mean brings back with its gain of -3 dB.
    assert found.largest == pytest.approx(0.25 / np.sqrt(2), abs=1e-3)
    assert found.mean == pytest.approx(0.25 / np.linalg.norm(other), rel=0.01)
    assert 40 <= seen.largest <= 80  # H.264 is not lossless
    assert seen.mean == pytest.approx(40, abs=4)


def test_what_only_one_clip_has_counts_as_full_scale(tmp_path):
    whole = clip(tmp_path / "a.mkv", tone(0.5, RATE))
    silent, other = clip(tmp_path / "silent.mkv", None), clip(tmp_path / "other.mkv", None)
    assert sound_apart(whole, silent) == Apart(FULL_SCALE, 1.0)
    assert sound_apart(silent, other) is None
    for frames in (0, 3, 5):
        another = clip(tmp_path / f"{frames}.mkv", tone(0.5, RATE), frames=frames)
        assert picture_apart(whole, another) == Apart(WHITE, WHITE)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"shopping list")
    assert apart(whole, broken) == (Apart(FULL_SCALE, 1.0), Apart(WHITE, WHITE))


def test_a_longer_sound_is_compared_with_silence(tmp_path):
    short, long = make(tmp_path / "a.wav", tone(0.5, RATE)), make(tmp_path / "b.wav", tone(0.7, RATE))
    assert sound_apart(short, long).largest == pytest.approx(0.5 / np.sqrt(2), abs=0.01)
    assert sound_apart(short, long).mean == pytest.approx(np.sqrt(2 / 7), abs=0.01)
    assert picture_apart(short, long) is None


def test_silence_is_not_apart_from_silence(tmp_path):
    silence = make(tmp_path / "a.wav", np.zeros(RATE, np.float32))
    assert sound_apart(silence, silence) == Apart(0.0, 0.0)


def make(path: Path, sound: np.ndarray) -> Path:
    return write_clip(path, sound[None], RATE, [], audio_codec="pcm_s16le")


def jobs(recipe: str, n: int) -> list[Job]:
    source = Clip("x.mp4", Path("x.mp4"), "train", 0, None, None)
    return [Job(recipe, 0, source, None, "tool", {}, 0, f"{recipe}-{i}.mp4") for i in range(n)]


def test_a_share_of_every_recipe_is_drawn():
    planned = [*jobs("many", 100), *jobs("few", 3)]
    chosen = drawn(planned, 0.05, seed=1)
    assert [job.recipe for job in chosen] == ["many"] * 5 + ["few"]
    assert chosen == sorted(chosen, key=planned.index)
    assert drawn(planned, 0.05, seed=1) == chosen
    assert drawn(planned, 0.05, seed=2) != chosen
    assert drawn(planned, 1.0, seed=1) == planned
    assert drawn(planned, 0.0, seed=1) == []


def test_every_clip_is_drawn_by_some_seed():
    planned = jobs("many", 20)
    assert {job.derived_name for seed in range(200) for job in drawn(planned, 0.1, seed)} == {
        job.derived_name for job in planned
    }


def test_versions_and_machines():
    assert versions('{"numpy": "1.0"}') == {"numpy": "1.0"}
    assert [versions(text) for text in ("", "[]", '{"numpy": 1}', None)] == [None] * 4
    assert differences({"a": "1", "b": "1"}, {"a": "2", "c": "1"}) == [
        "a 1 -> 2",
        "b 1 -> none",
        "c none -> 1",
    ]
    assert len(machine_type().split()) == 2
