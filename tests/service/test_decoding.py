"""Clips read in processes of their own: the same rows, and nothing that a hostile file can do about it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avfake.decoding.client import CutError, Decoder
from avfake.decoding.limits import Limits, NotMediaError, OverLimitError
from avfake.media.clip import extract_clip
from avfake.media.errors import ClipError
from avfake.params import ExtractParams, FeaturizeParams, load
from avfake.reader import Reader
from clips import BROKEN, make_clip
from workspace import ROOT

PARAMS = ExtractParams(
    sample_rate=22050, max_seconds=20.0, min_seconds=0.05, n_faces=2, face_size=32, buckets=1
)


READER = Reader(PARAMS, None)


@pytest.fixture(scope="module")
def decoder():
    with Decoder(Limits()) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=1.2, kind="speech")


def read(decoder: Decoder, path: Path, **changed: float):
    with path.open("rb") as file:
        return decoder.read(file.fileno(), READER, Limits().model_copy(update=changed)).row


def write_image(path: Path, width: int = 96, height: int = 64) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "sound.wav", "sound.mp3", "image.png", "image.jpg"])
def test_a_row_is_the_one_that_the_pipeline_reads(decoder, tmp_path, name):
    path = tmp_path / name
    if path.stem == "image":
        write_image(path)
    elif path.suffix == ".mp3":
        make_clip(path, kind="speech", video=False, audio_codec="libmp3lame")
    elif path.suffix == ".wav":
        make_clip(path, kind="speech", video=False, audio_codec="pcm_s16le")
    else:
        make_clip(path, kind="speech")
    assert read(decoder, path) == extract_clip(path, PARAMS)


@pytest.mark.parametrize(
    "names",
    [["log_mel", "frame_lines"], ["log_linear"], ["lfcc"], ["cqt"], ["baseline_image"]],
    ids=" ".join,
)
def test_windows_are_those_of_every_front_end(decoder, clip, names):
    """Modules that a front end loads when it is first used cannot be loaded in the cage."""
    params = load(FeaturizeParams, ROOT / "params.yaml").model_copy(update={"front_end": names})
    reader = Reader(PARAMS, params)
    with clip.open("rb") as file:
        found = decoder.read(file.fileno(), reader)
    expected = reader.read(clip)
    assert found.row == decoder.read_own(clip, reader).row == expected.row
    np.testing.assert_array_equal(found.windows, expected.windows)
    np.testing.assert_array_equal(decoder.read_own(clip, reader).windows, expected.windows)


def test_a_file_that_has_no_name_any_more_can_be_read(decoder, clip):
    with tempfile.TemporaryFile() as file:
        file.write(clip.read_bytes())
        file.flush()
        assert decoder.read(file.fileno(), READER).row == extract_clip(clip, PARAMS)


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_clip_is_read_or_refused_as_by_the_pipeline(decoder, tmp_path, kind):
    path = BROKEN[kind](tmp_path / "clip.mp4")
    expected = extract_clip(path, PARAMS)
    if expected.error is None:
        assert read(decoder, path) == expected
    else:
        with pytest.raises((NotMediaError, ClipError)):
            read(decoder, path)


OTHER_FILES = {
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "script": b"#!/bin/sh\ntouch /tmp/was-here\n",
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n\n",
    "zip": b"PK\x03\x04" + bytes(200),
    "gif": b"GIF89a" + bytes(200),
}


@pytest.mark.parametrize("kind", sorted(OTHER_FILES))
def test_a_file_that_is_no_clip_is_refused(decoder, tmp_path, kind):
    path = tmp_path / "clip.mp4"
    path.write_bytes(OTHER_FILES[kind])
    with pytest.raises((NotMediaError, ClipError)):
        read(decoder, path)
    assert not Path("/tmp/was-here").exists()


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_bytes": 1000}, "bytes, at most 1000"),
        ({"max_seconds": 1.0}, "seconds, at most 1 "),
        ({"max_streams": 1}, "2 streams, at most 1"),
        ({"max_pixels": 4000}, "4096 pixels, at most 4000"),
        ({"max_fps": 5.0}, "frames per second, at most 5"),
    ],
)
def test_a_clip_over_a_limit_is_refused_with_the_limit(decoder, clip, limit, words):
    with pytest.raises(OverLimitError, match=words):
        read(decoder, clip, **limit)


def test_an_image_over_a_limit_is_refused(decoder, tmp_path):
    with pytest.raises(OverLimitError, match="6144 pixels"):
        read(decoder, write_image(tmp_path / "image.png"), max_pixels=6000)


def test_a_day_of_declared_sound_is_refused(decoder, tmp_path):
    path = tmp_path / "day.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    data = bytearray(path.read_bytes())
    seconds = 24 * 3600
    data[40:44] = (8000 * seconds).to_bytes(4, "little")
    data[4:8] = (8000 * seconds + 36).to_bytes(4, "little")
    path.write_bytes(data)
    with path.open("r+b") as file:  # as large as it says, without a byte on the disk
        file.truncate(44 + 8000 * seconds)
    with pytest.raises(OverLimitError, match="86400 seconds"):
        read(decoder, path, max_bytes=2**31)


def test_reading_that_takes_too_long_is_ended(decoder, clip):
    with pytest.raises(CutError) as caught:
        read(decoder, clip, wall_seconds=0.001)
    assert caught.value.limit == "time"
    assert decoder.alive()


def test_reading_that_takes_too_much_memory_is_ended_and_the_next_clip_is_read(decoder, clip, tmp_path):
    large = write_image(tmp_path / "large.png", 2500, 2500)
    with pytest.raises(CutError) as caught:
        read(decoder, large, memory_bytes=24 * 2**20)
    assert caught.value.limit == "memory"
    assert read(decoder, clip).error is None


def test_a_decoder_that_dies_is_started_again(clip):
    with Decoder(Limits()) as decoder:
        decoder.wait()
        first = decoder.pid
        os.kill(first, signal.SIGKILL)
        assert read(decoder, clip).error is None
        assert decoder.pid != first


def test_no_password_reaches_the_decoder(monkeypatch, clip):
    monkeypatch.setenv("AVFAKE_TOKENS", "a-secret")
    with Decoder(Limits()) as decoder:
        assert b"a-secret" not in Path(f"/proc/{decoder.pid}/environ").read_bytes()


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_no_child_stays(decoder, clip):
    for _ in range(3):
        read(decoder, clip)
    assert children_of(decoder.pid) == []


def test_the_decoder_ends_when_its_service_is_killed():
    code = """
from avfake.decoding.client import Decoder, Limits
decoder = Decoder(Limits())
decoder.wait()
print(decoder.pid, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
