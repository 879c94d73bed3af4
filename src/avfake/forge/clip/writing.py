"""An edited clip as the bytes of an .mp4 file: what was not changed is copied, packet by packet."""

import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from avfake.forge.clip.picture import DEFAULT_FRAME_RATE, encoded_picture
from avfake.forge.clip.reading import (
    Track,
    check_complete,
    origin,
    picture_end,
    read_looks,
    read_picture,
    read_sound,
)
from avfake.forge.clip.sound import encoded_sound, with_samples
from avfake.forge.clip.timing import Clock, Coded, Timing, clock, placed
from avfake.forge.take import Edited
from avfake.media.container import best_stream, decoding, opened
from avfake.media.errors import ClipError

# What an .mp4 file holds and players know; everything else is encoded anew.
_COPIED_SOUND = ("aac", "mp3float", "opus", "ac3", "eac3")
_COPIED_PICTURE = ("h264", "hevc", "mpeg4", "vp9", "libdav1d", "av1")
# Other containers round the times of sound to milliseconds: copied, it would shift by some samples.
_EXACT_CONTAINER = "mov,mp4"
_KEPT_TAGS = ("handler_name", "encoder")
# Units per second in which FFmpeg writes how long a track is played, unless told otherwise.
_MILLISECONDS = 1000


@dataclass(frozen=True)
class _Part:
    """A stream of the clip that is written.

    Attributes:
        order: among the streams that the clip had.
        stream: where the packets come from.
        base: seconds per unit of their times, which are set.
        packets: in the order of decoding.
        unit: units per second in which the track's length has to be written, so that none of it is lost.
    """

    order: int
    stream: Any
    base: Fraction
    packets: Sequence[Any]
    unit: int = _MILLISECONDS


@dataclass(frozen=True)
class _Source:
    """The clip as it was: open, and what has to be closed when all is written."""

    path: str | Path
    clip: Any
    stack: ExitStack

    def opened(self, data: bytes) -> Any:
        """An .mp4 file in memory."""
        return self.stack.enter_context(av.open(io.BytesIO(data)))


def written(path: str | Path, edited: Edited, track: Track | None, in_step: bool) -> bytes:
    """The clip with what was edited in it; the same bytes for the same input.

    Args:
        path: the clip as it was.
        edited: what changed.
        track: its sound as it was, where that has been read.
        in_step: edited sound says the same at the same time as before, unless it was moved.

    Raises:
        ClipError: a track of the clip cannot be decoded or encoded, or breaks off.
        ValueError: `edited` has a track that the clip does not have.
    """
    with ExitStack() as stack:
        clip = stack.enter_context(opened(path))
        source = _Source(path, clip, stack)
        sound, video = _stream(clip, "audio"), _stream(clip, "video")
        if edited.sound is not None and (sound is None or track is None):
            raise ValueError("sound was edited that the clip does not have")
        if edited.picture is not None and video is None:
            raise ValueError("a picture was edited that the clip does not have")
        if sound is None and video is None:
            raise ClipError("neither sound nor picture")
        timing = _timing(edited, track)
        channels = None
        if edited.sound is not None and track is not None:
            channels = with_samples(track, edited.sound.samples, in_step and not timing.moves)
        packets = _packets(clip, [stream for stream in (sound, video) if stream is not None])
        parts = []
        if sound is not None:
            parts.append(_sound_part(source, sound, packets[sound.index], track, channels, timing.speed))
        if video is not None:
            parts.append(_picture_part(source, video, packets[video.index], edited, timing))
        with decoding("clip"):
            return _joined(sorted(parts, key=lambda part: part.order), clip)


def _stream(clip: Any, kind: str) -> Any | None:
    try:
        return best_stream(clip, kind)
    except ClipError:
        return None


def _timing(edited: Edited, track: Track | None) -> Timing:
    if edited.sound is None or track is None:
        if edited.speed != 1 or edited.begins != 0:
            raise ValueError("the clip was moved in time, and its sound was not given")
        return Timing()
    speed, begins = (Fraction(value).limit_denominator(10**6) for value in (edited.speed, edited.begins))
    before, after = track.channels.shape[1], len(edited.sound.samples)
    longer = Fraction(after, track.rate) - Fraction(before, track.rate) / speed
    if abs(longer - begins) * track.rate <= 1:
        longer = begins  # sound is cut to whole samples, pictures need not be
    return Timing(speed, begins, longer)


def _packets(clip: Any, streams: Sequence[Any]) -> dict[int, list[Any]]:
    """The packets of each stream, by its index, up to where the file breaks off."""
    packets: dict[int, list[Any]] = {stream.index: [] for stream in streams}
    with decoding("clip"):
        try:
            for packet in clip.demux(streams):
                if packet.size:
                    packets[packet.stream.index].append(packet)
        except av.InvalidDataError:
            pass
    return packets


def _sound_part(
    source: _Source,
    stream: Any,
    packets: list[Any],
    track: Track | None,
    channels: np.ndarray | None,
    speed: Fraction,
) -> _Part:
    """`channels`: float32 [channels, n], what is heard now; None: what was heard before."""
    begin = origin(source.clip, stream.time_base)
    start = stream.start_time or 0
    is_exact = source.clip.format.name.startswith(_EXACT_CONTAINER)
    if channels is None and is_exact and stream.codec_context.name in _COPIED_SOUND:
        end = None if stream.duration is None else start + stream.duration
        unit = _unit(stream.duration or 0, round(1 / stream.time_base))
        return _Part(stream.index, stream, stream.time_base, _until(packets, begin, end), unit)
    track = track or read_sound(source.path)
    channels = track.channels if channels is None else channels
    encoded = source.opened(encoded_sound(channels, track)).streams.audio[0]
    # Sound that began after the picture still does.
    late = round((start - begin) * stream.time_base / speed / encoded.time_base) if is_exact else 0
    kept = _until(_all_of(encoded), -late, channels.shape[1])
    return _Part(stream.index, encoded, encoded.time_base, kept, _unit(track.channels.shape[1], track.rate))


def _unit(length: int, rate: int) -> int:
    """Milliseconds, where the clip's own sound was as long as a number of them, down to a sample."""
    nearest = round(length * _MILLISECONDS / rate) * rate / _MILLISECONDS
    return _MILLISECONDS if abs(nearest - length) < 1 else rate


def _all_of(stream: Any) -> list[Any]:
    return [packet for packet in stream.container.demux(stream) if packet.size]


def _until(packets: Sequence[Any], begin: int, end: int | None) -> list[Any]:
    """Packets of sound with their times counted from `begin`, and none of them beyond `end`."""
    kept = [packet for packet in packets if end is None or packet.pts < end]
    for packet in kept:
        if end is not None:
            packet.duration = min(packet.duration, end - packet.pts)
        packet.pts, packet.dts = packet.pts - begin, packet.dts - begin
    return kept


def _picture_part(source: _Source, stream: Any, packets: list[Any], edited: Edited, timing: Timing) -> _Part:
    begin = origin(source.clip, stream.time_base)
    moved = clock(stream.time_base, timing)
    timed = [packet for packet in packets if packet.pts is not None]
    if not timed:
        raise ClipError("the video stream holds no picture")
    read = max(packet.pts + (packet.duration or 0) for packet in timed) * stream.time_base
    declared = picture_end(source.clip, stream)
    if declared is not None:
        check_complete(read, declared)
    whole = read if declared is None else declared
    end = moved.ticks(timing.end(whole - begin * stream.time_base))
    every = 1 / (Fraction(stream.average_rate or DEFAULT_FRAME_RATE) * timing.speed)
    known = stream.codec_context.name in _COPIED_PICTURE and len(timed) == len(packets)
    # A picture that stands still for long is a sign of its own, and readers may take the clip for truncated:
    # it is repeated at the clip's frame rate, for which it has to be encoded.
    if edited.picture is None and known and timing.held <= every:
        return _Part(stream.index, stream, moved.base, _moved(packets, begin, moved, end))
    picture = edited.picture or read_picture(source.path)
    step = moved.ticks(every) if timing.moves else 0
    data = encoded_picture(picture, read_looks(source.path), moved, end, step, edited.crf)
    encoded = source.opened(data).streams.video[0]
    # The demuxer no longer knows how long the last picture is shown.
    same = Clock(encoded.time_base)
    end = same.ticks(end * moved.base)
    return _Part(stream.index, encoded, same.base, _moved(_all_of(encoded), 0, same, end))


def _moved(packets: Sequence[Any], begin: int, moved: Clock, end: int) -> list[Any]:
    """Packets of pictures, whose times count from `begin`, with the times that `placed` gives them."""
    pictures = [Coded(packet.pts - begin, packet.is_keyframe, not packet.is_discard) for packet in packets]
    kept = []
    for index, pts, dts, duration in placed(pictures, moved, end):
        packet = packets[index]
        packet.time_base = moved.base
        packet.pts, packet.dts, packet.duration = pts, dts, duration
        kept.append(packet)
    return kept


def _joined(parts: Sequence[_Part], clip: Any) -> bytes:
    file = io.BytesIO()
    options = {"fflags": "+bitexact", "movie_timescale": str(max(part.unit for part in parts))}
    with av.open(file, "w", "mp4", options=options) as out:
        # What the clip says of its encoder stays: a tag of its own would give derived clips away.
        if "encoder" in clip.metadata:
            out.metadata["encoding_tool"] = clip.metadata["encoder"]
        queue = []
        for part in parts:
            stream = out.add_stream_from_template(part.stream, opaque=True)
            stream.time_base = part.base
            tags = clip.streams[part.order].metadata
            stream.metadata.update({key: tags[key] for key in _KEPT_TAGS if key in tags})
            queue += [(packet.dts * part.base, part.order, packet, stream) for packet in part.packets]
        for _, _, packet, stream in sorted(queue, key=lambda entry: entry[:2]):
            packet.stream = stream
            out.mux(packet)
    return file.getvalue()
