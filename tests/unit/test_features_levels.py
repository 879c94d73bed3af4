"""Normalisation of a clip, and silence at its ends."""

import librosa
import numpy as np
import pytest

from avfake.features.normalise import LEAST_SPREAD, SPREAD_LEVELS, grey_levels
from avfake.features.trim import kept_frames
from clips import speech

RATE, HOP, RANGE = 22050, 256, 80.0


@pytest.fixture
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    spread = np.array([[0.2], [2.0], [6.0], [9.0]])
    return np.clip(rng.normal(-40, spread, (4, 500)), -RANGE, 0).astype(np.float32)


def test_peak_is_decibels_below_the_loudest():
    levels = grey_levels(np.array([[0, -20, -80, -200, 3]], np.float32), "peak", RANGE)
    assert levels.dtype == np.uint8
    assert levels.tolist() == [[255, 191, 0, 0, 255]]


def test_band_takes_the_mean_of_each_row_out_and_nothing_else(values):
    channel = np.array([[0.0], [-12.0], [5.0], [-20.0]], np.float32)
    levels = grey_levels(values, "band", RANGE)
    np.testing.assert_array_equal(levels, grey_levels(values + channel, "band", RANGE))
    assert np.abs(levels.mean(axis=1) - 127.5).max() < 0.6
    expected = 127.5 + 255 * (values - values.mean(axis=1, keepdims=True)) / RANGE
    assert np.abs(levels - np.clip(expected, 0, 255)).max() <= 0.51


def test_band_std_makes_the_spread_one_but_not_of_a_row_that_hardly_changes(values):
    levels = grey_levels(values, "band_std", RANGE)
    spread = levels.std(axis=1)
    np.testing.assert_allclose(spread[1:], SPREAD_LEVELS, rtol=0.02)
    assert spread[0] == pytest.approx(0.2 / LEAST_SPREAD * SPREAD_LEVELS, rel=0.1)
    squeezed = grey_levels((values + 40) / 2 - 40, "band_std", RANGE)
    assert np.abs(levels[2:].astype(int) - squeezed[2:].astype(int)).max() <= 1


@pytest.mark.parametrize("normalise", ["band", "band_std"])
def test_a_row_that_never_changes_is_grey(normalise):
    assert grey_levels(np.full((2, 9), -30, np.float32), normalise, RANGE).tolist() == [[128] * 9] * 2


@pytest.mark.parametrize("trim_db", [20.0, 40.0])
def test_silence_is_librosas(trim_db):
    rng = np.random.default_rng(0)
    ends = [0.001 * rng.normal(size=n).astype(np.float32) for n in (9000, 5000)]
    sound = np.concatenate([ends[0], speech(2.0, RATE, 0), ends[1]])
    rms = librosa.feature.rms(y=sound, frame_length=4 * HOP, hop_length=HOP)[0]
    heard = np.flatnonzero(librosa.amplitude_to_db(rms, ref=np.max, top_db=None) > -trim_db)
    kept = kept_frames(sound, HOP, trim_db)
    assert kept == slice(heard[0], heard[-1] + 1)
    assert kept.start > 25
    assert kept.stop < 1 + len(sound) // HOP - 10


@pytest.mark.parametrize("n", [1, 100, 5000])
def test_nothing_is_cut_of_silence_nor_without_a_limit(n):
    frames = 1 + n // HOP
    assert kept_frames(np.zeros(n, np.float32), HOP, 30.0) == slice(0, frames)
    assert kept_frames(np.eye(1, n, dtype=np.float32)[0], HOP, None) == slice(0, frames)
    assert kept_frames(np.eye(1, n, dtype=np.float32)[0], HOP, 30.0).start == 0
