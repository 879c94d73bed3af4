"""Clips that a tool cannot work on: each is refused with a reason for people, none with a traceback."""

from pathlib import Path

import av
import numpy as np
import pytest

from avfake.forge.make import derive
from avfake.forge.registry import check_params
from avfake.forge.take import Edited
from avfake.forge.tools.pair import TOOLS
from avfake.media.errors import ClipError
from clips import BROKEN, make_clip
from toy_tools import NONE, NOTHING, SAME_PICTURE, SAME_SOUND, toy

OTHER, SHIFT = TOOLS
BOTH = toy({"sound", "picture"}, lambda take, *_: Edited(take.sound, take.picture), changes="picture")


def refused(clip: Path, tool, partner: Path | None = None) -> str:
    params = NONE if not tool.example else check_params(tool, tool.example, "the test")
    with pytest.raises(ClipError) as error:
        derive(clip, tool, params, 1, partner)
    assert "\n" not in error.value.reason
    assert str(clip) not in error.value.reason
    return error.value.reason


@pytest.mark.parametrize("tool", [SAME_SOUND, SAME_PICTURE, NOTHING, BOTH])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "empty file"),
        ("text", "not a media file"),
        ("truncated", "truncated: an mp4 whose index is missing"),
        ("truncated_stream", "truncated: "),
    ],
)
def test_a_broken_file_is_refused(tmp_path, kind, reason, tool):
    assert reason in refused(BROKEN[kind](tmp_path / "clip.mp4"), tool)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert refused(tmp_path / "none.mp4", SAME_SOUND) == "no such file"
    assert refused(tmp_path, SAME_PICTURE) == "not a file"


def test_a_tool_s_need_that_a_clip_does_not_meet_is_named(tmp_path):
    deaf, blind = (BROKEN[kind](tmp_path / f"{kind}.mp4") for kind in ("no_audio", "no_video"))
    assert refused(deaf, SAME_SOUND) == "no audio stream"
    assert refused(blind, SAME_PICTURE) == "no video stream"
    assert refused(blind, toy({"face"}, lambda *_: Edited())) == "no video stream"
    assert refused(deaf, SHIFT) == "no audio stream"
    assert refused(blind, SHIFT) == "no video stream"


def test_a_partner_that_does_not_do_is_told_from_the_clip(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 0.6, 16000, 1, kind="speech")
    assert refused(clip, OTHER) == "the tool needs a second clip"
    deaf = BROKEN["no_audio"](tmp_path / "deaf.mp4")
    assert refused(clip, OTHER, deaf) == "the second clip: no audio stream"
    assert refused(clip, OTHER, BROKEN["empty"](tmp_path / "e.mp4")) == "the second clip: empty file"
    blind = BROKEN["no_video"](tmp_path / "blind.mp4")
    faces = toy({"picture", "partner_face"}, lambda *_: Edited())
    assert refused(clip, faces, blind) == "the second clip: no video stream"


def test_a_clip_too_short_or_silent_for_a_shift_is_refused(tmp_path):
    assert "shorter than" in refused(BROKEN["short"](tmp_path / "a.mp4"), SHIFT)
    assert "silent" in refused(BROKEN["silence"](tmp_path / "b.mp4"), SHIFT)


def test_a_picture_without_frames_left_or_with_frames_of_another_size(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 0.5, audio=False)

    def none(take, rng, partner):
        return Edited(picture=take.picture.__class__(64, 64, take.picture.time_base, lambda: iter(())))

    assert refused(clip, toy({"picture"}, none)) == "no picture is left"

    def smaller(take, rng, partner):
        picture = take.picture
        frames = picture.frames
        return Edited(
            picture=picture.__class__(
                64, 64, picture.time_base, lambda: (f._replace(pixels=f.pixels[:32]) for f in frames())
            )
        )

    with pytest.raises(ValueError, match=r"a frame uint8 \[32, 64, 3\], wanted uint8 \[64, 64, 3\]"):
        derive(clip, toy({"picture"}, smaller), NONE, 1, None)


def test_channels_that_no_encoder_takes_are_refused(tmp_path):
    clip = tmp_path / "a.wav"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=16000, layout="quad")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4 * 1600), np.int16), "s16", "quad")
        frame.sample_rate = 16000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert refused(clip, SAME_SOUND) == "sound of 4 channels"
