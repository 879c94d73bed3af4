"""Synthetic voices: texts, phonemes, and speech that takes the time it is given."""

import numpy as np
import pytest

from avfake.dataset.sample import speech
from avfake.dataset.sample.espeak import Espeak
from avfake.dataset.sample.phonemes import for_hibari, for_kokoro
from avfake.dataset.sample.sentences import text_of_length
from avfake.errors import RunError
from sample_toys import IPA, kokoro_wheel, make_voices

RATE = 16000
N = int(1.7 * RATE)


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    return make_voices(tmp_path_factory.mktemp("voices"))


@pytest.mark.parametrize("language", ["cs", "nl"])
@pytest.mark.parametrize("length", [40, 55, 80, 120])
def test_a_text_is_about_as_long_as_wanted(language, length):
    texts = {text_of_length(language, length, np.random.default_rng(seed)) for seed in range(20)}
    assert len(texts) == 20
    assert all(0.7 * length < len(text) < 1.3 * length for text in texts)
    assert all(text[0].isupper() and text.endswith(".") and "  " not in text for text in texts)


def test_hibari_gets_english_sounds_only():
    known = dict.fromkeys("abcdefghijklmnopqrstuvwxyzɑɛɔəɪʊʌɜɹʃʒŋɡðθʧʤAIOWYˈˌ ,.", 0)
    spelled = for_hibari("r̝ˈeka tˈetʃe pr̝̊ˈes xlˈapets mˈɛɪn ɣˈyrə", known)
    assert spelled == "ɹʒˈɛkɑ tˈɛʧɛ pɹʃˈɛs hlˈɑpɛts mˈAn ɡˈuɹə."
    assert for_kokoro("xlˈapets zˈe", {**known, "ʦ": 0}) == "xlˈapets zˈe."


@pytest.mark.parametrize("name", [speech.ESPEAK.name, speech.HIBARI.name])
@pytest.mark.parametrize("deep", [False, True])
def test_speech_takes_the_time_it_is_given(name, deep, voices):
    said = speech.say(name, "cs", deep, N, RATE, 5, voices)
    assert said.shape == (N,)
    assert said.dtype == np.float32
    assert np.abs(said[:1600]).max() > 0
    assert np.array_equal(said, speech.say(name, "cs", deep, N, RATE, 5, voices))


def test_kokoro_speaks_with_its_own_weights(voices):
    said = speech.say(speech.KOKORO.name, "nl", True, RATE, RATE, 5, voices)
    assert said.shape == (RATE,)
    assert np.std(said) > 1e-4


@pytest.mark.parametrize(("seconds", "times"), [(1.0, 1), (1.05, 1), (1.5, 2), (0.6, 2), (5.0, 2)])
def test_length_is_set_by_speed_first(seconds, times):
    speeds = []

    def render(speed):
        speeds.append(speed)
        return np.sin(np.arange(int(seconds / speed * 24000)) * 0.1).astype(np.float32), 24000

    assert len(speech._fitted(render, RATE, RATE)) == RATE
    assert len(speeds) == times
    assert all(0.7 <= speed <= 1.4 for speed in speeds)


def test_a_kokoro_whose_voices_belong_to_another_model_is_refused(tmp_path):
    wheel = kokoro_wheel(tmp_path / "other.whl", digest="0" * 64)
    with pytest.raises(RunError, match="four parts"):
        speech._kokoro(str(wheel))


def test_espeak_is_run_from_its_folder(voices, tmp_path):
    espeak = Espeak(voices.espeak_root)
    espeak.check()
    assert espeak.ipa("cokoli", "cs") == IPA["cs"]
    sound, rate = espeak.speak("iets om te zeggen", "nl+f1", 1.0)
    assert rate == 22050
    assert len(sound) / rate == pytest.approx(len("iets om te zeggen") / 16.5, rel=0.05)
    with pytest.raises(RunError, match="does not run") as caught:
        Espeak(str(tmp_path / "nowhere")).check()
    assert "fetched anew" in caught.value.remedy
