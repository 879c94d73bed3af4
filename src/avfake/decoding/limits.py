"""What a clip may be, and what reading it may cost."""

from pathlib import Path
from typing import Any

import av
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from avfake.media.errors import ClipError
from avfake.media.image import is_image

# Demuxers of FFmpeg, by the names that it has for them. Each reads one file and nothing else: playlists
# (hls, dash, concat, ...), protocols (rtsp, sdp, ...), devices and drawn text are not among them.
CONTAINERS = (
    "aac", "aiff", "amr", "asf", "au", "avi", "caf", "flac", "flv", "matroska,webm",
    "mov,mp4,m4a,3gp,3g2,mj2", "mp3", "mpeg", "mpegts", "ogg", "w64", "wav",
)  # fmt: skip
_OPTIONS = {
    "skip_frame": "all",
    "threads": "1",
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(CONTAINERS),
}
_MEGABYTE = 2**20


class Limits(BaseModel):
    """Limits of one clip. The first group is what it may be, the second what reading it may take."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    max_bytes: int = Field(default=64 * _MEGABYTE, gt=0, description="bytes of the file")
    max_seconds: float = Field(default=900.0, gt=0, description="seconds that the file declares")
    max_streams: int = Field(default=16, gt=0, description="streams in the file")
    max_pixels: int = Field(default=4096 * 2304, gt=0, description="width times height of a picture")
    max_fps: float = Field(default=240.0, gt=0, description="pictures per second, on average")

    memory_bytes: int = Field(
        default=1024 * _MEGABYTE, gt=0, description="bytes of address space, beyond the libraries"
    )
    cpu_seconds: int = Field(default=20, gt=0, description="seconds of processor time")
    wall_seconds: float = Field(default=40.0, gt=0, description="seconds on the clock")
    open_files: int = Field(default=32, gt=8, description="open files")


class NotMediaError(Exception):
    """The file is of a kind that is not read."""


class OverLimitError(Exception):
    """The clip exceeds a limit; the text says which."""


def check_file(path: str | Path, limits: Limits) -> None:
    """Looks at the file's headers and decodes nothing.

    Raises:
        NotMediaError: no media file, or a kind that is not in `CONTAINERS`.
        OverLimitError: the clip declares more than a limit.
        ClipError: the headers are damaged.
    """
    size = Path(path).stat().st_size
    _at_most("the file has", size, limits.max_bytes, "bytes")
    if size == 0:
        raise ClipError("empty file")
    if is_image(path):
        _check_image(path, limits)
        return
    try:
        container = av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace")
    except av.MemoryError:
        raise MemoryError from None
    except av.ArgumentError:
        # What FFmpeg says of a demuxer that it would choose and must not.
        raise NotMediaError("neither a clip nor a JPEG or PNG image") from None
    except av.FFmpegError as error:
        raise ClipError(f"not a media file, or damaged at its beginning ({error.strerror})") from None
    with container:
        if container.format.name not in CONTAINERS:
            raise NotMediaError("neither a clip nor a JPEG or PNG image")
        _check_streams(container, limits)


def _check_streams(container: Any, limits: Limits) -> None:
    _at_most("the clip has", len(container.streams), limits.max_streams, "streams")
    if container.duration is not None:
        _at_most("the clip declares", container.duration / 1e6, limits.max_seconds, "seconds")
    for stream in container.streams:
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
            _at_most("a stream declares", seconds, limits.max_seconds, "seconds")
    for stream in container.streams.video:
        if stream.codec_context is not None:
            pixels = stream.codec_context.width * stream.codec_context.height
            _at_most("the picture has", pixels, limits.max_pixels, "pixels")
        if stream.average_rate and not stream.disposition & av.stream.Disposition.attached_pic:
            _at_most("the picture has", float(stream.average_rate), limits.max_fps, "frames per second")


def _check_image(path: str | Path, limits: Limits) -> None:
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        raise OverLimitError(f"the image has more than {limits.max_pixels} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise ClipError("the image is damaged at its beginning") from None
    _at_most("the image has", width * height, limits.max_pixels, "pixels")


def _at_most(subject: str, value: float, limit: float, unit: str) -> None:
    if value > limit:
        raise OverLimitError(f"{subject} {value:.10g} {unit}, at most {limit:.10g} are accepted")
