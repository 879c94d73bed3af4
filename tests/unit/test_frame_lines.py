"""Lines at multiples of a frame rate: found where they are too weak to be heard, and nowhere else."""

from functools import lru_cache

import numpy as np
import pytest
from scipy.signal import resample_poly

from avfake.features import frame_lines as module
from avfake.features.frame_lines import frame_lines, level_value, line_levels, multiples
from avfake.params import FeaturizeParams, FrameLinesParams, load
from clips import speech
from workspace import ROOT

RATE = 16000
FRAME_RATE = 93.75  # of lines in the sounds below
SHIPPED = load(FeaturizeParams, ROOT / "params.yaml").frame_lines
# With multiples in common: 187.5 Hz is three times 62.5 Hz, 375 Hz five times 75 Hz.
RELATED = {62.5, 75.0, FRAME_RATE}


@lru_cache
def noise(seconds: float, seed: int, sample_rate: int = RATE) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * sample_rate))


@lru_cache
def comb(seconds: float, amplitude: float, sample_rate: int = RATE, frame_rate: float = FRAME_RATE):
    """Sines at all multiples up to 7900 Hz, each of this amplitude and of its own phase."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    phases = np.random.default_rng(9).uniform(0, 2 * np.pi, int(7900 / frame_rate))
    return sum(
        amplitude * np.sin(2 * np.pi * number * frame_rate * time + phase)
        for number, phase in enumerate(phases, 1)
    )


def values(sound: np.ndarray, sample_rate: int = RATE, **changes: object) -> dict[float, float]:
    """The value of each rate."""
    params = SHIPPED.model_copy(update=changes)
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        found = frame_lines(sound.astype(np.float32), sample_rate, params)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    return dict(zip(params.rates, found.tolist(), strict=True))


def others(found: dict[float, float]) -> list[float]:
    return [value for rate, value in found.items() if rate not in RELATED]


@pytest.mark.parametrize("sample_rate", [16000, 22050])
def test_noise_has_no_lines(sample_rate):
    found = np.array([list(values(noise(1.5, seed, sample_rate), sample_rate).values()) for seed in range(4)])
    assert found.max() < 4
    assert np.median(found) < 0.5
    assert 0.5 < found.std() < 2


@pytest.mark.parametrize("sample_rate", [16000, 22050])
def test_lines_far_below_the_noise_are_found_at_their_rate(sample_rate):
    tones = comb(1.5, 0.002, sample_rate)
    assert tones.std() < 0.14 * noise(1.5, 0).std()  # all of them together
    found = values(noise(1.5, 0, sample_rate) + tones, sample_rate)
    assert found[FRAME_RATE] > 8
    assert max(found, key=found.get) == FRAME_RATE
    assert found[86.1328125] < 4
    assert found[80.0] < 4
    assert max(others(found)) < 4


def test_more_power_in_the_lines_is_a_larger_value():
    found = [values(noise(1.5, 0) + comb(1.5, amplitude))[FRAME_RATE] for amplitude in (0.0, 0.001, 0.002)]
    assert found[0] + 2 < found[1] < found[2] - 2


@pytest.mark.parametrize("frame_rate", [80.0, 86.1328125])
def test_each_rate_has_its_own_lines(frame_rate):
    found = values(noise(1.5, 0) + comb(1.5, 0.002, frame_rate=frame_rate))
    assert max(found, key=found.get) == frame_rate
    assert found[frame_rate] > 8
    assert found[FRAME_RATE] < 4


def test_lines_stay_where_they_are_in_sound_at_another_sample_rate():
    sound = noise(2.0, 0, 22050) + comb(2.0, 0.002, 22050)
    found = values(resample_poly(sound, 320, 441), fmax=7000.0)
    assert found[FRAME_RATE] > 8
    assert max(others(found)) < 4


@pytest.mark.parametrize(
    ("hertz", "amplitude"),
    [
        ([1500.0], 0.5),
        ([60.0 * number for number in range(1, 9)], 0.3),
        ([50.0 * number for number in range(1, 11)], 0.3),
    ],
    ids=["whistle", "hum of 60 Hz", "hum of 50 Hz"],
)
def test_a_whistle_and_a_hum_are_no_comb(hertz, amplitude):
    time = np.arange(2 * RATE) / RATE
    tones = sum(amplitude * np.sin(2 * np.pi * one * time) for one in hertz)
    assert tones.std() > 3 * noise(2.0, 0).std()
    assert max(values(noise(2.0, 0) + tones).values()) < 4


def test_a_machine_with_lines_everywhere_has_none_at_a_frame_rate():
    # every tenth hertz: on all multiples of 50, 80 and 100 Hz, and on those combs moved aside as well
    time, phases = np.arange(2 * RATE) / RATE, np.random.default_rng(3).uniform(0, 2 * np.pi, 270)
    lines = sum(
        0.02 * np.sin(2 * np.pi * 10 * number * time + phase) for number, phase in enumerate(phases, 30)
    )
    assert max(values(noise(2.0, 0) + lines).values()) < 4


def test_a_voice_has_no_lines():
    assert max(values(speech(2.0, RATE, 1)).values()) < 4


def test_lines_show_between_loud_bursts_that_hide_them(monkeypatch):
    time = np.arange(3 * RATE) / RATE
    syllables = np.sin(2 * np.pi * 3 * time) > -0.3
    bursts = 10 * noise(3.0, 5) * syllables
    sound = 0.03 * noise(3.0, 0) + bursts + comb(3.0, 0.0003)
    found = values(sound)
    assert found[FRAME_RATE] > 7
    assert max(others(found)) < 4
    assert max(values(sound - comb(3.0, 0.0003)).values()) < 4
    # it is the whitening that shows them
    monkeypatch.setattr(module, "_whitened", lambda part: part.astype(np.float64))
    assert values(sound)[FRAME_RATE] < 4


@pytest.mark.parametrize("gain", [0.01, 100.0])
def test_loudness_changes_nothing(gain):
    sound = noise(1.5, 0) + comb(1.5, 0.002)
    np.testing.assert_allclose(list(values(gain * sound).values()), list(values(sound).values()), atol=1e-3)


@pytest.mark.parametrize("n", [0, 1, 2 * RATE])
def test_silence_has_no_lines(n):
    assert set(values(np.zeros(n)).values()) == {0.0}


def test_less_than_a_second_says_nothing():
    sound = noise(1.5, 0) + comb(1.5, 0.01)
    assert set(values(sound[: RATE - 1]).values()) == {0.0}
    assert values(sound[:RATE])[FRAME_RATE] > 8


def test_two_whistles_on_its_multiples_are_left_out_of_nine():
    time = np.arange(2 * RATE) / RATE
    found = [
        values(
            noise(2.0, 1) + sum(0.3 * np.sin(2 * np.pi * one * time) for one in hertz),
            rates=[100.0], fmin=300.0, fmax=1100.0,
        )[100.0]
        for hertz in ([400.0, 700.0], [400.0, 500.0, 700.0, 900.0])
    ]  # fmt: skip
    assert found[0] < 1 < 2 < found[1]


def test_sound_of_one_value_and_of_one_click_is_no_error():
    click = np.zeros(RATE)
    click[777] = 1
    for sound in (click, np.ones(RATE), 1e-30 * noise(1.5, 0)):
        assert np.isfinite(list(values(sound).values())).all()


def test_long_sound_is_averaged_over_its_parts():
    n = 2**18 + 2000
    seconds = n / RATE
    found = values(noise(seconds, 0) + comb(seconds, 0.001))
    assert found[FRAME_RATE] > 8
    assert max(others(found)) < 4


def test_every_part_of_long_sound_is_listened_to(monkeypatch):
    monkeypatch.setattr(module, "_LONGEST", 3 * RATE // 2)
    quiet = noise(3.0, 0) + 0
    for half in (slice(None, len(quiet) // 2), slice(len(quiet) // 2, None)):
        sound = quiet.copy()
        sound[half] += comb(1.5, 0.003)
        assert values(sound)[FRAME_RATE] > 8
    assert max(values(quiet).values()) < 4


@pytest.mark.parametrize("longest", [2**18, 2 * RATE], ids=["in one part", "a part of nothing else"])
@pytest.mark.parametrize("first", [True, False])
def test_digital_silence_in_half_of_it_leaves_the_lines(monkeypatch, first, longest):
    monkeypatch.setattr(module, "_LONGEST", longest)
    sound = noise(3.0, 0) + comb(3.0, 0.003)
    sound[: len(sound) // 2] *= not first
    sound[len(sound) // 2 :] *= first
    found = values(sound)
    assert found[FRAME_RATE] > 8
    assert max(others(found)) < 4


def test_a_level_stands_for_its_value_within_half_a_step():
    shown = np.linspace(1.5, 11.5, 1001)
    levels = line_levels(shown)
    assert levels.dtype == np.uint8
    assert (np.diff(levels.astype(int)) >= 0).all()
    assert (levels[0], levels[-1]) == (0, 255)
    told = np.array([level_value(float(level)) for level in levels])
    assert np.abs(told - shown).max() <= 5 / 255 + 1e-9
    each = np.array([level_value(level) for level in range(256)])
    assert (np.diff(each) > 0).all()
    np.testing.assert_array_equal(line_levels(each), np.arange(256))


def test_beyond_the_ends_levels_are_the_ends():
    assert line_levels(np.array([-50.0, 0.0, 1.5, 11.5, 400.0])).tolist() == [0, 0, 0, 255, 255]
    assert (level_value(0), level_value(255)) == (1.5, 11.5)


@pytest.mark.parametrize(
    ("rate", "fmin", "fmax", "first", "last", "n"),
    [
        (93.75, 300.0, 7900.0, 375.0, 7875.0, 81),
        (100.0, 300.0, 7900.0, 300.0, 7900.0, 77),  # both ends are multiples
        (80.0, 300.0, 7900.0, 320.0, 7840.0, 95),
        (50.0, 1.0, 510.0, 50.0, 500.0, 10),
    ],
)
def test_multiples_lie_from_the_lowest_to_the_highest_frequency(rate, fmin, fmax, first, last, n):
    found = multiples(rate, FrameLinesParams(rates=[rate], fmin=fmin, fmax=fmax))
    assert (found[0], found[-1], len(found)) == (first, last, n)
    np.testing.assert_allclose(np.diff(found), rate)


def test_lines_outside_of_the_range_do_not_count():
    time = np.arange(2 * RATE) / RATE
    low = sum(0.01 * np.sin(2 * np.pi * number * FRAME_RATE * time + number**2) for number in range(1, 21))
    sound = noise(2.0, 0) + low
    assert values(sound)[FRAME_RATE] > 4
    assert values(sound, fmin=2000.0)[FRAME_RATE] < 4


def test_multiples_up_to_half_of_the_sample_rate_may_be_asked_for():
    sound = np.random.default_rng(0).normal(size=23400).astype(np.float32)
    values = frame_lines(sound, 16000, FrameLinesParams(rates=[80.0, 93.75], fmin=300.0, fmax=8000.0))
    assert np.isfinite(values).all()
