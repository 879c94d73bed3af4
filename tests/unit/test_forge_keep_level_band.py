"""Level and band as label-keeping tools, at several rates."""

import numpy as np
import pytest
from pydantic import ValidationError

from avfake.media.errors import ClipError
from clips import speech, tone
from kept_sound import RATES, TOOLS, change, lag, power_between, rms

SPEECH = {rate: speech(1.2, rate, seed=7) for rate in RATES}
WHITE = {
    rate: (0.1 * np.random.default_rng(3).standard_normal(2 * rate)).astype(np.float32) for rate in RATES
}


def kept(after: np.ndarray, before: np.ndarray, rate: int, low: float, high: float) -> float:
    """Share of the power of a band that is still there."""
    return power_between(after, rate, low, high) / power_between(before, rate, low, high)


@pytest.mark.parametrize("rate", RATES)
def test_band_limits_cut_what_they_say_and_nothing_else(rate: int) -> None:
    made = change("band_limit", WHITE[rate], rate, low_hz=[300.0, 300.0], high_hz=[3000.0, 3000.0])
    assert kept(made, WHITE[rate], rate, 0, 150) < 3e-4  # the measure itself leaks
    assert kept(made, WHITE[rate], rate, 3150, rate / 2) < 1e-5
    assert kept(made, WHITE[rate], rate, 450, 2850) == pytest.approx(1.0, rel=0.01)
    assert lag(WHITE[rate], made) == 0


@pytest.mark.parametrize("rate", RATES)
def test_limits_beyond_what_there_is_cut_nothing(rate: int) -> None:
    half = rate / 2
    assert np.array_equal(
        change("band_limit", WHITE[rate], rate, low_hz=[0.0, 0.0], high_hz=[half, half]), WHITE[rate]
    )
    low_only = change("band_limit", WHITE[rate], rate, low_hz=[500.0, 500.0], high_hz=[24000.0, 24000.0])
    assert kept(low_only, WHITE[rate], rate, 0, 350) < 1e-4
    assert kept(low_only, WHITE[rate], rate, 650, half) == pytest.approx(1.0, rel=0.01)
    high_only = change("band_limit", WHITE[rate], rate, low_hz=[0.0, 0.0], high_hz=[2000.0, 2000.0])
    assert kept(high_only, WHITE[rate], rate, 0, 1850) == pytest.approx(1.0, rel=0.01)
    assert kept(high_only, WHITE[rate], rate, 2150, half) < 1e-5


@pytest.mark.parametrize("rate", RATES)
def test_resampling_leaves_the_band_of_the_lower_rate(rate: int) -> None:
    made = change("resample", WHITE[rate], rate, rates=[6000])
    assert kept(made, WHITE[rate], rate, 3050, rate / 2) < 1e-5
    assert kept(made, WHITE[rate], rate, 0, 2600) == pytest.approx(1.0, rel=0.01)
    assert lag(WHITE[rate], made) == 0


def test_only_lower_rates_are_drawn() -> None:
    made = {
        change("resample", WHITE[16000], 16000, seed, rates=[8000, 16000, 22050]).tobytes()
        for seed in range(5)
    }
    assert made == {change("resample", WHITE[16000], 16000, rates=[8000]).tobytes()}
    with pytest.raises(ClipError, match="8000 Hz, is not above any"):
        change("resample", WHITE[8000], 8000, rates=[8000, 16000])


@pytest.mark.parametrize("decibels", [-20.0, 3.0])
def test_gain(decibels: float) -> None:
    made = change("gain", SPEECH[16000], 16000, gain_db=[decibels, decibels])
    assert 20 * np.log10(rms(made) / rms(SPEECH[16000])) == pytest.approx(decibels, abs=1e-3)


def test_gain_ends_at_full_scale_and_cuts_nothing_off() -> None:
    made = change("gain", SPEECH[16000], 16000, gain_db=[30.0, 30.0])
    assert np.abs(made).max() == pytest.approx(1.0)
    assert np.corrcoef(made, SPEECH[16000])[0, 1] == pytest.approx(1.0, abs=1e-6)


def test_clipping_cuts_the_stated_share() -> None:
    made = change("clipping", SPEECH[16000], 16000, share=[0.03, 0.03])
    cut = made != SPEECH[16000]
    assert cut.mean() == pytest.approx(0.03, abs=0.001)
    assert np.ptp(np.abs(made[cut])) < 1e-6


@pytest.mark.parametrize(("rate", "slope"), [(8000, -4.0), (16000, 3.0), (44100, 3.0), (48000, -4.0)])
def test_a_tilt_has_the_stated_slope_and_keeps_level_and_step(rate: int, slope: float) -> None:
    made = change("tilt", WHITE[rate], rate, slope=[slope, slope])
    assert rms(made) == pytest.approx(rms(WHITE[rate]), rel=1e-4)
    assert lag(WHITE[rate], made) == 0
    octaves = [kept(made, WHITE[rate], rate, 0.9 * f, 1.1 * f) for f in (250, 500, 1000, 2000, 3300)]
    steps = 10 * np.log10(np.array(octaves[1:]) / octaves[:-1])
    np.testing.assert_allclose(steps[:3], slope, atol=0.4)


def test_a_tilt_of_nothing_changes_nothing() -> None:
    middle = slice(2000, -2000)
    low = tone(1.0, 16000, 700.0)
    np.testing.assert_allclose(change("tilt", low, 16000, slope=[0.0, 0.0])[middle], low[middle], atol=2e-3)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("band_limit", {"low_hz": [0.0, 3000.0], "high_hz": [3400.0, 4000.0]}),
        ("band_limit", {"low_hz": [0.0, 100.0], "high_hz": [100.0, 4000.0]}),
        ("resample", {"rates": [100]}),
        ("resample", {"rates": []}),
        ("gain", {"gain_db": [-6.0, 60.0]}),
        ("gain", {"gain_db": [-6.0]}),
        ("clipping", {"share": [0.0, 0.1]}),
        ("tilt", {"slope": [-12.0, 0.0]}),
        ("tilt", {"slope": [-1.0, 0.0], "around": 500.0}),
    ],
)
def test_parameters_that_make_no_sense(name: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TOOLS[name].params.model_validate(wrong)
