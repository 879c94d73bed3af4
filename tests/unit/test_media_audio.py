from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest

from avfake.media.audio import LEAST_DB, read_audio, sound_of
from avfake.media.container import opened
from avfake.media.errors import ClipError
from avfake.media.pcm import from_pcm, to_pcm
from clips import BROKEN, make_clip, pictures, speech, tone, write_clip

RATE = 22050


def spectrum_peak(sound: np.ndarray, rate: int) -> tuple[float, float]:
    """Frequency in Hz and amplitude of the strongest tone in the middle of the sound."""
    middle = sound[len(sound) // 4 : 3 * len(sound) // 4]
    window = np.hanning(len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window))
    return spectrum.argmax() * rate / len(middle), 2 * spectrum.max() / window.sum()


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100])
@pytest.mark.parametrize(
    ("rate", "codec"), [(44100, "aac"), (44100, "libmp3lame"), (48000, "aac"), (16000, "aac")]
)
def test_a_tone_comes_back_with_its_frequency_and_amplitude(tmp_path, rate, codec, sample_rate):
    both = np.stack([tone(1.0, rate)] * 2)
    clip = write_clip(tmp_path / "tone.mp4", both, rate, pictures(10, 64, 0), audio_codec=codec)
    sound = read_audio(clip, sample_rate)
    assert (sound.dtype, sound.ndim) == (np.float32, 1)
    assert len(sound) == pytest.approx(sample_rate, abs=sample_rate // 100)
    frequency, amplitude = spectrum_peak(sound, sample_rate)
    assert frequency == pytest.approx(440, abs=3)
    # LAME makes everything quieter by 5 %.
    assert amplitude == pytest.approx(0.475 if codec == "libmp3lame" else 0.5, rel=0.02)


def test_one_channel_is_three_decibels_lower_as_in_the_reference(tmp_path):
    sound = read_audio(make_clip(tmp_path / "mono.mp4", channels=1), RATE)
    assert spectrum_peak(sound, RATE)[1] == pytest.approx(0.5 * 2**-0.5, rel=0.02)


def test_what_is_above_half_the_sample_rate_does_not_fold_down(tmp_path):
    high = np.stack([tone(1.0, 44100, frequency=12000)] * 2)
    sound = read_audio(write_clip(tmp_path / "high.mp4", high, 44100, []), RATE)
    assert np.abs(sound[2000:-2000]).max() < 1e-3


def test_channels_beyond_two_are_mixed_in(tmp_path):
    eight = BROKEN["eight_channels"](tmp_path / "eight.mp4")
    assert np.abs(read_audio(eight, RATE)).max() > 0.05


def test_the_sound_of_a_clip_with_a_spoiled_picture_is_the_same(tmp_path):
    whole = make_clip(tmp_path / "whole.mp4", kind="speech")
    spoiled = tmp_path / "spoiled.mp4"
    with av.open(str(whole)) as source, av.open(str(spoiled), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "video":
                broken = av.Packet(b"\xff" * packet.size)
                broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
                broken.stream = streams[packet.stream.index]
                out.mux(broken)
            else:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    np.testing.assert_array_equal(read_audio(spoiled, RATE), read_audio(whole, RATE))


def test_sound_beyond_max_seconds_is_not_read(tmp_path):
    clip = make_clip(tmp_path / "long.mp4", seconds=3.0, kind="speech")
    short, whole = read_audio(clip, 44100, 1.0), read_audio(clip, 44100)
    assert len(short) == 44100
    np.testing.assert_array_equal(short, whole[:44100])


def test_silence_is_zeros(tmp_path):
    assert not read_audio(BROKEN["silence"](tmp_path / "silence.mp4"), RATE).any()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "empty file"),
        ("text", "not a media file"),
        ("truncated", "truncated: an mp4 whose index is missing"),
        ("truncated_stream", "truncated: .* of sound can be read"),
        ("no_audio", "no audio stream"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, kind, reason):
    path = BROKEN[kind](tmp_path / "clip.mp4")
    with pytest.raises(ClipError, match=reason) as caught:
        read_audio(path, RATE)
    assert str(tmp_path) not in caught.value.reason


def test_missing_files_and_folders_say_so(tmp_path):
    with pytest.raises(ClipError, match="no such file"):
        read_audio(tmp_path / "nothing.mp4", RATE)
    with pytest.raises(ClipError, match="not a file"):
        read_audio(tmp_path, RATE)


@pytest.mark.parametrize("kind", ["no_video", "short", "silence", "eight_channels"])
def test_odd_clips_can_be_read(tmp_path, kind):
    sound = read_audio(BROKEN[kind](tmp_path / "clip.mp4"), RATE)
    assert len(sound) >= 0.1 * RATE
    assert np.isfinite(sound).all()


@pytest.mark.parametrize("name", ["mit Leerzeichen und Ä.mp4", "a:b.mp4", "100%d.mp4", "-i.mp4", "声.mp4"])
def test_any_file_name_will_do(tmp_path, name):
    assert len(read_audio(make_clip(tmp_path / name, seconds=0.3), RATE)) > 0


def test_links_are_followed(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=0.3)
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    np.testing.assert_array_equal(read_audio(link, RATE), read_audio(clip, RATE))


@pytest.mark.parametrize("suffix", [".wav", ".mkv", ".mov"])
def test_other_containers_are_read(tmp_path, suffix):
    codec = "pcm_s16le" if suffix == ".wav" else "aac"
    path = make_clip(tmp_path / f"clip{suffix}", video=suffix != ".wav", audio_codec=codec)
    assert spectrum_peak(read_audio(path, RATE), RATE)[0] == pytest.approx(440, abs=3)


def test_threads_do_not_disturb_each_other(tmp_path):
    clips = [make_clip(tmp_path / f"{seed}.mp4", kind="speech", seed=seed) for seed in range(3)] * 3
    alone = [read_audio(clip, RATE) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        for first, second in zip(alone, pool.map(lambda clip: read_audio(clip, RATE), clips), strict=True):
            np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("loudness", [1.0, 0.3, 0.01, 0.0001])
def test_kept_sound_differs_by_less_than_the_sixteen_bits_of_its_loudest_sample(loudness):
    sound = loudness * speech(0.5, RATE, 0)
    pcm, shift = to_pcm(sound)
    assert pcm.dtype == np.dtype("<i2")
    error = np.abs(from_pcm(pcm, shift) - sound).max()
    assert error <= max(np.abs(sound).max(), 2.0**-15) * 2**-15


def test_kept_sound_is_clipped_and_silence_stays_silent():
    assert from_pcm(*to_pcm(np.float32([1.5, -1.5, 0.0]))).tolist() == [32767 / 32768, -1.0, 0.0]
    assert to_pcm(np.zeros(3, np.float32))[1] == 0


def left_right(path) -> float | None:
    with opened(path) as container:
        return sound_of(container, RATE).left_right_db


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("part", [0.5, 0.1])
def test_the_difference_of_left_and_right_is_measured(tmp_path, rate, part):
    left = speech(1.0, rate, 0)
    path = write_clip(tmp_path / "two.mp4", np.stack([left, part * left]), rate, [])
    expected = 20 * np.log10((1 - part) / (1 + part))
    assert left_right(path) == pytest.approx(expected, abs=0.5)


def test_equal_channels_have_the_least_difference_and_one_channel_has_none(tmp_path):
    same = np.stack([speech(1.0, 44100, 0)] * 2)
    assert left_right(write_clip(tmp_path / "same.wav", same, 44100, [], audio_codec="pcm_s16le")) == LEAST_DB
    assert left_right(make_clip(tmp_path / "one.mp4", channels=1)) is None
    assert left_right(make_clip(tmp_path / "silent.mp4", kind="silence")) == LEAST_DB
