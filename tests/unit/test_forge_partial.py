"""Partial forgery: one part is forged, the rest is untouched."""

import numpy as np
import pytest

from avfake.forge.take import Sound, Take
from avfake.forge.tools import partial
from avfake.forge.voice.channel import rms
from avfake.media.errors import ClipError
from clips import speech

RATE = 16000
(TOOL,) = partial.TOOLS
METHODS = ("world", "griffin_lim", "lpc", "hifigan")


def forged(x, rate=RATE, seed=1, share=(0.3, 0.4), methods=METHODS):
    params = TOOL.params.model_validate({"share": list(share), "methods": list(methods)})
    return TOOL.apply(Take(Sound(x, rate)), params, np.random.default_rng(seed), None).sound.samples


@pytest.fixture(scope="module")
def sound():
    return speech(2.0, RATE, seed=5)


@pytest.mark.parametrize("method", METHODS)
def test_one_part_is_replaced_and_the_rest_is_equal_to_the_bit(method, sound):
    made = forged(sound, methods=[method])
    changed = np.flatnonzero(made != sound)
    begin, end = changed[0], changed[-1] + 1
    assert made.shape == sound.shape
    assert made.dtype == np.float32
    assert len(changed) > 0.99 * (end - begin)
    assert 0.15 * len(sound) < end - begin < 0.6 * len(sound)
    assert rms(made[begin:end]) == pytest.approx(rms(sound[begin:end]), rel=0.1)
    assert rms(made[begin:end] - sound[begin:end]) > 0.05 * rms(sound[begin:end])
    assert np.array_equal(made, forged(sound, methods=[method]))


def test_there_is_no_step_where_the_parts_meet(sound):
    for seed in range(3):
        made = forged(sound, seed=seed, methods=["lpc"])
        changed = np.flatnonzero(made != sound)
        for at in (changed[0], changed[-1] + 1):
            if 0 < at < len(sound):
                around = slice(max(1, at - 2), at + 2)
                assert np.abs(np.diff(made))[around].max() <= 2 * np.abs(np.diff(sound)).max()


@pytest.mark.parametrize("rate", [8000, 44100])
def test_any_rate_will_do(rate):
    x = speech(1.2, rate, seed=5)
    made = forged(x, rate, methods=["griffin_lim", "lpc"])
    assert made.shape == x.shape
    assert 0 < np.mean(made != x) < 0.7


def test_the_boundaries_lie_in_quiet_moments():
    words = [speech(0.36, RATE, seed=seed) + 0.05 * np.sin(0.2 * np.arange(5760)) for seed in range(6)]
    x = np.concatenate([np.concatenate([word, np.zeros(640)]) for word in words]).astype(np.float32)
    for seed in range(8):
        for at in partial.place(x, RATE, 0.4, np.random.default_rng(seed)):
            assert at in (0, len(x)) or np.abs(x[at - 160 : at + 160]).max() == 0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_the_share_is_kept_to_where_the_sound_is_even(share):
    x = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    lengths = [np.diff(partial.place(x, RATE, share, np.random.default_rng(s)))[0] for s in range(20)]
    assert np.mean(lengths) / len(x) == pytest.approx(share, abs=0.04)
    assert len(set(lengths)) > 1


def test_a_part_in_which_nobody_speaks_is_not_taken():
    x = np.concatenate([speech(0.8, RATE, seed=5), np.full(6 * RATE, 1e-4)]).astype(np.float32)
    for seed in range(10):
        begin, end = partial.place(x, RATE, 0.05, np.random.default_rng(seed))
        assert rms(x[begin:end]) > 0.3 * rms(x)


def test_the_shortest_clip_and_the_largest_share_leave_something(sound):
    loudest = int(np.argmax(np.convolve(sound**2, np.ones(4000), "valid")))
    made = forged(sound[loudest : loudest + 4000], share=(0.9, 0.9), methods=["lpc"])
    assert 0 < np.mean(made != sound[loudest : loudest + 4000]) < 1


def test_what_is_silent_or_has_nothing_said_in_it_is_refused():
    with pytest.raises(ClipError, match="silent"):
        forged(np.zeros(RATE, np.float32))
    click = np.zeros(60 * RATE, np.float32)
    click[-10:] = 1
    with pytest.raises(ClipError, match="somebody speaks"):
        partial.place(click, RATE, 0.05, np.random.default_rng(0))
