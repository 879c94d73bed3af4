"""Pitch, tempo, silence and splicing as label-keeping tools: what moves, by how much, and what stays."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from avfake.forge.tools.splice import quiet_moments
from avfake.media.errors import ClipError
from clips import speech, tone
from kept_sound import RATES, TOOLS, bursts, change, edit, loudest_frequency, moments, rms

SPEECH = {rate: speech(1.2, rate, seed=8) for rate in RATES}


@pytest.mark.parametrize(("rate", "semitones"), [(8000, -5.0), (16000, 2.5), (44100, -5.0), (48000, 2.5)])
def test_pitch_moves_a_tone_and_nothing_in_time(rate: int, semitones: float) -> None:
    made = change("pitch", tone(1.0, rate, 600.0), rate, semitones=[semitones, semitones])
    assert loudest_frequency(made, rate) == pytest.approx(600.0 * 2 ** (semitones / 12), rel=0.004)
    beats = bursts([0.2, 0.5, 0.95], rate, 1.4)
    moved = change("pitch", beats, rate, semitones=[semitones, semitones])
    np.testing.assert_allclose(moments(moved, rate), moments(beats, rate), atol=0.012)
    unmoved = change("pitch", beats, rate, semitones=[0.0, 0.0])
    np.testing.assert_allclose(unmoved, beats, atol=1e-6)
    assert rms(moved) == pytest.approx(rms(beats), rel=1e-3)


@pytest.mark.parametrize(("rate", "factor"), [(8000, 0.8), (16000, 1.3), (44100, 0.8), (48000, 1.3)])
def test_tempo_moves_everything_in_time_and_no_tone(rate: int, factor: float) -> None:
    beats = bursts([0.2, 0.5, 0.95], rate, 1.4)
    made = edit("tempo", beats, rate, factor=[factor, factor])
    assert (made.speed, made.begins) == (factor, 0.0)
    samples = made.sound.samples
    assert len(samples) == round(len(beats) / factor)
    np.testing.assert_allclose(
        moments(samples, rate), np.array(moments(beats, rate)) / factor, atol=0.012 / factor
    )
    assert rms(samples) == pytest.approx(rms(beats), rel=1e-3)
    slow = edit("tempo", tone(1.0, rate, 600.0), rate, factor=[factor, factor])
    assert loudest_frequency(slow.sound.samples, rate) == pytest.approx(600.0, rel=0.004)


@pytest.mark.parametrize("rate", RATES)
def test_silence_is_trimmed_and_its_length_declared(rate: int) -> None:
    beats = bursts([0.5, 0.9], rate, 2.0)
    made = edit("silence_trim", beats, rate, threshold_db=[-40.0, -40.0])
    start = round(-made.begins * rate)
    samples = made.sound.samples
    assert start / rate == pytest.approx(0.51, abs=0.025)
    assert len(samples) / rate == pytest.approx(0.49, abs=0.045)
    assert np.array_equal(samples, beats[start : start + len(samples)])
    again = edit("silence_trim", samples, rate, threshold_db=[-40.0, -40.0])
    assert np.array_equal(again.sound.samples, samples)
    assert again.begins == 0.0


def test_too_little_between_the_silent_ends() -> None:
    with pytest.raises(ClipError, match="lie between its silent ends"):
        edit("silence_trim", bursts([0.5], 16000, 2.0), 16000, threshold_db=[-40.0, -40.0])


@pytest.mark.parametrize("rate", RATES)
def test_added_silence_is_background_and_its_length_declared(rate: int) -> None:
    beats = bursts([0.1, 0.8], rate, 1.2)
    made = edit("silence_add", beats, rate, seconds=[0.2, 0.6])
    samples, before = made.sound.samples, round(made.begins * rate)
    after = len(samples) - len(beats) - before
    assert 0.2 * rate - 1 <= before <= 0.6 * rate + 1
    assert 0.2 * rate - 1 <= after <= 0.6 * rate + 1
    assert before != after
    assert np.array_equal(samples[before : before + len(beats)], beats)
    for pause in (samples[:before], samples[-after:]):
        assert rms(pause) == pytest.approx(0.0005, rel=0.15)
        assert np.count_nonzero(pause) > 0.99 * len(pause)


@pytest.mark.parametrize("rate", RATES)
def test_splice_puts_the_segments_in_another_order(rate: int) -> None:
    pitches = (400.0, 700.0, 1100.0)
    parts = [bursts([0.2], rate, 0.5, frequency) for frequency in pitches]
    sound = np.concatenate(parts)
    made = change("splice", sound, rate, segments=3, crossfade=[0.02, 0.02])
    assert rms(made) == pytest.approx(rms(sound), rel=0.02)
    middles = [round(moment * rate) for moment in moments(made, rate)]
    heard = [loudest_frequency(made[at - rate // 10 : at + rate // 10], rate) for at in middles]
    order = [int(np.argmin(np.abs(np.array(pitches) - frequency))) for frequency in heard]
    assert sorted(order) == [0, 1, 2]
    assert all(later != earlier + 1 for earlier, later in pairwise(order))


def test_splice_fades_at_equal_power_without_a_click() -> None:
    """Of white noise every moment is as loud as any other, the joins too."""
    sound = (0.1 * np.random.default_rng(4).standard_normal(32000)).astype(np.float32)
    made = change("splice", sound, 16000, segments=4, crossfade=[0.05, 0.05])
    level = np.sqrt(np.mean(made.reshape(-1, 400) ** 2, axis=1))
    assert level.min() > 0.085
    assert level.max() < 0.115
    low = tone(2.0, 16000, 100.0)
    step = np.abs(np.diff(low)).max()
    joined = change("splice", low, 16000, segments=4, crossfade=[0.02, 0.02])
    assert np.abs(np.diff(joined)).max() < 4 * step


def test_splice_cuts_where_it_is_quiet() -> None:
    sound = np.concatenate([bursts([at], 16000, 0.6) for at in (0.1, 0.35, 0.2, 0.3)])
    level = np.abs(sound)
    cuts = quiet_moments(sound, 16000, 4)
    assert len(cuts) == 3
    assert all(np.sqrt(np.mean(level[cut - 160 : cut + 160] ** 2)) < 0.001 for cut in cuts)
    assert np.diff([0, *cuts, len(sound)]).min() >= 0.5 * len(sound) / 4 - 320


def test_splice_draws_the_order_and_refuses_what_is_too_short() -> None:
    made = {
        change("splice", SPEECH[16000], 16000, seed, segments=4, crossfade=[0.01, 0.01]).tobytes()
        for seed in range(8)
    }
    assert len(made) > 2
    with pytest.raises(ClipError, match="too short for 6 segments"):
        change("splice", SPEECH[16000], 16000, segments=6, crossfade=[0.01, 0.01])


@pytest.mark.parametrize("name", ["pitch", "tempo", "silence_add", "splice"])
def test_what_is_drawn_follows_from_the_seed(name: str) -> None:
    example = TOOLS[name].example
    made = [edit(name, SPEECH[16000], 16000, seed, **example).sound.samples for seed in (0, 0, 1)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("pitch", {"semitones": [-24.0, 0.0]}),
        ("tempo", {"factor": [0.0, 1.0]}),
        ("silence_trim", {"threshold_db": [-40.0, 0.0]}),
        ("silence_add", {"seconds": [0.0, 1.0]}),
        ("splice", {"segments": 1, "crossfade": [0.01, 0.02]}),
        ("splice", {"segments": 3, "crossfade": [0.01, 0.5]}),
    ],
)
def test_parameters_that_make_no_sense(name: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TOOLS[name].params.model_validate(wrong)
