"""A clip's picture encoded anew: H.264 in yuv420p, in the colours that the clip declares."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace

from avfake.forge.clip.reading import EXACT, Looks
from avfake.forge.clip.timing import Clock, shown
from avfake.forge.take import Picture
from avfake.media.errors import ClipError

_PRESET = "veryfast"
DEFAULT_FRAME_RATE = 25  # frames per second, where the clip does not say
_LIMITED_RANGE, _FULL_RANGE = 1, 2
# Of AVColorSpace: 470BG and 170M, which are one matrix, and "not declared", which is taken for it.
_SAME_AS_601 = (5, 6, 2)
# Those that swscale has and numbers alike: 709, FCC, 240M, 2020.
_OTHERS = (1, 4, 7, 9)


def encoded_picture(picture: Picture, looks: Looks, clock: Clock, end: int, step: int, crf: int) -> bytes:
    """An .mp4 file that holds the picture alone, the same bytes for the same input.

    Args:
        picture: its frames.
        looks: what is declared of it.
        clock: see `avfake.forge.clip.timing.shown`.
        end: see there.
        step: see there.
        crf: constant rate factor, 0 no loss, 51 worst.

    Raises:
        ClipError: there is no frame, or the encoder refuses them.
        ValueError: a frame is no uint8 [height, width, 3] of the picture's size, or comes before the last.
    """
    file, n_frames = io.BytesIO(), 0
    try:
        with av.open(file, "w", "mp4", options={"fflags": "+bitexact"}) as out:
            stream = _stream(out, picture, looks, clock.base, crf)
            for frame in _frames(picture, looks, clock, end, step):
                out.mux(stream.encode(frame))
                n_frames += 1
            if not n_frames:
                raise ClipError("no picture is left")
            out.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise ClipError(f"the picture cannot be encoded: {error.strerror}") from None
    return file.getvalue()


def _stream(out: Any, picture: Picture, looks: Looks, base: Fraction, crf: int) -> Any:
    options = {"preset": _PRESET, "threads": "1", "crf": str(crf)}
    stream = out.add_stream("libx264", rate=looks.rate or DEFAULT_FRAME_RATE, options=options)
    stream.width, stream.height = picture.width, picture.height
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    # The frames keep the times that they had, however irregular, and the last one how long it is shown.
    context.time_base = base
    flags = av.codec.context.Flags
    context.flags |= flags.bitexact | flags.frame_duration
    if looks.aspect is not None:
        context.sample_aspect_ratio = looks.aspect
    context.colorspace = looks.matrix if looks.matrix in (*_SAME_AS_601, *_OTHERS) else _SAME_AS_601[0]
    context.color_range = looks.span
    context.color_primaries, context.color_trc = looks.primaries, looks.transfer
    return stream


def _frames(picture: Picture, looks: Looks, clock: Clock, end: int, step: int) -> Iterator[av.VideoFrame]:
    matrix = looks.matrix if looks.matrix in _OTHERS else Colorspace.ITU601
    span = _FULL_RANGE if looks.span == _FULL_RANGE else _LIMITED_RANGE
    form = (picture.height, picture.width, 3)
    for frame, duration in shown(picture.frames(), clock, end, step):
        pixels = frame.pixels
        if pixels.shape != form or pixels.dtype != np.uint8:
            raise ValueError(f"a frame {pixels.dtype} {list(pixels.shape)}, wanted uint8 {list(form)}")
        made = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=matrix, dst_color_range=span, interpolation=EXACT, threads=1
        )
        made.pts, made.time_base, made.duration = frame.pts, clock.base, duration
        yield made
