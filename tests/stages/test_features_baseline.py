import numpy as np
import pytest

from avfake.features import baseline_image
from avfake.features.baseline import image_of
from avfake.media.errors import ClipError
from clips import BROKEN, make_clip, pictures, speech, write_clip
from reference_recipe import reference_image


def assert_equal_within_one_level(path):
    difference = np.abs(baseline_image(path).astype(int) - reference_image(path).astype(int))
    assert (difference <= 1).mean() >= 0.999


@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44100, 48000, 22050, 16000])
def test_the_picture_is_the_references(tmp_path, rate, channels, codec):
    # No whole number of codec frames: the tail is where readers differ.
    clip = make_clip(
        tmp_path / "clip.mp4", seconds=1.337, rate=rate, channels=channels, kind="speech", audio_codec=codec
    )
    assert_equal_within_one_level(clip)


@pytest.mark.parametrize("loudness", [4.0, 0.1, 0.003])
def test_the_picture_of_loud_and_quiet_sound_is_the_references(tmp_path, loudness):
    sound = loudness * np.stack([speech(1.2, 44100, 5), speech(1.2, 44100, 6)])
    assert_equal_within_one_level(write_clip(tmp_path / "clip.mp4", sound, 44100, pictures(12, 64, 0)))


@pytest.mark.parametrize(("sound", "picture"), [(1.0, 2.0), (2.0, 1.0)])
def test_tracks_of_different_length(tmp_path, sound, picture):
    clip = make_clip(tmp_path / "clip.mp4", seconds=sound, video_seconds=picture, kind="speech")
    assert_equal_within_one_level(clip)


def test_a_tone_gives_the_references_picture(tmp_path):
    assert_equal_within_one_level(make_clip(tmp_path / "tone.mp4"))


def test_more_than_two_channels_give_the_references_picture(tmp_path):
    assert_equal_within_one_level(make_clip(tmp_path / "six.mp4", channels=6, rate=48000, kind="speech"))


def test_silence_is_black(tmp_path):
    picture = baseline_image(BROKEN["silence"](tmp_path / "clip.mp4"))
    assert (picture.shape, picture.dtype) == ((256, 256), np.uint8)
    assert not picture.any()


def test_low_frequency_is_in_the_first_rows(tmp_path):
    low = image_of(np.sin(np.arange(22050) * 2 * np.pi * 200 / 22050).astype(np.float32))
    assert low[:64].mean() > low[192:].mean()


def test_a_clip_without_sound_says_so(tmp_path):
    with pytest.raises(ClipError, match="no audio stream"):
        baseline_image(BROKEN["no_audio"](tmp_path / "clip.mp4"))
