"""A synthetic voice in the speaker's place: other words, the same time, loudness, band and silence."""

import numpy as np
import pytest

from avfake.errors import RunError
from avfake.forge.take import Sound, Take
from avfake.forge.tools import speech as tts
from avfake.forge.voice import pitch, spoken
from avfake.forge.voice.channel import band_top, rms
from avfake.forge.voice.sentences import sentences
from avfake.media.errors import ClipError
from clips import speech

RATE = 16000
(TOOL,) = tts.TOOLS


def said(x, rate=RATE, seed=1, ratio=1.0):
    params = TOOL.params.model_validate({"pitch": [ratio, ratio]})
    return TOOL.apply(Take(Sound(x, rate)), params, np.random.default_rng(seed), None).sound.samples


@pytest.mark.parametrize("characters", [20, 60, 200, 900])
def test_a_text_is_about_as_long_as_wanted(characters):
    texts = [sentences(characters, np.random.default_rng(seed)) for seed in range(10)]
    assert len(set(texts)) > 5
    for text in texts:
        assert abs(len(text) - characters) < max(8, 0.15 * characters)
        assert text[0].isupper()
        assert text.endswith(".")
        assert "  " not in text


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_length_loudness_and_peak_are_those_of_the_source(rate):
    x = speech(1.6, rate, seed=5)
    before = x.copy()
    made = said(x, rate)
    assert np.array_equal(x, before)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert rms(made) == pytest.approx(rms(x), rel=0.08)
    assert np.abs(made).max() <= np.abs(x).max() * 1.001
    assert band_top(made, rate) <= band_top(x, rate) + 200
    assert abs(np.corrcoef(made, x)[0, 1]) < 0.2
    assert np.array_equal(made, said(x, rate))
    assert not np.array_equal(made, said(x, rate, seed=2))


def test_what_comes_before_and_after_the_speech_is_left_as_it_was():
    rng = np.random.default_rng(0)
    x = np.pad(speech(1.5, RATE, seed=5), (RATE // 2, RATE)) + rng.normal(0, 3e-4, 3 * RATE)
    x = x.astype(np.float32)
    made = said(x)
    assert np.array_equal(made[: RATE // 2 - 400], x[: RATE // 2 - 400])
    assert np.array_equal(made[-RATE + 400 :], x[-RATE + 400 :])
    assert not np.array_equal(made, x)


def test_the_voice_is_as_high_as_asked():
    times = np.arange(0.1, 2.9, 0.01)

    def height(ratio):
        found = pitch.track(tts.say(3 * RATE, RATE, ratio, np.random.default_rng(3)), RATE, times)
        return np.median(found[found > 0])

    assert height(0.75) / height(1.1) == pytest.approx(0.75 / 1.1, rel=0.2)


def test_speech_fills_the_time_it_is_given():
    for seconds in (0.8, 4.0):
        made = tts.say(int(seconds * RATE), RATE, 1.0, np.random.default_rng(0))
        tenths = np.sqrt(np.mean(made[: len(made) // 10 * 10].reshape(10, -1) ** 2, axis=1))
        assert len(made) == int(seconds * RATE)
        assert np.all(tenths > 0.05 * tenths.max())


def test_too_little_speech_and_silence_are_refused():
    with pytest.raises(ClipError, match=r"less than 0\.8 s"):
        said(np.pad(speech(0.4, RATE, seed=5), RATE))
    with pytest.raises(ClipError, match="silent"):
        said(np.zeros(RATE, np.float32))


def test_a_voice_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(spoken.importlib.util, "find_spec", lambda _: None)
    spoken.hibari.cache_clear()
    with pytest.raises(RunError, match="hibari-tts") as caught:
        said(speech(1.5, RATE, seed=5))
    spoken.hibari.cache_clear()
    assert "pip install" in caught.value.remedy
