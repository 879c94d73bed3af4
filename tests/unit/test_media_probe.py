import json

import pytest

from avfake.media.errors import ClipError
from avfake.media.probe import probe, to_json
from clips import BROKEN, make_clip


def test_facts_of_a_clip(tmp_path):
    path = make_clip(
        tmp_path / "clip.mp4", seconds=2.0, rate=48000, size=96, fps=20, video_seconds=1.5, kind="speech"
    )
    facts = probe(path)
    assert facts["file_bytes"] == path.stat().st_size
    assert "mp4" in facts["container"]
    assert (facts["audio_codec"], facts["audio_rate"], facts["audio_channels"]) == ("aac", 48000, 2)
    assert (facts["video_codec"], facts["video_width"], facts["video_height"]) == ("h264", 96, 96)
    assert facts["video_fps"] == pytest.approx(20)
    assert facts["audio_seconds"] == pytest.approx(2.0, abs=0.05)
    assert facts["video_seconds"] == pytest.approx(1.5, abs=0.05)
    assert facts["audio_minus_video_seconds"] == pytest.approx(0.5, abs=0.1)
    assert facts["bit_rate"] > facts["audio_bit_rate"] > 0


@pytest.mark.parametrize(("kind", "missing"), [("no_audio", "audio"), ("no_video", "video")])
def test_a_missing_track_has_no_facts(tmp_path, kind, missing):
    facts = probe(BROKEN[kind](tmp_path / "clip.mp4"))
    assert all(value is None for key, value in facts.items() if key.startswith(f"{missing}_"))
    assert facts["audio_minus_video_seconds"] is None


def test_json_is_sorted_and_plain(tmp_path):
    text = to_json(probe(make_clip(tmp_path / "clip.mp4")))
    facts = json.loads(text)
    assert list(facts) == sorted(facts)
    assert "\n" not in text
    assert all(value is None or type(value) in (str, int, float) for value in facts.values())


def test_a_file_that_is_no_clip(tmp_path):
    with pytest.raises(ClipError, match="not a media file"):
        probe(BROKEN["text"](tmp_path / "clip.mp4"))
