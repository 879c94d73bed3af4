"""A clip with another picture: the sound sample for sample as it was, the picture as asked for."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avfake.disturb.picture import Edit, rewrite
from avfake.media.audio import read_audio
from avfake.media.errors import ClipError
from avfake.media.image import open_image, upright
from clips import make_clip, speech, truncated, write_clip
from images import face, write_image

EDITS = {
    "crf30": Edit(crf=30),
    "half": Edit(shrink=2),
    "blur": Edit(blur=2.0),
    "drop": Edit(keep_every=2),
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.4 s of speech, 14 pictures of 64 pixels."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=1.4, kind="speech")


def frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", EDITS)
def test_the_sound_is_untouched_and_the_bytes_follow_from_the_clip(name: str, clip: Path, tmp_path) -> None:
    rewrite(clip, tmp_path / "a.mp4", EDITS[name])
    rewrite(clip, tmp_path / "b.mp4", EDITS[name])
    assert np.array_equal(read_audio(tmp_path / "a.mp4", 44100), read_audio(clip, 44100))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_stronger_compression_is_smaller_and_further_off(clip: Path, tmp_path) -> None:
    before = np.stack([picture for _, picture in frames(clip)]).astype(float)
    size, error = [], []
    for crf in (18, 30, 40):
        path = tmp_path / f"{crf}.mp4"
        rewrite(clip, path, Edit(crf=crf))
        after = np.stack([picture for _, picture in frames(path)]).astype(float)
        assert after.shape == before.shape
        size.append(path.stat().st_size)
        error.append(np.mean((after - before) ** 2))
    assert size[0] > size[1] > size[2]
    assert error[0] < error[1] < error[2]


def test_half_size(clip: Path, tmp_path) -> None:
    rewrite(clip, tmp_path / "a.mp4", EDITS["half"])
    assert frames(tmp_path / "a.mp4")[0][1].shape == (32, 32)


def test_odd_sizes_become_even(tmp_path) -> None:
    pictures = [np.full((50, 70, 3), 40 * i, np.uint8) for i in range(3)]
    write_clip(tmp_path / "clip.mp4", None, 44100, pictures)
    rewrite(tmp_path / "clip.mp4", tmp_path / "a.mp4", EDITS["half"])
    assert frames(tmp_path / "a.mp4")[0][1].shape == (24, 34)


def test_blur_takes_edges_away(clip: Path, tmp_path) -> None:
    rewrite(clip, tmp_path / "a.mp4", EDITS["blur"])

    def edges(path: Path) -> float:
        return float(np.abs(np.diff(frames(path)[5][1].astype(float), axis=1)).max())

    assert edges(tmp_path / "a.mp4") < 0.6 * edges(clip)


def test_every_second_frame_is_left_out_and_the_last_one_stays(clip: Path, tmp_path) -> None:
    rewrite(clip, tmp_path / "a.mp4", EDITS["drop"])
    before, after = [time for time, _ in frames(clip)], [time for time, _ in frames(tmp_path / "a.mp4")]
    assert after == pytest.approx([*before[::2], before[-1]])


def test_a_clip_without_sound_has_a_picture_all_the_same(tmp_path) -> None:
    make_clip(tmp_path / "mute.mp4", audio=False)
    rewrite(tmp_path / "mute.mp4", tmp_path / "a.mp4", EDITS["crf30"])
    assert len(frames(tmp_path / "a.mp4")) == 10


def test_what_cannot_be_written_anew_has_a_reason(tmp_path) -> None:
    target = tmp_path / "a.mp4"
    with pytest.raises(ClipError, match="no video stream"):
        rewrite(make_clip(tmp_path / "sound.wav", video=False, audio_codec="pcm_s16le"), target, Edit())
    with pytest.raises(ClipError, match="truncated"):
        rewrite(truncated(tmp_path / "half.mp4"), target, Edit())
    with pytest.raises(ClipError, match="no such file"):
        rewrite(tmp_path / "none.mp4", target, Edit())
    odd = make_clip(tmp_path / "odd.avi", audio_codec="adpcm_ms")
    with pytest.raises(ClipError, match="adpcm_ms cannot be copied"):
        rewrite(odd, target, Edit())


@pytest.mark.parametrize("name", EDITS)
def test_a_clip_whose_last_picture_is_short_stays_as_long_as_it_was(name: str, tmp_path) -> None:
    """A longer picture would make a longer clip, and its sound would be read with silence at the end."""
    source = last_picture_short(tmp_path / "clip.mp4")
    rewrite(source, tmp_path / "made.mp4", EDITS[name])
    assert np.array_equal(read_audio(tmp_path / "made.mp4", 44100), read_audio(source, 44100))


def last_picture_short(path: Path) -> Path:
    """2.4 s of sound under three pictures, of which the last is shown for 0.4 s."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        video = out.add_stream("libx264", rate=1, options={"preset": "veryfast", "threads": "1"})
        video.width = video.height = 64
        video.codec_context.time_base = Fraction(1, 10)
        video.codec_context.flags |= av.codec.context.Flags.frame_duration
        audio = out.add_stream("aac", rate=44100)
        audio.layout = "mono"
        for start, length in ((0, 10), (10, 10), (20, 4)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 10 * start, np.uint8), format="rgb24")
            frame.pts, frame.duration, frame.time_base = start, length, Fraction(1, 10)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(speech(2.4, 44100, 0)[None], format="fltp", layout="mono")
        sound.sample_rate, sound.pts = 44100, 0
        out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    assert frames(path)[-1][0] == 2.0
    return path


@pytest.mark.parametrize("name", EDITS)
def test_a_still_image_is_disturbed_as_the_frame_of_a_clip(tmp_path, name):
    source = write_image(tmp_path / "a.jpg", face(0, 97))
    for target in ("one.mp4", "two.mp4"):
        rewrite(source, tmp_path / target, EDITS[name])
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    made, before = upright(open_image(tmp_path / "one.mp4")), upright(open_image(source))
    half = name == "half"
    assert made.shape == ((48, 48, 3) if half else (96, 96, 3))
    expected = cv2.resize(before, made.shape[:2], interpolation=cv2.INTER_AREA)
    error = np.abs(made.astype(int) - expected).mean()
    assert error < 12
    assert error > {"crf30": 2, "blur": 3}.get(name, 0)
