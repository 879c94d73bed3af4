"""Disturbances of a sound: levels, bands, lengths, against what they say of themselves."""

import numpy as np
import pytest
from scipy.signal import welch

from avfake.disturb import sound
from avfake.disturb.room import response, reverberant
from avfake.disturb.sound import RATE
from avfake.media.errors import ClipError
from clips import speech, tone


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def power_between(x: np.ndarray, low: float, high: float) -> float:
    frequencies, power = welch(x.astype(np.float64), RATE, nperseg=4096)
    return float(power[(frequencies >= low) & (frequencies < high)].sum())


SPEECH = speech(1.5, RATE, seed=3)
WHITE = (0.1 * rng(7).standard_normal(RATE)).astype(np.float32)


def test_levels_are_those_of_sixteen_bits() -> None:
    made = sound.as_levels(np.array([0.0, 1.5, -1.5, 0.25, 1e-6], np.float32))
    assert made.tolist() == [0.0, 32767 / 32768, -1.0, 0.25, 0.0]
    assert np.array_equal(made, sound.as_levels(made))


def test_gain() -> None:
    assert rms(sound.louder(SPEECH, 6.0)) / rms(SPEECH) == pytest.approx(10 ** (6 / 20), rel=1e-5)
    assert rms(sound.louder(SPEECH, -6.0)) / rms(SPEECH) == pytest.approx(10 ** (-6 / 20), rel=1e-5)


def test_clipping_cuts_the_stated_share() -> None:
    made = sound.clipped(SPEECH, 0.02)
    changed = made != SPEECH
    assert changed.mean() == pytest.approx(0.02, abs=0.001)
    assert np.abs(made).max() < np.abs(SPEECH).max()
    assert np.all(np.sign(made[changed]) == np.sign(SPEECH[changed]))


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 5.0])
def test_noise_has_the_stated_ratio_and_a_flat_spectrum(snr_db: float) -> None:
    noise = sound.noisy(SPEECH, rng(), snr_db) - SPEECH
    assert 20 * np.log10(rms(SPEECH) / rms(noise)) == pytest.approx(snr_db, abs=1e-3)
    halves = power_between(noise, 100, 11000), power_between(noise, 11000, 21900)
    assert halves[0] / halves[1] == pytest.approx(1.0, abs=0.05)
    assert np.array_equal(sound.noisy(SPEECH, rng(), snr_db), sound.noisy(SPEECH, rng(), snr_db))
    assert not np.array_equal(sound.noisy(SPEECH, rng(1), snr_db), sound.noisy(SPEECH, rng(), snr_db))


@pytest.mark.parametrize("change", [sound.low_passed, sound.through_rate])
def test_nothing_is_left_above_four_kilohertz_and_nothing_moves_below(change) -> None:
    setting = {"cutoff": 4000.0} if change is sound.low_passed else {"rate": 8000}
    made = change(WHITE, **setting)
    assert len(made) == len(WHITE)
    assert power_between(made, 4300, 22000) < 1e-6 * power_between(WHITE, 4300, 22000)
    assert power_between(made, 200, 3500) == pytest.approx(power_between(WHITE, 200, 3500), rel=0.02)
    low = tone(0.5, RATE, 1000.0)
    middle = slice(2000, -2000)
    np.testing.assert_allclose(change(low, **setting)[middle], low[middle], atol=2e-3)


def test_trimming_takes_the_silence_off_both_ends_and_nothing_else() -> None:
    frame = RATE // 50
    quiet = (1e-4 * rng().standard_normal(10 * frame)).astype(np.float32)
    loud = tone(0.5, RATE)
    made = sound.trimmed(np.concatenate([quiet, loud, quiet[: 4 * frame]]), -40.0)
    assert abs(len(made) - len(loud)) <= 2 * frame
    start = int(np.argmax(made == loud[0]))
    assert start < frame
    assert np.array_equal(made[: len(loud)], loud[: len(made)])
    assert np.array_equal(sound.trimmed(loud, -40.0), loud)


def test_a_pause_within_is_not_trimmed() -> None:
    parts = [tone(0.2, RATE), np.zeros(RATE, np.float32), tone(0.2, RATE)]
    assert len(sound.trimmed(np.concatenate(parts), -40.0)) == sum(map(len, parts))


def test_pauses_have_the_level_of_the_background_and_are_no_zeros() -> None:
    background = (0.002 * rng(5).standard_normal(RATE)).astype(np.float32)
    clip = background.copy()
    clip[RATE // 4 : -RATE // 4] += tone(0.5, RATE)
    made = sound.with_pauses(clip, rng(), 0.5)
    assert len(made) == len(clip) + 2 * (RATE // 2)
    assert np.array_equal(made[RATE // 2 : -RATE // 2], clip)
    for pause in (made[: RATE // 2], made[-RATE // 2 :]):
        assert rms(pause) == pytest.approx(0.002, rel=0.1)
        assert np.count_nonzero(pause) > 0.99 * len(pause)
    assert not np.array_equal(made[: RATE // 2], made[-RATE // 2 :])


def test_pauses_of_a_clip_with_digital_silence_are_silent_too() -> None:
    clip = np.concatenate([np.zeros(RATE, np.float32), tone(0.5, RATE)])
    assert not sound.with_pauses(clip, rng(), 0.5)[: RATE // 2].any()


def test_first_seconds() -> None:
    assert np.array_equal(sound.first(SPEECH, 1.0), SPEECH[:RATE])
    assert np.array_equal(sound.first(SPEECH, 4.0), SPEECH)


def test_silence_is_refused_where_a_level_is_needed() -> None:
    silence = np.zeros(RATE, np.float32)
    with pytest.raises(ClipError, match="silent throughout"):
        sound.noisy(silence, rng(), 10.0)
    with pytest.raises(ClipError, match="silent throughout"):
        sound.trimmed(silence, -40.0)
    assert not reverberant(silence, rng()).any()


@pytest.mark.parametrize("n", [1, 7, 600])
def test_very_short_sound_keeps_its_length(n: int) -> None:
    short = WHITE[:n]
    assert len(sound.low_passed(short, 4000.0)) == n
    assert len(sound.through_rate(short, 8000)) == n
    assert len(sound.trimmed(short, -40.0)) == n
    assert len(sound.with_pauses(short, rng(), 0.5)) == n + RATE


def test_nothing_is_changed_in_place() -> None:
    before = SPEECH.copy()
    sound.noisy(SPEECH, rng(), 5.0)
    sound.clipped(SPEECH, 0.02)
    sound.with_pauses(SPEECH, rng(), 0.5)
    sound.low_passed(SPEECH, 4000.0)
    reverberant(SPEECH, rng())
    assert np.array_equal(SPEECH, before)


def test_a_room_begins_with_the_direct_sound_and_decays() -> None:
    heard = response(rng(2))
    assert int(np.argmax(np.abs(heard))) <= 2
    energy = np.cumsum(heard[::-1].astype(np.float64) ** 2)[::-1]
    decay = 10 * np.log10(energy / energy[0])
    # Schroeder 1965: the energy that is still to come; -5 to -25 dB, stretched to 60.
    seconds = 3 * (np.argmax(decay < -25) - np.argmax(decay < -5)) / RATE
    assert 0.15 < seconds < 0.8


def test_reverberation_keeps_length_level_and_step_and_follows_from_the_seed() -> None:
    made = reverberant(SPEECH, rng(2))
    assert len(made) == len(SPEECH)
    assert rms(made) == pytest.approx(rms(SPEECH), rel=1e-4)
    click = np.zeros(RATE, np.float32)
    click[1000] = 1.0
    assert int(np.argmax(np.abs(reverberant(click, rng(2))))) == pytest.approx(1000, abs=2)
    assert np.array_equal(made, reverberant(SPEECH, rng(2)))
    assert not np.array_equal(made, reverberant(SPEECH, rng(3)))
