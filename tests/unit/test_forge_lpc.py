"""Linear-predictive vocoding and the pitch that drives it."""

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from avfake.forge.voice import lpc, pitch
from avfake.forge.voice.channel import rms
from clips import speech

RATE = 16000


@pytest.fixture(scope="module")
def sound():
    return speech(1.2, RATE, seed=5)


def test_the_filter_of_an_autoregressive_process_is_found():
    rng = np.random.default_rng(0)
    truth = [1.0, -1.2, 0.7]
    x = lfilter([1.0], truth, rng.standard_normal(4 * RATE))
    code = lpc.analyse(x, RATE, 2, 0.03)
    assert np.mean(code.filters[2:-2], axis=0) == pytest.approx(truth, abs=0.05)
    assert np.sqrt(np.mean(code.energy[2:-2] ** 2)) == pytest.approx(1.0, abs=0.05)


def test_levinson_solves_the_normal_equations():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, 200)).cumsum(axis=1)
    lags = np.array([[row[: 200 - k] @ row[k:] for k in range(9)] for row in x])
    filters, error = lpc.levinson(lags)
    for row, found, left in zip(lags, filters, error, strict=True):
        expected = -solve_toeplitz(row[:-1], row[1:])
        assert found[0] == 1
        assert found[1:] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        assert left == pytest.approx(row[0] + row[1:] @ expected, rel=1e-6)
    silent, error = lpc.levinson(np.zeros((1, 5)))
    assert silent.tolist() == [[1, 0, 0, 0, 0]]
    assert error.tolist() == [0]


def test_prediction_leaves_little_and_less_with_a_higher_order(sound):
    left = [rms(lpc.analyse(sound, RATE, order, 0.03).energy) for order in (2, 8, 20)]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.25 * rms(sound)


def test_the_driving_signal_has_the_pitch_and_the_power_that_it_is_given():
    count, hop = 200, 160
    code = lpc.Code(np.ones((count, 1)), np.ones(count), np.full(count, 125.0), hop)
    pulses = lpc.excite(code, RATE, np.random.default_rng(0))
    gaps = np.diff(np.flatnonzero(pulses))
    assert set(gaps) == {128}
    assert rms(pulses) == pytest.approx(1, abs=0.01)
    noise = lpc.excite(
        lpc.Code(code.filters, code.energy, 0 * code.pitch, hop), RATE, np.random.default_rng(0)
    )
    assert np.count_nonzero(noise) == len(noise)
    assert rms(noise) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("bits", [3, 5])
def test_coarse_steps_are_as_many_as_the_bits_allow_and_lose_half_a_step(bits, sound):
    code = lpc.analyse(sound, RATE, 20, 0.03)
    coarse = lpc.quantised(code, bits)
    voiced = code.pitch > 0
    assert len(set(coarse.energy.round(12))) <= 2**bits
    assert np.array_equal(coarse.pitch > 0, voiced)
    step = np.log(10.0) / (2**bits - 1)
    assert np.abs(np.log(coarse.pitch[voiced] / code.pitch[voiced])).max() <= 0.5 * step + 1e-9
    loud = 20 * np.log10(code.energy / code.energy.max()) > -lpc.ENERGY_DB
    lost = np.abs(20 * np.log10(coarse.energy / code.energy))[loud]
    assert lost.max() <= 0.5 * lpc.ENERGY_DB / (2**bits - 1) + 1e-9
    assert lost.max() > 0


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_the_vocoder_keeps_envelope_and_pitch(rate):
    x = speech(1.0, rate, seed=5)
    made = lpc.resynthesise(x, rate, 12, 0.03, "pulses", 0, np.random.default_rng(0))
    assert made.shape == x.shape
    times = np.arange(0.05, 0.95, 0.01)
    before, after = pitch.track(x, rate, times), pitch.track(made.astype(np.float32), rate, times)
    both = (before > 0) & (after > 0)
    assert both.mean() > 0.3
    assert np.median(np.abs(np.log2(after[both] / before[both]))) < 0.03
    edges = np.linspace(0, 4000, 21) * len(x) / rate
    power = [np.add.reduceat(np.abs(np.fft.rfft(y)) ** 2, edges[:-1].astype(int)) for y in (x, made)]
    assert np.corrcoef(*np.log(power))[0, 1] > 0.9


def test_noise_in_place_of_pulses_takes_the_voice_away(sound):
    times = np.arange(0.05, 1.15, 0.01)
    voiced = {}
    for excitation in ("pulses", "noise"):
        made = lpc.resynthesise(sound, RATE, 12, 0.03, excitation, 0, np.random.default_rng(0))
        voiced[excitation] = np.mean(pitch.track(made.astype(np.float32), RATE, times) > 0)
    assert voiced["noise"] < 0.3 * voiced["pulses"]


@pytest.mark.parametrize("frequency", [70.0, 123.4, 311.0, 470.0])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_the_pitch_of_a_harmonic_sound_is_found(frequency, rate):
    time = np.arange(rate) / rate
    x = sum(np.cos(2 * np.pi * k * frequency * time) / k for k in range(1, 7)).astype(np.float32)
    found = pitch.track(x, rate, np.arange(0.1, 0.9, 0.01))
    assert found == pytest.approx(frequency, rel=0.01)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    times = np.arange(0.1, 0.9, 0.01)
    assert np.mean(pitch.track(noise, RATE, times) > 0) < 0.1
    assert not np.any(pitch.track(np.zeros(RATE, np.float32), RATE, times))
