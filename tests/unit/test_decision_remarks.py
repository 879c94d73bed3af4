"""The sentences about what makes a score doubtful."""

import json

import pytest

from avfake.decision.remarks import remarks
from avfake.decision.training_clips import TrainingClips
from avfake.media.clip import ClipRow

TRAINED = TrainingClips(4, ("aac", "mp3float"), ("h264",), 3.0)
FACTS = {"audio_codec": "aac", "video_codec": "h264", "audio_seconds": 4.0, "seconds": 4.0}


def clip(seconds: float = 4.0, **changed) -> ClipRow:
    """A clip with one face and sound that is none of silence."""
    facts = FACTS | changed.pop("facts", {})
    row = {
        "error": None, "audio_error": None, "video_error": None, "sample_rate": 1000,
        "pcm": b"\1\0" * round(1000 * seconds), "pcm_shift": 0, "n_faces": 1, "faces": b"",
        "face_times": (0.5,), "facts": json.dumps(facts),
    }  # fmt: skip
    return ClipRow(**(row | changed))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (clip(), []),
        (clip(3.0), []),
        (clip(2.96), []),
        (clip(1.5), ["1.50 s of sound: shorter than any clip in training, which had 3.00 s"]),
        (clip(pcm=bytes(8000)), ["the sound is silence"]),
        (
            clip(facts={"audio_codec": "opus"}),
            ["audio codec opus: never seen in training, which had aac, mp3float"],
        ),
        (clip(facts={"video_codec": "vp9"}), ["video codec vp9: never seen in training, which had h264"]),
        (clip(60.0, facts={"audio_seconds": 75.5}), ["only the first 60 s of 75.50 s were heard"]),
        (
            clip(audio_error="no audio stream", pcm=b""),
            ["no sound (no audio stream): judged by the picture alone"],
        ),
        (clip(n_faces=0), ["no face (no face found): judged by the sound alone"]),
        (
            clip(n_faces=0, video_error="no video stream", facts={"video_codec": None}),
            ["no face (no video stream): judged by the sound alone"],
        ),
    ],
)
def test_a_detector_that_listens_and_looks_says_what_it_missed(row, said):
    assert remarks(row, True, True, 60.0, TRAINED) == said


def test_a_detector_says_nothing_of_a_stream_that_it_does_not_take():
    of_sound = clip(1.0, n_faces=0, facts={"video_codec": "vp9"})
    assert [text[:6] for text in remarks(of_sound, True, False, 60.0, TRAINED)] == ["1.00 s"]
    of_picture = clip(1.0, audio_error="no audio stream", facts={"audio_codec": "opus"})
    assert remarks(of_picture, False, True, 60.0, TRAINED) == []


def test_without_a_decision_only_the_clip_itself_can_be_doubted():
    row = clip(1.0, facts={"audio_codec": "opus", "video_codec": "vp9"})
    assert remarks(row, True, True, 60.0, None) == []
    assert remarks(clip(pcm=bytes(80)), True, True, 60.0, None) == ["the sound is silence"]
