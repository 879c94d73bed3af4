"""The way of the sound that real and fake clips share."""

import numpy as np
import pyloudnorm
import pytest

from avfake.dataset.sample import sound
from clips import speech

RATE = 16000


def level(x, low, high):
    """Mean power in a band, dB."""
    frequencies = np.fft.rfftfreq(len(x), 1 / RATE)
    power = np.abs(np.fft.rfft(x)) ** 2
    return 10 * np.log10(power[(frequencies >= low) & (frequencies < high)].mean() + 1e-20)


def test_silent_ends_are_removed_and_nothing_else():
    spoken = speech(1.0, RATE, seed=1) + 0.05 * np.sin(np.arange(RATE))
    cut = sound.trimmed(np.pad(spoken, RATE // 2).astype(np.float32), RATE)
    assert abs(len(cut) - RATE) <= 0.05 * RATE
    assert len(sound.trimmed(np.zeros(100, np.float32), RATE)) == 100


@pytest.mark.parametrize("cutoff", [3500.0, 5000.0, 7000.0])
def test_the_cutoff_of_a_recording_is_found(cutoff):
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE)
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / RATE) > cutoff] *= 1e-5
    assert sound.cutoff_of(np.fft.irfft(spectrum), RATE) == pytest.approx(cutoff, abs=250)


@pytest.mark.parametrize("gain", [0.02, 0.3, 1.0])
def test_finished_sound_has_one_loudness_and_bandwidth(gain):
    x = gain * speech(2.0, RATE, seed=3)
    y = sound.finished(x, RATE, 4000.0, -23.0, seed=1)
    assert y.shape == x.shape
    assert y.dtype == np.float32
    assert pyloudnorm.Meter(RATE).integrated_loudness(y) == pytest.approx(-23.0, abs=0.3)
    assert level(y, 300, 2000) - level(y, 4500, 7500) > 20
    assert y[0] == 0
    assert abs(y[-1]) < 1e-3
    assert np.abs(y).max() <= 1


def test_digital_silence_gets_the_floor_of_noise():
    x = speech(2.0, RATE, seed=3)
    x[RATE // 2 : RATE] = 0
    y = sound.finished(x, RATE, 7000.0, -23.0, seed=1)
    quiet = y[RATE // 2 + 400 : RATE - 400]
    assert 20 * np.log10(np.std(quiet)) == pytest.approx(sound.NOISE_DBFS, abs=1.5)


def test_speech_takes_the_spectrum_of_the_channel():
    reference, x = speech(2.0, RATE, seed=1), speech(2.0, RATE, seed=2)
    thin = reference - np.concatenate([[0], 0.95 * reference[:-1]])
    made = sound.in_channel_of(x, thin.astype(np.float32), RATE)
    assert made.shape == x.shape

    def tilt(y):
        return level(y, 100, 800) - level(y, 2000, 4000)

    assert abs(tilt(made) - tilt(thin)) < abs(tilt(x) - tilt(thin))


def test_the_envelope_follows_the_loudness():
    x = np.concatenate([np.zeros(RATE), np.sin(np.arange(RATE)), np.zeros(RATE)]).astype(np.float32)
    envelope = sound.envelope(x, 30)
    assert envelope.shape == (30,)
    assert envelope[12:18].min() > 0.9
    assert envelope[:8].max() < 0.1


def test_speech_is_laid_over_the_noise_of_the_line():
    rng = np.random.default_rng(1)
    spoken = np.where(np.arange(2 * RATE) < RATE, speech(2.0, RATE, seed=1), 0)
    line = spoken + rng.normal(0, 0.01, 2 * RATE)
    clean = np.where(np.arange(2 * RATE) < RATE, speech(2.0, RATE, seed=2), 0).astype(np.float32)
    made = sound.with_floor_of(clean, line.astype(np.float32), RATE, seed=3)
    assert made.shape == clean.shape
    assert np.std(made[RATE:]) == pytest.approx(0.01, rel=0.25)
    assert np.array_equal(made, sound.with_floor_of(clean, line.astype(np.float32), RATE, seed=3))


def test_rumble_below_the_voice_is_removed():
    x = speech(2.0, RATE, seed=3)
    rumble = x + 0.2 + 0.2 * np.sin(2 * np.pi * 30 * np.arange(len(x)) / RATE)
    y = sound.finished(rumble.astype(np.float32), RATE, 7000.0, -23.0, seed=1)
    assert abs(y.mean()) < 1e-3
    assert level(y, 200, 2000) - level(y, 1, 45) > 25


def test_limiting_an_asymmetric_voice_leaves_no_direct_current():
    x = speech(2.0, RATE, seed=3)
    lopsided = np.where(x > 0, 3 * x, x).astype(np.float32)
    y = sound.finished(lopsided, RATE, 7000.0, -23.0, seed=1)
    assert abs(y.mean()) < 1e-4
    assert np.abs(y).max() < 1.3 * sound.PEAK
