import json

import numpy as np
import pytest

from avfake.media import clip as clip_module
from avfake.media.audio import read_audio
from avfake.media.clip import decoder_versions, extract_clip
from avfake.media.pcm import from_pcm
from avfake.params import ExtractParams, load
from clips import BROKEN, make_clip
from reference_recipe import ROOT


@pytest.fixture
def params() -> ExtractParams:
    return load(ExtractParams, ROOT / "params.yaml").model_copy(update={"n_faces": 2, "face_size": 32})


def test_a_row_holds_sound_and_facts(tmp_path, params):
    path = make_clip(tmp_path / "clip.mp4", kind="speech")
    row = extract_clip(path, params)
    assert (row.error, row.audio_error, row.video_error) == (None, None, None)
    assert row.sample_rate == params.sample_rate
    kept = from_pcm(np.frombuffer(row.pcm, "<i2"), row.pcm_shift)
    np.testing.assert_allclose(kept, read_audio(path, params.sample_rate), atol=2**-15)
    assert row.n_faces * 32 * 32 * 3 == len(row.faces)
    assert json.loads(row.facts)["audio_rate"] == 44100
    assert row == extract_clip(path, params)


def test_without_faces_the_picture_is_not_read(tmp_path, params, monkeypatch):
    def decoded(*_):
        raise AssertionError("the picture was read")

    monkeypatch.setattr(clip_module, "find_faces", decoded)
    path = BROKEN["no_video"](tmp_path / "clip.mp4")
    row = extract_clip(path, params.model_copy(update={"n_faces": 0}))
    assert (row.audio_error, row.video_error, row.n_faces, row.faces, row.face_times) == (
        None, None, 0, b"", (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "error", "audio", "video"),
    [
        ("empty", "empty file", "empty file", "empty file"),
        ("text", "not a media", "not a media", "not a media"),
        ("truncated", "truncated", "truncated", "truncated"),
        ("truncated_stream", None, "truncated", "truncated"),
        ("no_audio", None, "no audio stream", None),
        ("no_video", None, None, "no video stream"),
        ("short", None, None, None),
        ("silence", None, None, None),
        ("eight_channels", None, None, None),
    ],
)
def test_each_kind_of_clip_has_its_errors(tmp_path, params, kind, error, audio, video):
    row = extract_clip(BROKEN[kind](tmp_path / "clip.mp4"), params)
    for found, expected in ((row.error, error), (row.audio_error, audio), (row.video_error, video)):
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert expected in found
    assert bool(row.pcm) == (audio is None)


def test_too_short_sound_counts_as_none(tmp_path, params):
    path = make_clip(tmp_path / "clip.mp4", seconds=0.1)
    row = extract_clip(path, params.model_copy(update={"min_seconds": 0.5}))
    assert row.audio_error == "only 0.100 s of sound"
    assert row.pcm == b""


def test_versions_name_every_decoder():
    assert {"av", "libavcodec", "libavformat", "libswresample", "libswscale", "soxr", "cv2"} <= set(
        decoder_versions()
    )
