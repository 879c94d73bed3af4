"""What makes a clip's score doubtful, in sentences."""

import json
from collections.abc import Iterator
from typing import Any

from avfake.dataset.layout import NO_FACE
from avfake.decision.training_clips import TrainingClips
from avfake.media.clip import ClipRow

# Durations in a header are rounded, and decoders add a frame: half of the shortest hundredth of a second.
_TOLERANCE = 0.05


def remarks(
    row: ClipRow, listens: bool, looks: bool, max_seconds: float, trained: TrainingClips | None
) -> list[str]:
    """Sentences about a clip that has a score; none where nothing is wrong.

    Args:
        row: the clip as it was read.
        listens, looks: whether the detector takes the sound, and faces.
        max_seconds: sound beyond this was not read.
        trained: the clips of training; None where the model's folder does not tell.
    """
    facts: dict[str, Any] = json.loads(row.facts)
    found: list[str] = []
    if listens and row.audio_error:
        found.append(f"no sound ({row.audio_error}): judged by the picture alone")
    elif listens:
        found += _of_sound(row, facts, max_seconds, trained)
    if looks and row.n_faces == 0:
        found.append(f"no face ({row.video_error or NO_FACE}): judged by the sound alone")
    elif looks and trained is not None:
        found += _of_codec("video", facts.get("video_codec"), trained.video_codecs)
    return found


def _of_sound(
    row: ClipRow, facts: dict[str, Any], max_seconds: float, trained: TrainingClips | None
) -> Iterator[str]:
    seconds = sound_seconds(row)
    if not row.pcm.strip(b"\0"):
        yield "the sound is silence"
    whole = facts.get("audio_seconds") or facts.get("seconds")
    if whole and whole > max_seconds + _TOLERANCE:
        yield f"only the first {max_seconds:g} s of {whole:.2f} s were heard"
    if trained is None:
        return
    shortest = trained.shortest_seconds
    if shortest is not None and seconds < shortest - _TOLERANCE:
        yield f"{seconds:.2f} s of sound: shorter than any clip in training, which had {shortest:.2f} s"
    yield from _of_codec("audio", facts.get("audio_codec"), trained.audio_codecs)


def _of_codec(kind: str, codec: str | None, known: tuple[str, ...]) -> Iterator[str]:
    if codec and known and codec not in known:
        yield f"{kind} codec {codec}: never seen in training, which had {', '.join(known)}"


def sound_seconds(row: ClipRow) -> float:
    """Of a clip's sound as it was read; 0 where there is none."""
    return len(row.pcm) / 2 / row.sample_rate  # two bytes per sample
