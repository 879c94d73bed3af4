"""Forged pairs: the sound of another clip, and the clip's own at another time."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from avfake.errors import UserError
from avfake.forge.clip.reading import read_sound
from avfake.forge.make import derive
from avfake.forge.registry import check_params
from avfake.forge.take import Edited, Frame, Picture, Sound, Take
from avfake.forge.tools.pair import TOOLS, fitted
from avfake.media.errors import ClipError
from avfake.media.probe import probe
from clips import make_clip, speech

RATE = 16000
OTHER, SHIFT = TOOLS


def picture() -> Iterator[Frame]:
    raise AssertionError("a forged pair leaves the picture as it is, and need not look at it")


def take(seconds: float, rate: int = RATE, seed: int = 1, gain: float = 1.0) -> Take:
    return Take(Sound(gain * speech(seconds, rate, seed), rate), Picture(64, 64, Fraction(1, 25), picture))


def forged(tool, first: Take, second: Take | None = None, seed: int = 0, **params) -> np.ndarray:
    chosen = check_params(tool, {**tool.example, **params}, "the test")
    edited: Edited = tool.apply(first, chosen, np.random.default_rng(seed), second)
    assert edited.picture is None
    assert edited.sound.rate == first.sound.rate
    assert len(edited.sound.samples) == len(first.sound.samples)
    return edited.sound.samples


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))


def likeness(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.dot(x, y) / np.sqrt(np.dot(x, x) * np.dot(y, y)))


def test_the_other_sound_is_as_long_and_as_loud_as_the_own():
    first, second = take(2.0, gain=0.3), take(3.0, seed=2)
    made = forged(OTHER, first, second)
    assert rms(made) == pytest.approx(rms(first.sound.samples), rel=0.05)
    there = np.correlate(second.sound.samples, made, "valid")
    assert there.max() / (rms(made) * rms(second.sound.samples) * len(made)) > 0.8
    assert abs(likeness(made, first.sound.samples)) < 0.3


def test_the_other_sound_comes_to_the_clip_s_rate():
    first, second = take(2.0, rate=44100), take(3.0, rate=RATE, seed=2)
    made = forged(OTHER, first, second)
    assert len(made) == 88200
    spectrum = np.abs(np.fft.rfft(made)) ** 2
    assert spectrum[2 * 8100 :].sum() < 1e-3 * spectrum.sum()


def test_a_shorter_sound_is_repeated_without_a_gap_or_a_jump():
    x = np.sin(np.arange(1000) / 10).astype(np.float32)
    made = fitted(x, 3500, 100, np.random.default_rng(0))
    assert made.shape == (3500,)
    np.testing.assert_array_equal(made[:900], x[:900])
    np.testing.assert_array_equal(made[1000:1700], x[100:800])
    assert np.abs(np.diff(made)).max() < 0.25
    assert fitted(x[:10], 3500, 100, np.random.default_rng(0)).shape == (3500,)


def test_a_part_of_a_longer_sound_is_drawn():
    x = np.arange(5000, dtype=np.float32)
    begins = {int(fitted(x, 1000, 100, np.random.default_rng(seed))[0]) for seed in range(20)}
    assert len(begins) > 10
    assert max(begins) <= 4000


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0])
def test_the_sound_comes_so_much_earlier_or_later(seconds):
    first = take(4.0)
    x, by = first.sound.samples, round(seconds * RATE)
    lags = set()
    for seed in range(12):
        made = forged(SHIFT, first, seed=seed, seconds=[seconds, seconds])
        later = likeness(made[by + 400 :], x[400:-by]) > 0.999
        earlier = likeness(made[: -by - 400], x[by:-400]) > 0.999
        assert later != earlier
        lags.add(later)
        gap = made[:by] if later else made[-by:]
        assert rms(gap) > 0.01
        assert np.abs(np.diff(made)).max() < 1.5 * np.abs(np.diff(x)).max()
        assert not np.shares_memory(made, x)
    assert lags == {True, False}


def test_a_shift_is_drawn_from_its_range():
    first = take(4.0)
    made = [forged(SHIFT, first, seed=seed) for seed in range(3)]
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[1], made[2])


def test_a_sound_shorter_than_its_shift_is_refused():
    with pytest.raises(ClipError, match=r"too short for its sound to be shifted by 1\.00 s"):
        forged(SHIFT, take(1.1), seconds=[1.0, 1.0])
    with pytest.raises(ClipError, match="silent"):
        forged(SHIFT, take(2.0, gain=0.0))
    with pytest.raises(ClipError, match="silent"):
        forged(OTHER, take(2.0), take(2.0, gain=0.0))


@pytest.mark.parametrize(
    ("tool", "params", "named"),
    [
        (SHIFT, {"seconds": [0.0, 1.0]}, "seconds"),
        (SHIFT, {"seconds": [1.0, 0.2]}, "seconds"),
        (SHIFT, {"seconds": [0.2, 60.0]}, "seconds"),
        (OTHER, {"crossfade": 0.0}, "crossfade"),
        (OTHER, {"volume": 1.0}, "volume"),
    ],
)
def test_nonsense_is_refused_by_name(tool, params, named):
    with pytest.raises(UserError, match=f"parameters of {tool.name}: {named}"):
        check_params(tool, {**tool.example, **params}, "recipe x")


def test_a_forged_pair_is_a_clip_with_the_same_facts(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 1.5, 16000, 2, seed=1, kind="speech")
    second = make_clip(tmp_path / "b.mp4", 1.0, 44100, 1, seed=2, kind="speech")
    for tool, partner in ((OTHER, second), (SHIFT, None)):
        params = check_params(tool, tool.example, "the test")
        made = tmp_path / "made.mp4"
        made.write_bytes(derive(clip, tool, params, 1, partner))
        facts, now = probe(clip), probe(made)
        assert {key for key in facts if facts[key] != now[key]} <= {
            "file_bytes",
            "bit_rate",
            "audio_bit_rate",
        }
        assert now["audio_bit_rate"] == pytest.approx(facts["audio_bit_rate"], rel=0.03)
        left, right = read_sound(made).channels
        assert likeness(left, right) > 0.99
        assert abs(likeness(left, read_sound(clip).mid())) < 0.3
