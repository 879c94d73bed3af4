"""The tools that re-synthesise speech: faithful, in step, of the same length, the same twice."""

import librosa
import numpy as np
import pytest

from avfake.errors import RunError
from avfake.forge.voice import griffin_lim, hifigan, world
from clips import speech

RATE = 16000
TOOLS = {module.TOOL.name: module for module in (world, griffin_lim, hifigan)}


@pytest.fixture(scope="module")
def sound():
    return speech(0.9, RATE, seed=5)


@pytest.fixture(scope="module")
def forged(sound):
    return {name: module.resynthesise(sound, RATE) for name, module in TOOLS.items()}


def bands(x):
    power = librosa.feature.melspectrogram(y=x, sr=RATE, n_fft=512, hop_length=160, n_mels=40, fmax=7000)
    return np.log(power + 1e-4)


@pytest.mark.parametrize("name", TOOLS)
def test_forged_sound_has_the_shape_of_the_original(name, sound, forged):
    made = forged[name]
    assert made.shape == sound.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert not np.allclose(made, sound, atol=1e-3)


@pytest.mark.parametrize("name", TOOLS)
def test_forging_twice_gives_the_same_samples(name, sound, forged):
    assert np.array_equal(TOOLS[name].resynthesise(sound, RATE), forged[name])


@pytest.mark.parametrize("name", TOOLS)
def test_forged_sound_is_a_faithful_copy(name, sound, forged):
    original, copy = bands(sound), bands(forged[name])
    error = np.mean((original - copy) ** 2)
    signal = np.var(original)
    assert 10 * np.log10(signal / error) > 6, "the spectrogram is not that of the original"


@pytest.mark.parametrize("name", TOOLS)
def test_forged_sound_is_in_step_with_the_original(name, sound, forged):
    def loudness(x):
        level = np.abs(x[: len(x) // 80 * 80]).reshape(-1, 80).mean(axis=1)
        return level - level.mean()

    a, b = loudness(sound), loudness(forged[name])
    lag = int(np.argmax(np.correlate(a, b, mode="full"))) - (len(b) - 1)
    assert abs(lag) <= 2, f"shifted by {lag * 5} ms"


def test_hifigan_mel_is_repeated_by_its_sound(sound):
    at_model = librosa.resample(sound, orig_sr=RATE, target_sr=hifigan.RATE)
    mel = hifigan.log_mel(at_model)
    again = hifigan.log_mel(hifigan.session().run(None, {"mel": mel[None]})[0].reshape(-1))
    width = min(mel.shape[1], again.shape[1])
    loud = mel[:, :width] > -6
    assert mel.shape[0] == 80
    assert mel.dtype == np.float32
    assert np.abs(mel[:, :width] - again[:, :width])[loud].mean() < 0.5


@pytest.mark.parametrize("samples", [1600, 1601, 5000])
def test_any_length_is_kept(samples):
    x = speech(0.4, RATE, seed=1)[:samples]
    for module in TOOLS.values():
        assert len(module.resynthesise(x, RATE)) == samples


def test_each_tool_says_what_it_is():
    for name, module in TOOLS.items():
        assert module.TOOL.name == name
        assert module.TOOL.licence
        assert module.TOOL.version[0].isdigit()


@pytest.mark.parametrize(("module", "load"), [(hifigan, hifigan.session), (world, world._extension)])
def test_a_package_that_is_not_installed_is_named(module, load, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    load.cache_clear()
    with pytest.raises(RunError, match=module.TOOL.package) as caught:
        load()
    load.cache_clear()
    assert "avfake[sample]" in caught.value.remedy
