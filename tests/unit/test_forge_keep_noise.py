"""Noise and rooms as label-keeping tools: ratio, slope, reverberation time at several rates."""

import numpy as np
import pytest
from pydantic import ValidationError

from avfake.disturb.room import response
from clips import speech
from kept_sound import RATES, TOOLS, change, lag, power_between, rms

SPEECH = {rate: speech(1.5, rate, seed=6) for rate in RATES}
LONG = {rate: speech(3.0, rate, seed=6) for rate in RATES}


def ratio_db(sound: np.ndarray, noise: np.ndarray) -> float:
    return 20 * np.log10(rms(sound) / rms(noise))


@pytest.mark.parametrize(("rate", "slope"), [(8000, -3.01), (16000, 0.0), (44100, -6.02), (48000, 3.0)])
def test_noise_has_the_stated_ratio_and_slope(rate: int, slope: float) -> None:
    sound = LONG[rate]
    made = change("noise", sound, rate, slope=[slope, slope], snr_db=[12.0, 12.0])
    added = made.astype(np.float64) - sound
    assert ratio_db(sound, added) == pytest.approx(12.0, abs=0.01)
    octaves = [power_between(added, rate, low, 2 * low) / low for low in (200, 400, 800, 1600)]
    steps = 10 * np.log10(np.array(octaves[1:]) / octaves[:-1])
    assert steps.mean() == pytest.approx(slope, abs=0.35)
    spectrum = np.abs(np.fft.rfft(added * np.hanning(len(added)))) ** 2
    inaudible = np.fft.rfftfreq(len(added), 1 / rate) < 15
    assert spectrum[inaudible].sum() < 1e-3 * spectrum.sum()


@pytest.mark.parametrize("rate", RATES)
def test_speech_shaped_noise_has_the_spectrum_of_the_clip(rate: int) -> None:
    sound = SPEECH[rate]
    made = change("speech_shaped_noise", sound, rate, snr_db=[6.0, 6.0])
    added = made.astype(np.float64) - sound
    assert ratio_db(sound, added) == pytest.approx(6.0, abs=0.01)
    assert abs(np.corrcoef(sound, added)[0, 1]) < 0.1
    for low, high in ((100, 500), (500, 1500), (1500, 3500)):
        shares = [power_between(x, rate, low, high) / power_between(x, rate, 0, rate) for x in (sound, added)]
        assert 10 * np.log10(shares[1] / shares[0]) == pytest.approx(0.0, abs=2.0)


def test_noise_at_full_scale_keeps_its_ratio_and_is_not_cut_off() -> None:
    sound = SPEECH[16000] / np.abs(SPEECH[16000]).max()
    made = change("noise", sound, 16000, slope=[0.0, 0.0], snr_db=[0.0, 0.0])
    assert np.abs(made).max() == pytest.approx(1.0)
    scale = np.dot(made, sound) / np.dot(sound, sound)
    assert scale < 0.9
    assert ratio_db(scale * sound, made - scale * sound) == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("rate", RATES)
def test_a_room_keeps_length_level_and_step(rate: int) -> None:
    made = change("room", SPEECH[rate], rate, rt60=[0.2, 0.4])
    assert rms(made) == pytest.approx(rms(SPEECH[rate]), rel=1e-4)
    click = (1e-3 * np.random.default_rng(0).standard_normal(rate)).astype(np.float32)
    click[rate // 2] = 0.9
    assert abs(lag(click, change("room", click, rate, rt60=[0.2, 0.4]))) <= 1


@pytest.mark.parametrize("rate", [8000, 48000])
def test_a_longer_reverberation_time_rings_longer(rate: int) -> None:
    def seconds(rt60: float) -> float:
        heard = response(np.random.default_rng(2), [rt60, rt60], rate).astype(np.float64)
        decay = np.cumsum(heard[::-1] ** 2)[::-1]
        decay = 10 * np.log10(decay / decay[0])
        # Schroeder 1965: the energy that is still to come; -5 to -25 dB, stretched to 60.
        return float(3 * (np.argmax(decay < -25) - np.argmax(decay < -5)) / rate)

    assert 0.1 < seconds(0.2) < 0.3
    assert 0.3 < seconds(0.5) < 0.7


@pytest.mark.parametrize("name", ["noise", "speech_shaped_noise", "room"])
def test_what_is_drawn_follows_from_the_seed(name: str) -> None:
    example = TOOLS[name].example
    made = [change(name, SPEECH[16000], 16000, seed, **example) for seed in (0, 0, 1)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("noise", {"slope": [-20.0, 0.0], "snr_db": [10.0, 20.0]}),
        ("noise", {"slope": [0.0, 0.0], "snr_db": [20.0, 10.0]}),
        ("noise", {"snr_db": [10.0, 20.0]}),
        ("speech_shaped_noise", {"snr_db": [10.0, 90.0]}),
        ("room", {"rt60": [0.05, 0.3]}),
        ("room", {"rt60": [0.3, 2.0]}),
    ],
)
def test_parameters_that_make_no_sense(name: str, wrong: dict[str, list[float]]) -> None:
    with pytest.raises(ValidationError):
        TOOLS[name].params.model_validate(wrong)
