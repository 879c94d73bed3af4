"""Voice conversion by the envelope: nearer the other voice, the same melody, the same pauses."""

import numpy as np
import pytest

from avfake.forge.take import Sound, Take
from avfake.forge.tools import voice
from avfake.forge.voice import envelope, world
from avfake.forge.voice.channel import rms
from avfake.media.errors import ClipError
from clips import speech

RATE = 16000
(TOOL,) = voice.TOOLS
BINS = slice(10, 440)


def swapped(x, other, rate=RATE, other_rate=RATE, strength=1.0):
    params = TOOL.params.model_validate({"strength": [strength] * 2, "warp": [1.0, 1.0]})
    take, partner = Take(Sound(x, rate)), Take(Sound(other, other_rate))
    return TOOL.apply(take, params, np.random.default_rng(0), partner).sound.samples


def profile(x):
    """The mean log envelope, without its level."""
    found = world.analyse(x, RATE)
    mean = envelope.statistics(found.envelope, voice.active(found)).mean[BINS]
    return mean - mean.mean()


@pytest.fixture(scope="module")
def pair():
    return speech(1.5, RATE, seed=5), speech(1.8, RATE, seed=9)


@pytest.fixture(scope="module")
def made(pair):
    return swapped(*pair)


def test_the_envelope_comes_nearer_the_partners(pair, made):
    own, other, new = (profile(x) for x in (*pair, made))
    before, after = (np.sqrt(np.mean((mean - other) ** 2)) for mean in (own, new))
    assert after < 0.5 * before


def test_the_pitch_moves_to_the_partners_mean_and_keeps_its_melody(pair, made):
    own, other, new = (world.analyse(x, RATE) for x in (*pair, made))
    assert voice.mean_log_pitch(new) == pytest.approx(voice.mean_log_pitch(other), abs=0.05)
    both = (own.pitch > 0) & (new.pitch > 0)
    assert np.corrcoef(np.log(own.pitch[both]), np.log(new.pitch[both]))[0, 1] > 0.8


def test_length_loudness_and_input_are_kept(pair, made):
    x, other = pair
    before = x.copy(), other.copy()
    again = swapped(x, other)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    assert rms(made) == pytest.approx(rms(x), rel=0.08)
    assert np.array_equal(made, again)
    assert np.array_equal(x, before[0])
    assert np.array_equal(other, before[1])


@pytest.mark.parametrize(("rate", "other_rate"), [(8000, 44100), (44100, 8000)])
def test_the_rates_of_the_two_may_differ(rate, other_rate):
    x = speech(1.0, rate, seed=5)
    made = swapped(x, speech(1.0, other_rate, seed=9), rate, other_rate)
    assert made.shape == x.shape
    assert np.isfinite(made).all()

    def above(y):
        """Share of the power above 4 kHz, where a partner of 8 kHz has nothing to give."""
        power = np.abs(np.fft.rfft(y)) ** 2
        return power[len(y) * 4200 // rate :].sum() / power.sum()

    if rate == 44100:
        assert above(made) == pytest.approx(above(x), rel=1.5)


def test_strength_says_how_far(pair, made):
    x, other = pair
    half, wanted = swapped(x, other, strength=0.0), profile(other)
    distance = [np.sqrt(np.mean((profile(y) - wanted) ** 2)) for y in (made, half)]
    assert distance[0] < distance[1]


def test_pauses_stay_as_quiet_as_they_were(pair):
    x, other = pair
    rng = np.random.default_rng(0)
    quiet = rng.normal(0, 1e-3, RATE // 2)
    paused = np.concatenate([x[:RATE], quiet, x[RATE:]]).astype(np.float32)
    made = swapped(paused, other)
    inner = slice(RATE + 1600, RATE + RATE // 2 - 1600)
    assert rms(made[inner]) == pytest.approx(rms(paused[inner]), rel=0.6)


def test_statistics_are_mapped_bin_by_bin():
    rng = np.random.default_rng(0)
    own, other = (np.exp(rng.normal(m, s, (400, 65))) for m, s in ((0.0, 1.0), (np.linspace(-1, 1, 65), 0.7)))
    chosen = np.ones(400, bool)
    statistics = [envelope.statistics(rows, chosen) for rows in (own, other)]
    made = envelope.mapped(own, chosen, *statistics, 1.0, RATE, 20000.0)
    found = envelope.statistics(made, chosen)
    assert found.mean == pytest.approx(
        statistics[1].mean - np.mean(statistics[1].mean - statistics[0].mean), abs=1e-6
    )
    assert found.deviation == pytest.approx(statistics[1].deviation, abs=1e-6)
    untouched = envelope.mapped(own, ~chosen, *statistics, 1.0, RATE, 20000.0)
    assert untouched == pytest.approx(own, rel=1e-9)
    above = envelope.mapped(own, chosen, *statistics, 1.0, RATE, 4000.0)
    assert above[:, 33:] == pytest.approx(own[:, 33:], rel=1e-9)


def test_silence_and_noise_are_refused(pair):
    x, _ = pair
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    silence = np.zeros(RATE, np.float32)
    for own, other, reason in (
        (silence, x, "silent"), (x, silence, "silent"), (noise, x, "voiced"), (x, noise, "voiced")
    ):  # fmt: skip
        with pytest.raises(ClipError, match=reason):
            swapped(own, other)
