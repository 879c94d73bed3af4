import itertools

import numpy as np
import pytest

from avfake.errors import UserError
from avfake.features.baseline import image_of
from avfake.features.front_ends import FRONT_ENDS, check, compute, settings_of, shape_of
from avfake.features.mel import mel_power
from avfake.features.windows import cut_windows, window_starts
from avfake.media.pcm import from_pcm, to_pcm
from avfake.params import FeaturizeParams, load
from clips import speech
from workspace import ROOT

RATE = 22050
STACK = ["log_mel", "log_linear", "lfcc", "cqt"]


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return speech(4.0, RATE, 0)


def params_of(*front_end: str, **changes) -> FeaturizeParams:
    """The shipped settings with other front ends; `cqt={"n_bins": 8}` changes a setting of one of them."""
    params = load(FeaturizeParams, ROOT / "params.yaml")
    update = {"front_end": list(front_end), "normalise": "peak", "trim_db": None}
    for name, value in changes.items():
        nested = isinstance(value, dict)
        update[name] = getattr(params, name).model_copy(update=value) if nested else value
    return params.model_copy(update=update)


@pytest.mark.parametrize("n_frames", [8, 9, 15, 16, 17, 100])
def test_windows_cover_the_whole_clip(n_frames):
    starts = window_starts(n_frames, 8, 4)
    assert starts[0] == 0
    assert starts[-1] == n_frames - 8
    assert all(0 < later - earlier <= 4 for earlier, later in itertools.pairwise(starts))


def test_windows_hold_their_frames():
    pictures = np.arange(3 * 2 * 19, dtype=np.uint8).reshape(3, 2, 19)
    windows = cut_windows(pictures, 8, 4)
    for window, start in zip(windows, [0, 4, 8, 11], strict=True):
        np.testing.assert_array_equal(window, pictures[:, :, start : start + 8])


def test_a_short_clip_is_repeated():
    windows = cut_windows(np.array([[[1, 2, 3]], [[4, 5, 6]]], np.uint8), 8, 4)
    assert windows.tolist() == [[[[1, 2, 3, 1, 2, 3, 1, 2]], [[4, 5, 6, 4, 5, 6, 4, 5]]]]


def test_windows_of_log_mel_keep_the_bytes_that_they_always_had(sound):
    params = params_of("log_mel")
    pcm, shift = to_pcm(sound)
    mel = params.log_mel
    power = mel_power(
        from_pcm(pcm, shift), RATE, mel.n_fft, params.hop_length, mel.n_mels, mel.fmin, mel.fmax
    )
    loudest = power.max()
    decibels = np.float32(10) * np.log10(np.maximum(power, np.float32(1e-10)) / loudest)
    levels = (decibels / np.float32(params.dynamic_range) + 1) * np.float32(255)
    picture = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    starts = window_starts(picture.shape[1], params.window_frames, params.window_hop)
    expected = np.stack([picture[None, :, start : start + params.window_frames] for start in starts])
    assert compute(pcm, RATE, params, shift).tobytes() == expected.tobytes()


def test_stacked_front_ends_are_the_channels_in_their_order(sound):
    pcm, shift = to_pcm(sound)
    stacked = compute(pcm, RATE, params_of(*STACK), shift)
    assert stacked.dtype == np.uint8
    assert stacked.shape[1:] == shape_of(params_of(*STACK), RATE) == (4, 128, 256)
    for channel, name in enumerate(STACK):
        alone = compute(pcm, RATE, params_of(name), shift)
        np.testing.assert_array_equal(stacked[:, channel], alone[:, 0])
        assert stacked[:, channel].std() > 10


@pytest.mark.parametrize("name", STACK)
@pytest.mark.parametrize("normalise", ["peak", "band", "band_std"])
def test_no_front_end_hears_loudness(sound, name, normalise):
    loud, quiet = (
        compute(to_pcm(gain * sound)[0], RATE, params_of(name, normalise=normalise), to_pcm(gain * sound)[1])
        for gain in (1.0, 0.125)
    )
    assert np.abs(loud.astype(int) - quiet.astype(int)).max() <= 2


@pytest.mark.parametrize(("normalise", "level"), [("peak", 0), ("band", 128), ("band_std", 128)])
def test_silence_is_one_grey(normalise, level):
    for name in ("log_mel", "log_linear", "cqt"):
        windows = compute(np.zeros(RATE, np.int16), RATE, params_of(name, normalise=normalise))
        assert (windows == level).all()
    windows = compute(np.zeros(RATE, np.int16), RATE, params_of("lfcc", normalise=normalise))
    assert windows.min() == level
    assert windows.max() == 128


@pytest.mark.parametrize("name", STACK)
@pytest.mark.parametrize("n", [1, 2, 255, 700])
def test_hardly_any_sound_is_enough(name, n):
    params = params_of(name, trim_db=30.0, normalise="band")
    windows = compute(np.full(n, 100, np.int16), RATE, params)
    assert windows.shape == (1, *shape_of(params, RATE))


def test_trimming_cuts_the_ends_of_all_channels(sound):
    silence = np.zeros(RATE, np.float32)
    params = params_of("log_mel", "cqt", trim_db=40.0, window_frames=64, window_hop=64)
    pcm, shift = to_pcm(np.concatenate([silence, sound, silence]))
    trimmed = compute(pcm, RATE, params, shift)
    whole = compute(pcm, RATE, params.model_copy(update={"trim_db": None}), shift)
    assert 2 * RATE / 128 / 64 - 1 <= len(whole) - len(trimmed) <= 2 * RATE / 128 / 64 + 3
    assert (whole[0, 0] == 0).mean() > 0.9 > 0.5 > (trimmed[0, 0] == 0).mean()


def test_the_baselines_picture(sound):
    params = params_of("baseline_image")
    pcm, shift = to_pcm(sound)
    windows = compute(pcm, RATE, params, shift)
    np.testing.assert_array_equal(windows, image_of(from_pcm(pcm, shift))[None, None])
    assert shape_of(params, RATE) == (1, 256, 256)
    assert settings_of(params) == {"front_end": ["baseline_image"]}


def test_the_settings_of_other_front_ends_change_nothing():
    settings = settings_of(params_of("cqt", "log_mel"))
    assert settings == settings_of(params_of("cqt", "log_mel", lfcc={"deltas": 0}))
    assert settings != settings_of(params_of("log_mel", "cqt"))
    assert FRONT_ENDS.keys() & settings.keys() == {"cqt", "log_mel"}
    for change in ({"hop_length": 100}, {"normalise": "band"}, {"trim_db": 30.0}, {"cqt": {"n_bins": 100}}):
        assert settings_of(params_of("cqt", "log_mel", **change)) != settings


def test_front_ends_of_unequal_height_are_refused_with_the_rows_of_each():
    params = params_of("log_mel", "lfcc", lfcc={"deltas": 2})
    with pytest.raises(UserError, match=r"these have: log_mel 128, lfcc 192") as caught:
        shape_of(params, RATE)
    assert "lfcc.n_coefficients" in caught.value.remedy
    check(RATE, params.model_copy(update={"front_end": ["lfcc"]}))


@pytest.mark.parametrize(
    ("params", "rate", "message"),
    [
        (params_of("baseline_image"), 16000, "needs sound at 22050 Hz"),
        (params_of("log_mel"), 12000, r"featurize.log_mel.fmax: 8000 Hz is above half"),
        (params_of("lfcc"), 12000, r"featurize.lfcc.fmax: 8000 Hz is above half"),
        (params_of("log_mel", "log_linear"), 12000, r"featurize.log_mel.fmax"),
        (params_of("cqt"), 16000, r"featurize.cqt: its highest bin reaches up to 8324 Hz"),
        (
            params_of("log_linear", log_linear={"n_bands": 800}),
            RATE,
            r"10.0 Hz are too narrow for bins of 21.5",
        ),
        (params_of("lfcc", lfcc={"n_fft": 128}), RATE, r"featurize.lfcc: 128 bands"),
        (
            params_of("log_linear", log_linear={"n_bands": None, "fmin": 30.0, "fmax": 40.0}),
            RATE,
            "no bin of 21.5 Hz lies between fmin and fmax",
        ),
    ],
)
def test_what_does_not_go_with_the_sample_rate_is_refused_with_a_remedy(params, rate, message):
    with pytest.raises(UserError, match=message) as caught:
        compute(np.ones(100, np.int16), rate, params)
    assert caught.value.remedy
