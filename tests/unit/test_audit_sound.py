import math

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from avfake.audit.sound import (
    FLOOR_DB,
    at_level,
    band_limited,
    of_length,
    silent_ends,
    sound_facts,
    spectral_edges,
    trimmed,
)
from clips import speech, tone

RATE = 22050
SILENCE_DB = -40.0


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def with_silence(sound: np.ndarray, before: float, after: float, level: float = 0.0) -> np.ndarray:
    quiet = [level * noise(seconds, seed) for seed, seconds in enumerate((before, after), 1)]
    return np.concatenate([quiet[0], sound, quiet[1]]).astype(np.float32)


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_silence_at_both_ends_is_measured_to_a_frame(level):
    facts = sound_facts(with_silence(tone(1.0, RATE), 0.5, 0.25, level), RATE, SILENCE_DB)
    assert facts.leading_silence_seconds == pytest.approx(0.5, abs=0.011)
    assert facts.trailing_silence_seconds == pytest.approx(0.25, abs=0.011)


def test_silence_agrees_with_a_slow_count_of_samples():
    sound = with_silence(speech(1.0, RATE, 3), 0.137, 0.411, 1e-3)
    size = round(0.01 * RATE)
    frames = [sound[start : start + size] for start in range(0, len(sound), size)]
    silent = [max(abs(float(x)) for x in frame) <= 0.01 * float(np.abs(sound).max()) for frame in frames]
    first = silent.index(False) * size
    last = sum(len(frame) for frame in frames[len(silent) - silent[::-1].index(False) :])
    assert silent_ends(sound, RATE, SILENCE_DB) == (first, last)
    assert first > 0.12 * RATE
    assert last > 0.40 * RATE


def test_how_silent_silence_is_is_a_parameter():
    sound = with_silence(tone(1.0, RATE), 0.5, 0.0, 0.1)
    assert silent_ends(sound, RATE, -20.0)[0] > 0.4 * RATE
    assert silent_ends(sound, RATE, -60.0)[0] == 0


def test_digital_silence_has_level_but_no_bandwidth():
    facts = sound_facts(np.zeros(RATE, np.float32), RATE, SILENCE_DB)
    assert facts.leading_silence_seconds == facts.trailing_silence_seconds == 1.0
    assert facts.rms_db == facts.peak_db == FLOOR_DB
    assert math.isnan(facts.bandwidth_hz)
    assert math.isnan(facts.cutoff_hz)


@pytest.mark.parametrize("n", [1, 7, 220, 1023])
def test_very_short_sound_is_measured(n):
    facts = sound_facts(tone(1.0, RATE)[100 : 100 + n], RATE, SILENCE_DB)
    assert facts.leading_silence_seconds == 0.0
    assert facts.peak_db <= 0


def test_levels_of_a_sine():
    facts = sound_facts(tone(1.0, RATE, amplitude=0.5), RATE, SILENCE_DB)
    assert facts.peak_db == pytest.approx(-6.02, abs=0.01)
    assert facts.rms_db == pytest.approx(-9.03, abs=0.01)


def test_bandwidth_of_a_sine_and_of_noise():
    assert spectral_edges(tone(1.0, RATE, 3000.0), RATE)[0] == pytest.approx(3000, abs=50)
    assert spectral_edges(noise(3.0), RATE)[0] == pytest.approx(0.99 * RATE / 2, abs=50)


def test_an_offset_is_no_bandwidth():
    assert spectral_edges(tone(1.0, RATE, 3000.0) + np.float32(0.3), RATE)[0] == pytest.approx(3000, abs=50)


def test_the_cut_off_of_a_filter_is_found_where_little_energy_lies():
    """Speech has 99 % of its energy far below a codec's cut-off: the bandwidth alone would not see it."""
    quiet_treble = speech(3.0, RATE, 1) + 0.02 * noise(3.0)
    limited = band_limited(quiet_treble, RATE, 5000.0)
    whole, cut = spectral_edges(quiet_treble, RATE), spectral_edges(limited, RATE)
    assert whole[0] == pytest.approx(cut[0], abs=60)
    assert whole[1] > 10_000
    assert cut[1] == pytest.approx(4950, abs=60)


def test_the_band_filter_keeps_what_lies_below_and_has_no_delay():
    low, high = tone(1.0, RATE, 1000.0), tone(1.0, RATE, 6000.0)
    limited = band_limited(low + high, RATE, 3000.0)
    inner = slice(RATE // 10, -RATE // 10)
    assert np.abs(limited[inner] - low[inner]).max() < 1e-3
    assert limited.dtype == np.float32
    steep = sosfilt(butter(20, 3000, fs=RATE, output="sos"), low + high)
    assert np.std(limited[inner]) == pytest.approx(np.std(steep[inner]), rel=1e-3)


def test_trimmed_sound_has_no_silent_ends():
    sound = with_silence(tone(1.0, RATE), 0.5, 0.25)
    assert len(trimmed(sound, RATE, SILENCE_DB)) == pytest.approx(RATE, abs=0.02 * RATE)
    assert silent_ends(trimmed(sound, RATE, SILENCE_DB), RATE, SILENCE_DB) == (0, 0)
    silent = np.zeros(100, np.float32)
    assert trimmed(silent, RATE, SILENCE_DB) is silent


def test_length_and_level_are_made_equal():
    sound = tone(1.0, RATE, amplitude=0.01)
    assert np.array_equal(of_length(sound, 10), sound[:10])
    assert np.array_equal(of_length(sound[:3], 7), sound[[0, 1, 2, 0, 1, 2, 0]])
    assert sound_facts(at_level(sound, -30.0), RATE, SILENCE_DB).rms_db == pytest.approx(-30, abs=0.01)
    assert np.abs(at_level(tone(1.0, RATE), 20.0)).max() == 1.0
    assert not at_level(np.zeros(5, np.float32), -30.0).any()
