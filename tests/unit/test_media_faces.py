from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from matplotlib import cbook

from avfake.media.errors import ClipError
from avfake.media.faces import find_faces, sample_frames
from clips import BROKEN, make_clip


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A photograph with one face, RGB, cut square around head and shoulders."""
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        picture = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)[:512]


def with_late_sound(source: Path, target: Path, seconds: float) -> Path:
    """A copy of the clip whose sound begins later."""
    with av.open(str(source)) as inp, av.open(str(target), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in inp.streams}
        for packet in inp.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    return target


@pytest.mark.parametrize("size", [128, 320])
def test_the_face_is_found_in_every_frame(tmp_path, photo, size):
    clip = make_clip(tmp_path / "face.mp4", face=photo, size=size)
    crops = find_faces(clip, 3, 48).crops
    assert (crops.shape, crops.dtype) == ((3, 48, 48, 3), np.uint8)
    small = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
    # RGB, not BGR: skin and the background of this photograph differ in red and blue.
    red, blue = crops[..., 0].mean(), crops[..., 2].mean()
    assert red > blue
    assert abs(float(crops.mean()) - float(small.mean())) < 80


def test_times_are_those_of_the_frames_on_the_clock_of_the_sound(tmp_path, photo):
    whole = make_clip(tmp_path / "face.mp4", seconds=2.0, face=photo, size=128, fps=10)
    times = find_faces(whole, 4, 32).times
    assert times == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.25)
    assert all(round(10 * time, 6) == round(10 * time) for time in times)  # a frame's own time
    late = with_late_sound(whole, tmp_path / "late.mp4", 0.5)
    assert find_faces(late, 4, 32).times == pytest.approx([time - 0.5 for time in times], abs=0.03)
    silent = make_clip(tmp_path / "silent.mp4", seconds=2.0, face=photo, size=128, fps=10, audio=False)
    assert find_faces(silent, 4, 32).times == times


def test_a_picture_without_a_face_gives_no_crop(tmp_path):
    assert find_faces(make_clip(tmp_path / "square.mp4"), 3, 32).crops.shape == (0, 32, 32, 3)


def test_the_same_clip_gives_the_same_bytes(tmp_path, photo):
    clip = make_clip(tmp_path / "face.mp4", face=photo, size=128)
    np.testing.assert_array_equal(find_faces(clip, 2, 32).crops, find_faces(clip, 2, 32).crops)


def test_frames_are_spread_over_the_clip(tmp_path):
    # The bright square moves to the right: its place tells the time.
    clip = make_clip(tmp_path / "clip.mp4", seconds=2.0, size=128, fps=10)
    places = [int((frame[50, :, 0] > 200).argmax()) for frame in sample_frames(clip, 4)]
    assert places == sorted(places)
    assert len(set(places)) == 4
    assert places[-1] - places[0] == pytest.approx(3 * 10 * 1.5, abs=7)


def test_a_clip_of_few_frames_gives_few(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=0.2, fps=10)
    assert 1 <= len(sample_frames(clip, 8)) <= 2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("no_video", "no video stream"), ("text", "not a media file"), ("truncated_stream", "truncated")],
)
def test_what_cannot_be_seen_says_why(tmp_path, kind, reason):
    with pytest.raises(ClipError, match=reason):
        find_faces(BROKEN[kind](tmp_path / "clip.mp4"), 4, 32)
