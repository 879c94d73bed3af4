"""What a forged sound takes over from the recording."""

import numpy as np
import pytest

from avfake.dataset.sample.sound import trimmed
from avfake.forge.take import Sound
from avfake.forge.voice import channel
from avfake.forge.voice.span import heard_span
from avfake.media.errors import ClipError
from clips import speech

RATE = 16000


def low_passed(x, cutoff, residue=1e-4):
    """Without what lies above `cutoff` Hz, but for a residue."""
    spectrum = np.fft.rfft(x)
    spectrum[np.fft.rfftfreq(len(x), 1 / RATE) > cutoff] *= residue
    return np.fft.irfft(spectrum, len(x)).astype(np.float32)


def level(x, low, high):
    """Mean power between two frequencies, dB."""
    frequencies = np.fft.rfftfreq(len(x), 1 / RATE)
    power = np.abs(np.fft.rfft(x)) ** 2
    return 10 * np.log10(power[(frequencies >= low) & (frequencies < high)].mean() + 1e-20)


@pytest.fixture(scope="module")
def sound():
    return speech(1.5, RATE, seed=3)


@pytest.mark.parametrize("cutoff", [2000, 3400, 6000])
def test_the_end_of_the_band_is_found_and_kept(cutoff, sound):
    narrow = low_passed(sound, cutoff)
    assert channel.band_top(narrow, RATE) == pytest.approx(cutoff, abs=150)
    made = channel.within_band_of(sound, narrow, RATE)
    assert level(made, 300, cutoff - 300) == pytest.approx(level(sound, 300, cutoff - 300), abs=0.1)
    assert abs(level(made, cutoff + 300, 7900) - level(narrow, cutoff + 300, 7900)) < 3


def test_rumble_that_the_recording_does_not_have_is_taken_out(sound):
    clean = channel.within_band_of(sound, sound, RATE)
    rumbling = sound + 0.1 * np.sin(2 * np.pi * 25 * np.arange(len(sound)) / RATE) + 0.1
    made = channel.within_band_of(rumbling, sound, RATE)
    assert np.abs(clean - sound).max() < 1e-6
    assert level(rumbling, 0, 50) > level(sound, 0, 50) + 20
    assert level(made, 0, 50) < level(rumbling, 0, 50) - 25


@pytest.mark.parametrize("gain", [0.01, 1.0, 30.0])
def test_loudness_and_peak_are_those_of_the_recording(gain, sound):
    rng = np.random.default_rng(1)
    spiky = gain * sound * (1 + 5 * (rng.random(len(sound)) > 0.999))
    made = channel.as_loud(spiky, sound, RATE)
    assert made.dtype == np.float32
    assert channel.rms(made) == pytest.approx(channel.rms(sound), rel=0.05)
    assert np.abs(made).max() <= np.abs(sound).max()


def test_a_limiter_does_not_cut_waves_off(sound):
    """Hard clipping would leave flat tops."""
    spiky = sound.copy()
    spiky[4000:4100] *= 8
    made = channel.as_loud(spiky, 0.5 * sound, RATE)
    assert np.mean(np.abs(made) > 0.999 * np.abs(made).max()) < 1e-3


def test_silent_and_short_sounds_are_refused(sound):
    for x, reason in ((np.zeros(RATE, np.float32), "silent"), (sound[:2000], r"shorter than 0\.25 s")):
        with pytest.raises(ClipError, match=reason):
            channel.heard(Sound(x, RATE))
    with pytest.raises(ClipError, match="silent"):
        channel.as_loud(np.zeros(100), sound, RATE)


def test_the_background_is_that_of_the_pauses(sound):
    rng = np.random.default_rng(1)
    quiet = low_passed(rng.normal(0, 0.002, len(sound)), 3000)
    line = np.where(np.arange(len(sound)) < 12000, sound, 0) + quiet
    made = channel.background_of(line, RATE, 5000, rng)
    assert made.shape == (5000,)
    assert channel.rms(made) == pytest.approx(channel.rms(quiet), rel=0.3)
    assert level(made, 500, 2500) > level(made, 4000, 7000) + 15
    assert not np.any(channel.background_of(np.pad(sound, RATE), RATE, 500, rng))


def test_speech_without_pauses_gives_no_background_of_speech():
    tone = np.sin(0.3 * np.arange(RATE)).astype(np.float32)
    made = channel.background_of(tone, RATE, RATE, np.random.default_rng(0))
    assert channel.rms(made) == pytest.approx(channel.rms(tone) * 10**-1.5, rel=0.01)


def test_speech_takes_the_spectrum_of_the_channel(sound):
    thin = np.diff(speech(1.5, RATE, seed=1), prepend=0).astype(np.float32)
    made = channel.in_channel_of(sound, thin, RATE)

    def tilt(y):
        return level(y, 100, 800) - level(y, 2000, 4000)

    assert len(made) == len(sound)
    assert abs(tilt(made) - tilt(thin)) < 0.3 * abs(tilt(sound) - tilt(thin))


def test_the_ends_are_found_where_the_default_data_set_cuts_them(sound):
    padded = np.pad(sound, (3000, 5000))
    begin, end = heard_span(padded, RATE)
    assert np.array_equal(padded[begin:end], trimmed(padded, RATE))
    assert heard_span(sound[:100], RATE) == (0, 100)


@pytest.mark.parametrize(("begin", "length"), [(0, 500), (300, 500), (500, 500), (0, 1000)])
def test_a_part_is_joined_with_fades_at_inner_ends_only(begin, length):
    made = channel.joined(np.zeros(1000, np.float32), np.ones(length), begin, 40)
    end = begin + length
    assert np.all(made[begin + 40 : end - 40] == 1)
    assert not np.any(made[:begin])
    assert not np.any(made[end:])
    assert (made[begin] == 1) == (begin == 0)
    assert (made[end - 1] == 1) == (end == 1000)
