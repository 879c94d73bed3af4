"""Pictures that move with their sound, copied or encoded anew, in the colours that they had."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from avfake.forge.clip.reading import read_picture
from avfake.forge.clip.timing import Clock, Coded, Timing, clock, placed, shown
from avfake.forge.make import derive
from avfake.forge.take import Edited, Frame, Picture
from avfake.media.faces import sample_frames
from avfake.media.probe import probe
from clips import make_clip
from toy_tools import NONE, SAME_PICTURE, SAME_SOUND, retimed, toy

FPS = 20
# A group of pictures as x264 orders it: each P is decoded before the B that are shown before it.
ORDER = [Coded(pts, pts in (0, 80), True) for pts in (0, 40, 20, 10, 30, 70, 60, 50, 80, 100, 90)]
SHOWN = list(range(0, 110, 10))


def striped(folder: Path, seconds: float = 1.0) -> Path:
    """A clip whose pictures get brighter by 8 levels each, so that one knows which it sees."""
    clip = make_clip(folder / "clip.mp4", seconds, 16000, 1, kind="speech", fps=FPS)
    frames = [np.full((64, 64, 3), 16 + 8 * number, np.uint8) for number in range(round(seconds * FPS))]
    picture = Picture(64, 64, Fraction(1, FPS), lambda: (Frame(i, f) for i, f in enumerate(frames)))
    tool = toy({"picture"}, lambda take, *_: Edited(picture=rescaled(picture, take)))
    clip.write_bytes(derive(clip, tool, NONE, 1, None))
    return clip


def rescaled(picture: Picture, take) -> Picture:
    """In the time base of the clip."""
    unit = round(picture.time_base / take.picture.time_base)
    frames = picture.frames
    return Picture(64, 64, take.picture.time_base, lambda: (Frame(f.pts * unit, f.pixels) for f in frames()))


def seen(path: Path) -> list[tuple[float, int]]:
    """When each picture is shown, seconds, and its number."""
    picture = read_picture(path)
    return [
        (float(frame.pts * picture.time_base), round((float(frame.pixels.mean()) - 16) / 8))
        for frame in picture.frames()
    ]


def made(clip: Path, tool, name: str = "derived.mp4") -> Path:
    path = clip.with_name(name)
    path.write_bytes(derive(clip, tool, NONE, 1, None))
    return path


def decoded(places) -> list[int]:
    """What is shown, by time: the numbers of the pictures."""
    return [place.number for place in sorted(places, key=lambda place: place.pts) if place.pts >= 0]


def test_encoded_pictures_stay_where_they_are_when_nothing_moves():
    places = placed(ORDER, Clock(Fraction(1, 100)), 110)
    assert [place.pts for place in places] == [picture.pts for picture in ORDER]
    dts = [place.dts for place in places]
    assert dts == sorted(set(dts))
    assert all(place.dts <= place.pts for place in places)
    assert {place.duration for place in places} == {10}


def test_pictures_before_the_beginning_are_decoded_and_not_shown():
    places = placed(ORDER, Clock(Fraction(1, 100), 1, -25), 85)
    assert [ORDER[place.number].pts for place in places] == [picture.pts for picture in ORDER]
    times = {ORDER[place.number].pts: place.pts for place in places}
    # 20 is on the screen at 25, when the sound begins.
    assert [times[pts] for pts in SHOWN[:5]] == [-25, -15, 0, 5, 15]
    # From the second key picture on nothing before it is needed.
    places = placed(ORDER, Clock(Fraction(1, 100), 1, -95), 15)
    assert [ORDER[place.number].pts for place in places] == [80, 100, 90]


def test_pictures_after_the_end_go_unless_others_are_decoded_from_them():
    places = placed(ORDER, Clock(Fraction(1, 100)), 55)
    pts = {ORDER[place.number].pts: place.pts for place in places}
    assert pts == {0: 0, 10: 10, 20: 20, 30: 30, 40: 40, 50: 50, 60: 53, 70: 54}
    assert decoded(places) == [0, 3, 2, 4, 1, 7, 6, 5]
    assert max(place.pts + place.duration for place in places) == 55


def test_the_first_picture_waits_for_the_second_and_the_last_for_the_end():
    places = placed(ORDER, Clock(Fraction(1, 100), 1, 7), 122)
    first, last = (next(p for p in places if ORDER[p.number].pts == pts) for pts in (0, 100))
    assert (first.pts, first.duration) == (0, 17)
    assert (last.pts, last.duration) == (107, 15)
    assert max(place.pts + place.duration for place in places) == 122


def test_frames_that_wait_are_repeated_at_the_frame_rate():
    frames = [Frame(pts, np.full(1, pts)) for pts in (0, 10, 20)]
    places = list(shown(iter(frames), Clock(Fraction(1, 100), 1, 24), 78, 10))
    assert [(frame.pts, length, int(frame.pixels[0])) for frame, length in places] == [
        (0, 14, 0),
        (14, 10, 0),
        (24, 10, 0),
        (34, 10, 10),
        (44, 10, 20),
        (54, 10, 20),
        (64, 14, 20),
    ]
    with pytest.raises(ValueError, match="do not rise: 5 after 10"):
        list(shown(iter([*frames[:2], Frame(5, frames[0].pixels)]), Clock(Fraction(1, 100)), 30, 0))


def test_another_speed_is_another_unit_of_time():
    faster = clock(Fraction(1, 10240), Timing(speed=Fraction(11, 10)))
    steps = {faster.at(512 * (number + 1)) - faster.at(512 * number) for number in range(50)}
    assert len(steps) == 1
    assert float(steps.pop() * faster.base) == pytest.approx(0.05 / 1.1, rel=1e-6)


@pytest.mark.parametrize(
    ("seconds", "begins", "speed", "first", "last"),
    [
        (1.3, 0.3, 1.0, [(0.0, 0), (0.05, 0), (0.1, 0)], (1.25, 19)),  # a pause before
        (1.5, 0.0, 1.0, [(0.0, 0), (0.05, 1), (0.1, 2)], (1.45, 19)),  # and after
        (0.7, -0.3, 1.0, [(0.0, 6), (0.05, 7), (0.1, 8)], (0.65, 19)),  # the beginning cut off
        (0.68, -0.32, 1.0, [(0.0, 6), (0.03, 7), (0.08, 8)], (0.63, 19)),  # within a picture
        (0.8, 0.0, 1.0, [(0.0, 0), (0.05, 1), (0.1, 2)], None),  # the end cut off
        (0.8, 0.0, 1.25, [(0.0, 0), (0.04, 1), (0.08, 2)], (0.76, 19)),
        (1.25, 0.0, 0.8, [(0.0, 0), (0.0625, 1), (0.125, 2)], (1.1875, 19)),
    ],
)
def test_the_picture_moves_along_with_the_sound(tmp_path, seconds, begins, speed, first, last):
    clip = striped(tmp_path)
    copy = made(clip, retimed(seconds, begins, speed))
    pictures = seen(copy)
    assert [number for _, number in pictures[:3]] == [number for _, number in first]
    assert [time for time, _ in pictures[:3]] == pytest.approx([time for time, _ in first], abs=0.002)
    if last is not None:
        assert pictures[-1] == (pytest.approx(last[0], abs=0.002), last[1])
    assert all(number == min(19, number) and time < seconds for time, number in pictures)
    facts = probe(copy)
    assert facts["audio_seconds"] == pytest.approx(seconds, abs=0.002)
    assert abs(facts["audio_minus_video_seconds"]) < 0.005
    assert facts["video_fps"] == pytest.approx(FPS * speed, rel=0.12)
    assert len(sample_frames(copy, 4)) == 4


def test_both_tracks_that_are_changed_move_together(tmp_path):
    clip = striped(tmp_path)
    tool = toy(
        {"sound", "picture"},
        lambda take, rng, *_: Edited(
            retimed(0.7).apply(take, NONE, rng, None).sound, take.picture, begins=-0.3
        ),
    )
    pictures = seen(made(clip, tool))
    assert [number for _, number in pictures] == list(range(6, 20))
    assert pictures[0][0] == 0.0


def test_a_picture_that_ended_before_the_sound_still_does(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 1.0, 16000, 1, kind="speech", fps=FPS, video_seconds=0.8)
    before = probe(clip)["audio_minus_video_seconds"]
    assert before == pytest.approx(0.2)
    for tool in (SAME_SOUND, retimed(0.6, -0.4), retimed(0.7), retimed(1.6, 0.6)):
        assert probe(made(clip, tool))["audio_minus_video_seconds"] == pytest.approx(before, abs=0.005)


@pytest.mark.parametrize(("matrix", "code"), [(Colorspace.ITU709, 1), (Colorspace.ITU601, 6)])
@pytest.mark.parametrize("span", [1, 2])
def test_colours_are_those_that_the_clip_declares(tmp_path, matrix, code, span):
    colour = np.array([200, 80, 40])
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "1"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = code, span
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), colour, np.uint8), format="rgb24")
            out.mux(
                stream.encode(frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=span))
            )
        out.mux(stream.encode(None))
    copy = made(path, SAME_PICTURE)
    for clip in (path, copy):
        frame = next(iter(read_picture(clip).frames()))
        assert np.abs(frame.pixels.reshape(-1, 3).mean(axis=0) - colour).max() < 5
    with av.open(str(copy)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (code, span)


def test_a_picture_of_odd_size_loses_its_last_row_and_column(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 65, 63, "yuv444p"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((63, 65, 3), 50 * number, np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    facts = probe(made(path, SAME_PICTURE))
    assert (facts["video_width"], facts["video_height"]) == (64, 62)


def test_a_codec_that_no_mp4_holds_is_encoded_anew(tmp_path):
    clip = striped(tmp_path)
    old = tmp_path / "old.avi"
    with av.open(str(old), "w") as out:
        stream = out.add_stream("mjpeg", rate=FPS, options={"qscale": "2"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        audio = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        for frame in read_picture(clip).frames():
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame.pixels, format="rgb24")))
        out.mux(stream.encode(None))
        tone = (8000 * np.sin(np.arange(16000) / 9)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(tone[None], "s16", "mono")
        sound.sample_rate = 16000
        out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    copy = made(old, SAME_SOUND)
    facts = probe(copy)
    assert (facts["video_codec"], facts["audio_codec"]) == ("h264", "aac")
    assert [number for _, number in seen(copy)] == list(range(20))
    assert (facts["audio_seconds"], facts["video_seconds"]) == (1.0, 1.0)


def test_tracks_that_a_clip_does_not_have_are_not_written(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 0.5, 16000, 1, kind="speech", video=False)
    assert probe(made(clip, SAME_SOUND))["video_codec"] is None
    clip = make_clip(tmp_path / "b.mp4", 0.5, audio=False)
    assert probe(made(clip, SAME_PICTURE))["audio_codec"] is None
    with pytest.raises(ValueError, match="sound was not given"):
        derive(clip, toy({"picture"}, lambda *_: Edited(begins=1.0)), NONE, 1, None)
