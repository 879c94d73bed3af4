"""A clip read for a tool: its sound at its own rate, in all its channels, and its frames one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import soxr
from av.video.reformatter import Interpolation

from avfake.forge.take import Frame, Picture
from avfake.media.container import best_stream, decoding, keep_only, opened
from avfake.media.errors import ClipError

# Hz that AAC and MP3 both know: sound at any other rate is brought to the next higher one of these.
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# Forms of sound by their number of channels, as encoders know them.
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
# Of the declared length must be there, as in avfake.media.audio.
_COMPLETE = 0.9
_ONE_LENGTH = "matroska"
# Slow and exact, the same on every processor that has the same instructions.
EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)


@dataclass(frozen=True)
class Track:
    """A clip's sound as it lies in the file.

    Attributes:
        channels: float32 [channels, n], as long as the file says that the track is.
        rate: Hz, one of `RATES`.
        codec: FFmpeg's name of the decoder.
        bit_rate: bit/s of its packets.
    """

    channels: np.ndarray
    rate: int
    codec: str
    bit_rate: int

    def mid(self) -> np.ndarray:
        """What tools hear: the mean of the channels, float32 [n]."""
        return self.channels.mean(axis=0, dtype=np.float32)


def read_sound(path: str | Path) -> Track:
    """The clip's sound.

    Raises:
        ClipError: the file cannot be opened, has no sound track, the track breaks off, or has a number of
            channels that is not in `LAYOUTS`.
    """
    with opened(path) as clip:
        stream = best_stream(clip, "audio")
        keep_only(clip, stream)
        with decoding("sound"):
            channels, rate, n_bytes = _decoded(clip, stream)
        name = stream.codec_context.name
    if len(channels) not in LAYOUTS:
        raise ClipError(f"sound of {len(channels)} channels")
    bit_rate = round(8 * n_bytes * rate / channels.shape[1])
    own = next((known for known in RATES if known >= rate), RATES[-1])
    if own != rate:
        channels = np.ascontiguousarray(soxr.resample(channels.T, rate, own, quality="HQ").T)
    return Track(channels, own, name, bit_rate)


def _decoded(clip: Any, stream: Any) -> tuple[np.ndarray, int, int]:
    """Sound float32 [channels, n], its rate, and the bytes of its packets."""
    context = stream.codec_context
    context.thread_count = 1
    pieces: list[np.ndarray] = []
    rate = n_bytes = 0
    try:
        for packet in clip.demux(stream):
            n_bytes += packet.size
            try:
                frames = context.decode(packet)
            except av.InvalidDataError:
                continue  # as ffmpeg does: a frame is lost and the sound goes on; `_COMPLETE` limits that
            for frame in frames:
                rate = rate or frame.sample_rate
                piece = _as_float(frame)
                if frame.sample_rate != rate or len(piece) != len((pieces or [piece])[0]):
                    raise ClipError("the sound changes its sample rate or channels midway")
                pieces.append(piece)
    except av.InvalidDataError:
        pass  # the file breaks off here
    if not pieces or not (channels := np.concatenate(pieces, axis=1)).size:
        raise ClipError("the audio stream holds no sound")
    length = declared_length(clip, stream)
    if length is None:
        return channels, rate, n_bytes
    # The codec's frames reach over the end of the track.
    n = round(length * stream.time_base * rate)
    if channels.shape[1] < _COMPLETE * n:
        read, whole = channels.shape[1] / rate, n / rate
        raise ClipError(f"truncated: {read:.2f} s of {whole:.2f} s of sound can be read")
    return np.pad(channels[:, :n], ((0, 0), (0, max(0, n - channels.shape[1])))), rate, n_bytes


def _as_float(frame: Any) -> np.ndarray:
    """The samples of a frame in any form, float32 [channels, n], full scale 1."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype == np.uint8:
        samples = samples.astype(np.int16) - 128
        return (samples / np.float32(128)).astype(np.float32)
    return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)


def read_picture(path: str | Path) -> Picture:
    """The clip's picture: nothing is decoded until its frames are asked for, and then one at a time.

    Sizes are made even, as H.264 needs it, by leaving out the last row or column. Colours are converted as
    the clip declares them, by BT.601 where it does not say.

    Raises:
        ClipError: the file cannot be opened, or has no picture; from the frames: the picture cannot be
            decoded, changes its size, or breaks off.
    """
    with opened(path) as clip:
        stream = best_stream(clip, "video")
        width, height = (length // 2 * 2 for length in (stream.width, stream.height))
        if not width or not height:
            raise ClipError("the video stream holds no picture")
        return Picture(width, height, stream.time_base, partial(_frames, path, width, height))


class Looks(NamedTuple):
    """What a picture declares of itself: frames per second, the shape of a pixel, and how colours are coded.

    `matrix`, `span`, `primaries`, `transfer`: as FFmpeg numbers them; `rate`, `aspect`: None where not known.
    """

    rate: Fraction | None
    aspect: Fraction | None
    matrix: int
    span: int
    primaries: int
    transfer: int


def read_looks(path: str | Path) -> Looks:
    """What a clip declares of its picture: of the colours the first frame knows more than the container.

    Raises:
        ClipError: as `read_picture`.
    """
    with opened(path) as clip, decoding("picture"):
        stream = best_stream(clip, "video")
        for frame in _decoder(clip, stream):
            colours = frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
            return Looks(stream.average_rate, stream.codec_context.sample_aspect_ratio, *colours)
    raise ClipError("the video stream holds no picture")


def origin(clip: Any, time_base: Fraction) -> int:
    """When a clip begins, in units of `time_base`: some containers do not count from 0."""
    return round(Fraction(clip.start_time or 0, av.time_base) / time_base)


def declared_length(clip: Any, stream: Any) -> int | None:
    """A track's length by what the container says, in units of its time base, or None.

    For Matroska FFmpeg gives the length of the whole clip in place of a track's own.
    """
    if clip.format.name.startswith(_ONE_LENGTH):
        return None
    length: int | None = stream.duration
    return length


def picture_end(clip: Any, stream: Any) -> Fraction | None:
    """When a picture ends by what the container says, in seconds of its clock, or None."""
    length = declared_length(clip, stream)
    if length is None:
        return None
    end: Fraction = ((stream.start_time or 0) + length) * stream.time_base
    return end


def _decoder(clip: Any, stream: Any) -> Iterator[Any]:
    keep_only(clip, stream)
    context = stream.codec_context
    context.skip_frame, context.thread_count = "DEFAULT", 1
    yield from clip.decode(stream)


def _frames(path: str | Path, width: int, height: int) -> Iterator[Frame]:
    with opened(path) as clip, decoding("picture"):
        stream = best_stream(clip, "video")
        step = 1 / (stream.average_rate * stream.time_base) if stream.average_rate else Fraction(1)
        begin, last, until = origin(clip, stream.time_base), None, 0
        for frame in _decoder(clip, stream):
            if (frame.width // 2 * 2, frame.height // 2 * 2) != (width, height):
                raise ClipError("the picture changes its size midway")
            pts = frame.pts - begin if frame.pts is not None else 0 if last is None else last + round(step)
            if last is not None and pts <= last:
                continue  # two frames at one time: the first is shown
            last, until = pts, pts + max(round(step), frame.duration or 0)
            whole = frame.to_ndarray(format="rgb24", interpolation=EXACT, threads=1)
            yield Frame(pts, np.ascontiguousarray(whole[:height, :width]))
        if last is None:
            raise ClipError("the video stream holds no picture")
        end = picture_end(clip, stream)
        if end is not None:
            check_complete((until + begin) * stream.time_base, end)


def check_complete(read: Fraction, whole: Fraction) -> None:
    """Raises ClipError where the picture that can be read ends long before the declared one, in seconds."""
    if read < _COMPLETE * whole:
        raise ClipError(f"truncated: {float(read):.2f} s of {float(whole):.2f} s of picture can be read")
