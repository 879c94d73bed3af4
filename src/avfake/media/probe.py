"""What a clip's container says about itself: for the audit, never for the model."""

import json
from pathlib import Path
from typing import Any

from avfake.media.container import best_stream, opened
from avfake.media.errors import ClipError
from avfake.media.image import image_facts, is_image, open_image

Facts = dict[str, str | int | float | None]


def probe(path: str | Path) -> Facts:
    """The facts of a clip, without decoding it (but for a still image); None where the file does not say.

    Keys: `container`, `encoder`, `file_bytes`, `bit_rate` (bit/s), `seconds`; `audio_codec`, `audio_rate`
    (Hz), `audio_channels`, `audio_bit_rate`, `audio_seconds`; `video_codec`, `video_width`, `video_height`,
    `video_fps`, `video_bit_rate`, `video_seconds`; `audio_minus_video_seconds`.

    Raises:
        ClipError: the file cannot be opened, or is a damaged image.
    """
    if is_image(path):
        return image_facts(open_image(path), Path(path).stat().st_size)
    with opened(path) as container:
        return facts_of(container, Path(path).stat().st_size)


def facts_of(container: Any, file_bytes: int) -> Facts:
    """As `probe`, of an open container."""
    facts: Facts = {
        "container": container.format.name,
        "encoder": container.metadata.get("encoder"),
        "file_bytes": file_bytes,
        "bit_rate": container.bit_rate or None,
        "seconds": None if container.duration is None else container.duration / 1e6,
    }
    audio, video = _stream(container, "audio"), _stream(container, "video")
    context = audio.codec_context if audio else None
    facts |= {
        "audio_codec": context.name if context else None,
        "audio_rate": context.sample_rate if context else None,
        "audio_channels": context.layout.nb_channels if context else None,
        "audio_bit_rate": (context.bit_rate or None) if context else None,
        "audio_seconds": _seconds(audio),
    }
    context = video.codec_context if video else None
    facts |= {
        "video_codec": context.name if context else None,
        "video_width": context.width if context else None,
        "video_height": context.height if context else None,
        "video_fps": float(video.average_rate) if video and video.average_rate else None,
        "video_bit_rate": (context.bit_rate or None) if context else None,
        "video_seconds": _seconds(video),
    }
    lengths = _seconds(audio), _seconds(video)
    facts["audio_minus_video_seconds"] = None
    if lengths[0] is not None and lengths[1] is not None:
        facts["audio_minus_video_seconds"] = round(lengths[0] - lengths[1], 6)
    return facts


def to_json(facts: Facts) -> str:
    """One line of JSON with sorted keys: the same facts are the same bytes."""
    return json.dumps(facts, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _stream(container: Any, kind: str) -> Any | None:
    try:
        return best_stream(container, kind)
    except ClipError:
        return None


def _seconds(stream: Any | None) -> float | None:
    return None if stream is None or stream.duration is None else float(stream.duration * stream.time_base)
