"""Opening a clip: the demuxer's view of it, with nothing decoded yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from avfake.media.errors import ClipError

# Without these, opening a clip decodes its first pictures on as many threads as there are cores.
_OPEN_OPTIONS = {"skip_frame": "all", "threads": "1"}


@contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """The clip as a PyAV container, closed at the end.

    Raises:
        ClipError: the file is missing, empty, or no container that the demuxers know.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise ClipError("no such file") from None
    if not path.is_file():
        raise ClipError("not a file")
    if size == 0:
        raise ClipError("empty file")
    try:
        # The prefix keeps a name such as `a:b.mp4` from being taken for a protocol.
        container = av.open(f"file:{path}", options=_OPEN_OPTIONS, metadata_errors="replace")
    except av.FFmpegError as error:
        raise ClipError(_why_unopened(path, error)) from None
    with container:
        if container.format.name == "image2" or container.format.name.endswith("_pipe"):
            # By its suffix alone, or an image format that this project does not read.
            raise ClipError("neither a clip nor a JPEG or PNG image")
        yield container


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Turns FFmpeg's errors into ClipError; `what` says what was being decoded."""
    try:
        yield
    except av.FFmpegError as error:
        raise ClipError(f"the {what} cannot be decoded: {error.strerror}") from None


def best_stream(container: Any, kind: str) -> Any:
    """The stream that FFmpeg takes for the clip's main one of a kind (`audio` or `video`).

    Raises:
        ClipError: there is none (a cover picture does not count), or no decoder for it.
    """
    stream = container.streams.best(kind)
    if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
        raise ClipError(f"no {kind} stream")
    if stream.codec_context is None:
        raise ClipError(f"no decoder for the {kind} stream")
    return stream


def keep_only(container: Any, stream: Any) -> None:
    """Tells the demuxer to leave out every other stream, so that their packets are not even read."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all


def _why_unopened(path: Path, error: av.FFmpegError) -> str:
    if isinstance(error, av.PermissionError | av.IsADirectoryError):
        return f"cannot be opened: {error.strerror}"
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat") and isinstance(error, av.InvalidDataError):
        # An mp4 written in one go has its index (moov) at the end: the rest of the file never came.
        return "truncated: an mp4 whose index is missing or damaged"
    return f"not a media file ({error.strerror})"
