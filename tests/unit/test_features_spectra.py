"""The front ends against librosa, scipy, and the definitions."""

import librosa
import numpy as np
import pytest
import scipy.fft

from avfake.features import bands
from avfake.features import cqt as constant_q
from avfake.features.cqt import cqt, cqt_power, highest, middles_of
from avfake.features.lfcc import cepstra, lfcc, slopes
from avfake.features.log_linear import bins_between, log_linear
from avfake.features.log_mel import log_mel
from avfake.features.mel import mel_power
from avfake.features.slaney import mel_filters, mel_frequencies
from avfake.params import CqtParams, LfccParams, LogLinearParams, LogMelParams
from clips import speech

RATE, HOP, RANGE = 22050, 256, 80.0
MEL = LogMelParams(n_fft=1024, n_mels=128, fmin=0.0, fmax=8000.0)
LINEAR = LogLinearParams(n_fft=1024, n_bands=60, fmin=100.0, fmax=9000.0)
LFCC = LfccParams(n_fft=1024, n_bands=40, n_coefficients=20, deltas=2, fmin=0.0, fmax=8000.0)
CQT = CqtParams(n_bins=84, bins_per_octave=12, fmin=40.0)


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return speech(3.0, RATE, 0)


@pytest.fixture(scope="module")
def power(sound) -> np.ndarray:
    return np.abs(librosa.stft(sound, n_fft=1024, hop_length=HOP)) ** 2


def decibels(power: np.ndarray) -> np.ndarray:
    return librosa.power_to_db(power, ref=np.max, amin=1e-10, top_db=RANGE)


def tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


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


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize(
    ("n_fft", "n_mels", "fmin", "fmax"),
    [(2048, 128, 0.0, 4000.0), (1024, 80, 20.0, 3800.0), (512, 24, 300.0, 900.0), (512, 20, 1000.0, 3500.0)],
)
def test_the_filters_are_librosas_to_the_last_bit(rate, n_fft, n_mels, fmin, fmax):
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    ours = mel_filters(rate, n_fft, n_mels, fmin, fmax)
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(
        mel_frequencies(n_mels, fmin, fmax), librosa.mel_frequencies(n_mels, fmin=fmin, fmax=fmax)
    )


def test_log_mel_is_librosas(sound, power):
    theirs = librosa.feature.melspectrogram(S=power, sr=RATE, n_mels=128, fmin=0.0, fmax=8000.0)
    ours = log_mel(sound, RATE, HOP, RANGE, MEL)
    assert -RANGE <= ours.min() < ours.max() == 0
    np.testing.assert_allclose(ours, decibels(theirs), atol=1e-3)


def triangles(power: np.ndarray, n_bands: int, fmin: float, fmax: float) -> np.ndarray:
    """Power in triangular filters, one after the other, by interpolation between their three corners."""
    hz = librosa.fft_frequencies(sr=RATE, n_fft=1024)
    corners = np.linspace(fmin, fmax, n_bands + 2)
    filters = [np.interp(hz, corners[i : i + 3], [0, 1, 0], 0, 0) for i in range(n_bands)]
    return np.array(filters) @ power


def test_log_linear_is_triangles_over_the_power_spectrum(sound, power):
    ours = log_linear(sound, RATE, HOP, RANGE, LINEAR)
    expected = decibels(triangles(power, 60, 100.0, 9000.0))
    np.testing.assert_allclose(ours, expected, atol=2e-3)


def test_log_linear_without_bands_is_the_spectrum_itself(sound, power):
    params = LINEAR.model_copy(update={"n_bands": None})
    hz = librosa.fft_frequencies(sr=RATE, n_fft=1024)
    inside = (hz >= 100) & (hz <= 9000)
    assert (
        np.arange(len(hz))[bins_between(RATE, 1024, 100.0, 9000.0)].tolist()
        == np.flatnonzero(inside).tolist()
    )
    np.testing.assert_allclose(
        log_linear(sound, RATE, HOP, RANGE, params), decibels(power[inside]), atol=2e-3
    )


def test_cepstra_are_the_cosine_transform_with_librosas_deltas(sound, power):
    static = scipy.fft.dct(decibels(triangles(power, 40, 0.0, 8000.0)), axis=0, type=2, norm="ortho")[:20]
    delta = librosa.feature.delta(static, width=5, mode="nearest")
    twice = librosa.feature.delta(delta, width=5, mode="nearest")
    ours = cepstra(sound, RATE, HOP, RANGE, LFCC)
    np.testing.assert_allclose(ours, np.concatenate([static, delta, twice]), atol=0.02)


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_slopes_are_those_of_a_line(n):
    values = np.stack([3 * np.arange(n), np.full(n, 7)]).astype(np.float32)
    found = slopes(values)
    assert found.shape == values.shape
    np.testing.assert_allclose(found[0, 2 : n - 2], 3)
    np.testing.assert_array_equal(found[1], 0)


def test_lfcc_gives_every_row_about_the_same_spread(sound):
    values = lfcc(sound, RATE, HOP, RANGE, LFCC)
    assert values.shape == (60, 1 + len(sound) // HOP)
    raw = cepstra(sound, RATE, HOP, RANGE, LFCC)
    np.testing.assert_allclose(values[0], raw[0] / np.sqrt(40), rtol=1e-5)
    np.testing.assert_allclose(values[3], raw[3] / np.sqrt(40) * 2 * 3**0.6 - RANGE / 2, rtol=1e-4)
    np.testing.assert_allclose(values[22], raw[22] / np.sqrt(40) * 10 * 2**0.6 - RANGE / 2, rtol=1e-4)
    assert raw.std(axis=1).max() > 100 * raw.std(axis=1).min()
    assert values.std(axis=1).max() < 8 * values.std(axis=1).min()


@pytest.mark.filterwarnings("ignore:n_fft=")
@pytest.mark.parametrize("hop", [256, 147, 300])
def test_cqt_is_librosas(sound, hop):
    ours = cqt(sound, RATE, hop, RANGE, CQT)
    theirs = librosa.cqt(
        sound, sr=RATE, hop_length=hop, fmin=CQT.fmin, n_bins=CQT.n_bins, bins_per_octave=CQT.bins_per_octave
    )
    expected = decibels(np.abs(theirs) ** 2)
    assert ours.shape == expected.shape
    # Where two waves cancel, a level is as deep as the rounding is fine.
    difference = np.abs(ours - expected)
    assert difference.mean() < 0.5
    assert np.quantile(difference, 0.95) < 1.5


def test_halving_the_rate_changes_next_to_nothing(sound, monkeypatch):
    ours = cqt(sound, RATE, HOP, RANGE, CQT)
    monkeypatch.setattr(constant_q, "_ENOUGH", 0.0)
    exact = cqt(sound, RATE, HOP, RANGE, CQT)
    assert not np.array_equal(ours, exact)
    assert np.abs(ours - exact).mean() < 0.05
    assert np.abs(ours - exact)[exact > -50].max() < 2


@pytest.mark.parametrize("bin_", [0, 30, 71, 83])
def test_a_tone_is_loudest_in_its_bin(bin_):
    values = cqt(tone(middles_of(CQT)[bin_]), RATE, HOP, RANGE, CQT)
    middle = values.shape[1] // 2
    assert values[:, middle].argmax() == bin_
    away = np.abs(np.arange(CQT.n_bins) - bin_) > 3
    assert values[away, middle].max() < -30


def test_white_noise_is_flat_and_a_click_is_where_it_is():
    noise = np.random.default_rng(0).normal(size=8 * RATE).astype(np.float32)
    level = 10 * np.log10(cqt_power(noise, RATE, HOP, CQT)[24:].mean(axis=1))
    assert np.abs(level - level.mean()).max() < 2
    click = np.zeros(RATE, np.float32)
    click[40 * HOP] = 1
    assert set(cqt_power(click, RATE, HOP, CQT).argmax(axis=1)) == {40}
    assert highest(CQT) > middles_of(CQT)[-1]


def test_silence_is_the_floor_everywhere():
    silence = np.zeros(5000, np.float32)
    assert (log_mel(silence, RATE, HOP, RANGE, MEL) == -RANGE).all()
    assert (cqt(silence, RATE, HOP, RANGE, CQT) == -RANGE).all()
    assert (bands.below_peak(np.full((2, 3), 1e-11, np.float32), RANGE) == -RANGE).all()
