import itertools

import librosa
import numpy as np
import pytest

from avfake.errors import UserError
from avfake.features.baseline import image_of
from avfake.features.front_ends import compute, settings_of, shape_of
from avfake.features.log_mel import grey_levels
from avfake.features.mel import mel_power
from avfake.features.windows import cut_windows, window_starts
from avfake.media.pcm import from_pcm, to_pcm
from avfake.params import FeaturizeParams, load
from clips import speech
from reference_recipe import ROOT

RATE = 22050


@pytest.fixture
def params() -> FeaturizeParams:
    return load(FeaturizeParams, ROOT / "params.yaml")


@pytest.fixture
def sound() -> np.ndarray:
    return speech(4.0, RATE, 0)


@pytest.mark.parametrize(
    ("n_fft", "hop", "n_mels", "fmin", "fmax"), [(2048, 512, 128, 0.0, 11025.0), (400, 160, 40, 50.0, 7000.0)]
)
@pytest.mark.filterwarnings("ignore:n_fft=")
@pytest.mark.parametrize("n", [1, 300, 5000, 60000])
def test_mel_power_is_librosas(sound, n, n_fft, hop, n_mels, fmin, fmax):
    ours = mel_power(sound[:n], RATE, n_fft, hop, n_mels, fmin, fmax)
    theirs = librosa.feature.melspectrogram(
        y=sound[:n], sr=RATE, n_fft=n_fft, hop_length=hop, n_mels=n_mels, fmin=fmin, fmax=fmax
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-9)


def test_log_mel_is_decibels_below_the_maximum(params, sound):
    settings = params.log_mel
    levels = grey_levels(sound, RATE, settings)
    power = mel_power(
        sound, RATE, settings.n_fft, settings.hop_length, settings.n_mels, settings.fmin, settings.fmax
    )
    decibels = 10 * np.log10(np.maximum(power, 1e-10) / power.max())
    expected = np.clip(1 + decibels / settings.dynamic_range, 0, 1) * 255
    assert levels.max() == 255
    assert np.abs(levels - expected).max() <= 0.51


def test_log_mel_does_not_hear_loudness(params, sound):
    loud, quiet = (grey_levels(gain * sound, RATE, params.log_mel) for gain in (1.0, 0.125))
    assert np.abs(loud.astype(int) - quiet.astype(int)).max() <= 1


def test_log_mel_of_silence_is_black(params):
    assert not grey_levels(np.zeros(RATE, np.float32), RATE, params.log_mel).any()


@pytest.mark.parametrize("n_frames", [8, 9, 15, 16, 17, 100])
def test_windows_cover_the_whole_clip(n_frames):
    starts = window_starts(n_frames, 8, 4)
    assert starts[0] == 0
    assert starts[-1] == n_frames - 8
    assert all(0 < later - earlier <= 4 for earlier, later in itertools.pairwise(starts))


def test_windows_hold_their_frames():
    picture = np.arange(2 * 19, dtype=np.uint8).reshape(2, 19)
    windows = cut_windows(picture, 8, 4)
    for window, start in zip(windows, [0, 4, 8, 11], strict=True):
        np.testing.assert_array_equal(window, picture[:, start : start + 8])


def test_a_short_clip_is_repeated():
    windows = cut_windows(np.array([[1, 2, 3]], np.uint8), 8, 4)
    assert windows.tolist() == [[[1, 2, 3, 1, 2, 3, 1, 2]]]


def test_compute_log_mel(params, sound):
    pcm, shift = to_pcm(sound)
    windows = compute(pcm, RATE, params, shift)
    assert windows.dtype == np.uint8
    assert windows.shape[1:] == shape_of(params)
    frames = 1 + len(sound) // params.log_mel.hop_length
    assert len(windows) == len(window_starts(frames, params.log_mel.window_frames, params.log_mel.window_hop))


def test_compute_baseline_image(params, sound):
    baseline = params.model_copy(update={"front_end": "baseline_image"})
    pcm, shift = to_pcm(sound)
    np.testing.assert_array_equal(compute(pcm, RATE, baseline, shift)[0], image_of(from_pcm(pcm, shift)))
    assert shape_of(baseline) == (256, 256)
    assert settings_of(baseline) == {}


def test_a_single_sample_is_enough(params):
    assert compute(np.array([100], np.int16), RATE, params).shape == (1, *shape_of(params))


def test_baseline_image_at_another_rate_is_refused_with_a_remedy(params):
    baseline = params.model_copy(update={"front_end": "baseline_image"})
    with pytest.raises(UserError, match="needs sound at 22050 Hz") as caught:
        compute(np.ones(100, np.int16), 16000, baseline)
    assert "extract.sample_rate=22050" in caught.value.remedy


def test_bands_above_half_the_sample_rate_are_refused(params):
    with pytest.raises(UserError, match=r"featurize.log_mel.fmax: 8000 Hz is above half"):
        compute(np.ones(100, np.int16), 12000, params)
