"""A derived clip: its bytes, what is the same as in its source, and what a tool is given."""

import hashlib
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from avfake.forge.clip.reading import read_picture, read_sound
from avfake.forge.make import derive, libraries
from avfake.forge.take import Edited, Sound
from avfake.media.audio import read_audio
from avfake.media.probe import probe
from clips import make_clip
from toy_tools import NOISY, NONE, NOTHING, SAME_PICTURE, SAME_SOUND, toy, with_sound

# Of the files as a whole, and of the two streams: what encoders make of the same wish differs a little.
SIZES = {"file_bytes", "bit_rate", "audio_bit_rate"}
SOURCES = {
    "aac_44": {"rate": 44100, "channels": 2},
    "aac_16": {"rate": 16000, "channels": 1, "bit_rate": 64_000},
    "aac_odd": {"rate": 44100, "channels": 2, "seconds": 0.7437},
    "mp3": {"rate": 44100, "channels": 2, "audio_codec": "libmp3lame"},
    "mp3_22": {"rate": 22050, "channels": 1, "audio_codec": "libmp3lame", "bit_rate": 64_000},
    "opus": {"rate": 48000, "channels": 2, "audio_codec": "libopus"},
    "surround": {"rate": 48000, "channels": 6, "bit_rate": 256_000},
}


def source(folder: Path, name: str) -> Path:
    return make_clip(folder / f"{name}.mp4", **{"seconds": 0.63, "kind": "speech", **SOURCES[name]})


def made(folder: Path, clip: Path, tool, partner: Path | None = None, seed: int = 1) -> Path:
    path = folder / f"{clip.stem}-derived.mp4"
    path.write_bytes(derive(clip, tool, NONE, seed, partner))
    return path


def error_db(x: np.ndarray, y: np.ndarray) -> float:
    """Energy of the difference against that of `x`."""
    return float(10 * np.log10(np.mean((x - y) ** 2) / np.mean(x**2)))


def lag(x: np.ndarray, y: np.ndarray) -> int:
    """Samples by which `y` comes after `x`."""
    length = 2 * len(x)
    likeness = np.fft.irfft(np.fft.rfft(y, length) * np.conj(np.fft.rfft(x, length)), length)
    best = int(np.argmax(likeness))
    return best if best < len(x) else best - length


@pytest.mark.parametrize("name", SOURCES)
def test_sound_encoded_anew_is_in_step_and_the_container_says_the_same(tmp_path, name):
    clip = source(tmp_path, name)
    copy = made(tmp_path, clip, SAME_SOUND)
    before, after = read_sound(clip), read_sound(copy)
    assert before.channels.shape == after.channels.shape
    assert lag(before.mid(), after.mid()) == 0
    for channel, again in zip(before.channels, after.channels, strict=True):
        assert error_db(channel, again) < -15
    heard, again = read_audio(clip, 22050), read_audio(copy, 22050)
    assert (len(again), lag(heard, again)) == (len(heard), 0)

    facts, now = probe(clip), probe(copy)
    assert {key for key in facts if facts[key] != now[key]} <= SIZES
    assert all(abs(now[key] / facts[key] - 1) < 0.03 for key in SIZES)


def test_what_is_not_changed_is_copied_byte_for_byte(tmp_path):
    def contents(path: Path, kind: str) -> list[tuple[int, bytes]]:
        with av.open(str(path)) as container:
            return [
                (packet.pts, bytes(packet))
                for packet in container.demux(container.streams.best(kind))
                if packet.size
            ]

    clip = source(tmp_path, "aac_44")
    heard, shown = made(tmp_path, clip, SAME_SOUND), contents(clip, "video")
    assert contents(heard, "video") == shown
    assert contents(made(tmp_path, clip, SAME_PICTURE), "audio") == contents(clip, "audio")
    facts = probe(clip)
    assert probe(made(tmp_path, clip, NOTHING)) == facts


def test_the_picture_encoded_anew_has_the_same_frames_at_the_same_times(tmp_path):
    clip = source(tmp_path, "aac_16")
    copy = made(tmp_path, clip, SAME_PICTURE)
    before, after = (list(read_picture(path).frames()) for path in (clip, copy))
    assert [frame.pts for frame in before] == [frame.pts for frame in after]
    for frame, again in zip(before, after, strict=True):
        assert np.abs(frame.pixels.astype(int) - again.pixels).mean() < 3
    facts, now = probe(clip), probe(copy)
    assert {key for key in facts if facts[key] != now[key]} <= {"file_bytes", "bit_rate", "video_bit_rate"}


def test_the_encoder_that_a_clip_names_is_kept_and_none_is_added(tmp_path):
    clip = source(tmp_path, "aac_16")
    assert probe(made(tmp_path, clip, SAME_SOUND))["encoder"] is None
    named = tmp_path / "named.mp4"
    with av.open(str(clip)) as old, av.open(str(named), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    assert probe(named)["encoder"].startswith("Lavf")
    assert probe(made(tmp_path, named, SAME_SOUND))["encoder"] == probe(named)["encoder"]


@pytest.mark.parametrize(
    ("suffix", "codec", "video"),
    [
        (".wav", "pcm_s16le", False),
        (".mp3", "libmp3lame", False),
        (".flac", "flac", False),
        (".mkv", "aac", True),
        (".webm", "libopus", False),
    ],
)
def test_other_containers_become_an_mp4_with_the_same_sound(tmp_path, suffix, codec, video):
    rate = 48000 if codec == "libopus" else 44100
    clip = make_clip(
        tmp_path / f"a{suffix}", 0.5437, rate=rate, kind="speech", audio_codec=codec, video=video
    )
    for tool in (SAME_SOUND, NOTHING)[: 1 + video]:
        copy = made(tmp_path, clip, tool)
        before, after = read_sound(clip), read_sound(copy)
        assert before.channels.shape == after.channels.shape
        assert lag(before.mid(), after.mid()) == 0
        assert error_db(before.mid(), after.mid()) < -15
        assert probe(copy)["audio_codec"] == {"libmp3lame": "mp3float", "libopus": "opus"}.get(codec, "aac")
        assert (probe(copy)["video_codec"] == "h264") == video


def test_sound_at_a_rate_that_no_encoder_takes_is_brought_to_one(tmp_path):
    clip = make_clip(tmp_path / "a.wav", 0.5, rate=96000, kind="speech", audio_codec="pcm_s16le", video=False)
    after = read_sound(made(tmp_path, clip, SAME_SOUND))
    assert (after.rate, after.channels.shape) == (48000, (2, 24000))


def test_channels_keep_their_difference_and_an_exchanged_sound_its_place(tmp_path):
    clip = source(tmp_path, "aac_44")
    before = read_sound(clip)

    def silent(take, rng, partner):
        return with_sound(take, 0 * take.sound.samples)

    left, right = read_sound(made(tmp_path, clip, toy({"sound"}, silent))).channels
    side = (before.channels[0] - before.channels[1]) / 2
    assert error_db(side, (left - right) / 2) < -10
    assert np.abs(left + right).max() < 0.02

    backwards = before.mid()[::-1]
    tool = toy({"sound"}, lambda take, *_: with_sound(take, backwards), changes="pair")
    level = np.sqrt(np.mean(read_sound(made(tmp_path, clip, tool)).channels ** 2, axis=1))
    was = np.sqrt(np.mean(before.channels**2, axis=1))
    assert level[1] / level[0] == pytest.approx(was[1] / was[0], abs=0.02)


def test_a_tool_gets_what_it_needs_and_no_more(tmp_path):
    clip, second = source(tmp_path, "aac_44"), source(tmp_path, "aac_16")
    seen = []

    def look(take, rng, partner):
        seen.append((take, rng.integers(1000), partner))
        return Edited()

    derive(clip, toy({"sound"}, look), NONE, 5, None)
    derive(clip, toy({"face"}, look), NONE, 5, None)
    derive(clip, toy({"sound", "partner_sound"}, look), NONE, 6, second)
    derive(clip, toy({"picture", "partner_face"}, look), NONE, 6, second)
    (first, drawn, none), (face, again, _), (_, other, heard), (_, _, met) = seen
    assert (first.sound.rate, first.picture, none) == (44100, None, None)
    np.testing.assert_array_equal(first.sound.samples, read_sound(clip).mid())
    assert (face.sound, face.picture.width, face.picture.height) == (None, 64, 64)
    assert len(list(face.picture.frames())) == len(list(face.picture.frames())) == 6
    assert drawn == again != other
    assert (heard.sound.rate, heard.picture) == (16000, None)
    assert (met.sound, met.picture.width) == (None, 64)


def test_two_processes_make_the_same_bytes(tmp_path):
    clip = source(tmp_path, "aac_44")
    program = (
        "import hashlib, sys; from pathlib import Path; from avfake.forge.make import derive;"
        "from toy_tools import NOISY, NONE;"
        "print(hashlib.sha256(derive(Path(sys.argv[1]), NOISY, NONE, 1, None)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program, str(clip)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    here = [hashlib.sha256(derive(clip, NOISY, NONE, seed, None)).hexdigest() for seed in (1, 1, 2)]
    assert there == here[0] == here[1] != here[2]


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(0, np.float32), 16000, "empty"),
        (np.full(8000, np.nan, np.float32), 16000, "not finite"),
        (np.zeros(8000), 16000, "float64"),
        (np.zeros((2, 8000), np.float32), 16000, r"\[2, 8000\]"),
        (np.zeros(8000, np.float32), 8000, "8000 Hz"),
    ],
)
def test_broken_work_of_a_tool_is_refused_by_its_name(tmp_path, samples, rate, message):
    clip = source(tmp_path, "aac_16")
    tool = toy({"sound"}, lambda *_: Edited(sound=Sound(samples, rate)))
    with pytest.raises(ValueError, match=f"toy gave .*{message}"):
        derive(clip, tool, NONE, 1, None)


def test_the_libraries_name_everything_installed_that_counts():
    named = libraries(SAME_SOUND)
    assert {"av", "libavcodec", "libavformat", "libswscale", "numpy", "soxr", "cv2", "forge"} <= set(named)
    assert all(isinstance(version, str) and version for version in named.values())
