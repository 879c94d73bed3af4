"""A clip written anew with another picture: the video re-encoded, the sound's packets copied as they are.

A still image goes through the same encoder as its only frame, and stays a still image.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image

from avfake.media.container import best_stream, opened
from avfake.media.errors import ClipError
from avfake.media.image import is_image, open_image, upright

# Of edits that are not about compression: nearly without loss.
GOOD_CRF = 18
_PRESET = "veryfast"
_DEFAULT_RATE = 25  # frames per second, where the clip does not say


@dataclass(frozen=True)
class Edit:
    """What is done to the picture.

    Attributes:
        crf: constant rate factor of H.264 (libx264, preset veryfast): 0 no loss, 51 worst.
        shrink: width and height are divided by it.
        blur: standard deviation of a Gaussian blur, in pixels; 0: none.
        keep_every: of so many frames one is kept, and the last of all.
    """

    crf: int = GOOD_CRF
    shrink: int = 1
    blur: float = 0.0
    keep_every: int = 1


def rewrite(source: Path, target: Path, edit: Edit) -> None:
    """Writes `source` with an edited picture to the .mp4 file `target`, the same bytes for the same input.

    Of a still image `target` holds a PNG, whatever its name.

    Raises:
        ClipError: there is no picture, it cannot be decoded, or the sound's codec does not go into an .mp4.
    """
    try:
        if is_image(source):
            _rewrite_still(source, target, edit)
            return
        with opened(source) as clip:
            _rewrite(clip, target, edit)
    except av.FFmpegError as error:
        raise ClipError(f"the picture cannot be encoded anew: {error.strerror}") from None


def _rewrite_still(source: Path, target: Path, edit: Edit) -> None:
    pixels = upright(open_image(source))
    width, height = (max(2, length // edit.shrink // 2 * 2) for length in (pixels.shape[1], pixels.shape[0]))
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame.pts, frame.time_base = 0, Fraction(1, _DEFAULT_RATE)
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = frame.time_base, _DEFAULT_RATE
    encoder.options = _options(edit.crf)
    packets = [*encoder.encode(_edited(frame, (width, height), edit.blur)), *encoder.encode(None)]
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    coded = [made for packet in (*packets, None) for made in decoder.decode(packet)]
    Image.fromarray(coded[0].to_ndarray(format="rgb24")).save(target, "PNG")


def _options(crf: int) -> dict[str, str]:
    return {"preset": _PRESET, "threads": "1", "crf": str(crf)}


def _rewrite(clip: Any, target: Path, edit: Edit) -> None:
    video, sound = best_stream(clip, "video"), clip.streams.best("audio")
    context = video.codec_context
    context.skip_frame, context.thread_count = "DEFAULT", 1
    size = tuple(max(2, length // edit.shrink // 2 * 2) for length in (context.width, context.height))
    with av.open(str(target), "w", "mp4", options={"fflags": "+bitexact"}) as out:
        encoder = _encoder(out, video, size, edit.crf)
        copy = None if sound is None else _copied(out, sound)
        count, left_out = 0, None
        for packet in clip.demux([video] if sound is None else [video, sound]):
            if packet.stream.index != video.index:
                if packet.dts is not None:  # the packet that flushes holds nothing
                    packet.stream = copy
                    out.mux(packet)
                continue
            for frame in packet.decode():
                left_out = frame if count % edit.keep_every else None
                if left_out is None:
                    out.mux(encoder.encode(_edited(frame, size, edit.blur)))
                count += 1
        if count == 0:
            raise ClipError("the video stream holds no picture")
        if left_out is not None:  # the last one: the clip stays as long as it was
            out.mux(encoder.encode(_edited(left_out, size, edit.blur)))
        out.mux(encoder.encode(None))


def _encoder(out: Any, video: Any, size: tuple[int, ...], crf: int) -> Any:
    stream = out.add_stream("libx264", rate=video.average_rate or _DEFAULT_RATE, options=_options(crf))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    # The frames keep the times that they had, however irregular.
    stream.codec_context.time_base = video.time_base
    # The last one too: a longer picture makes a longer clip, and its sound is read with silence at the end.
    flags = av.codec.context.Flags
    stream.codec_context.flags |= flags.bitexact | flags.frame_duration
    return stream


def _copied(out: Any, sound: Any) -> Any:
    try:
        return out.add_stream_from_template(sound)
    except ValueError:
        raise ClipError(f"sound in {sound.codec_context.name} cannot be copied into an .mp4") from None


def _edited(frame: Any, size: tuple[int, ...], blur: float) -> Any:
    """The frame as planes of brightness and colour at another size, blurred if asked for."""
    made = frame.reformat(width=size[0], height=size[1], format="yuv420p")
    if blur:
        # Colour has half the pixels in each direction.
        planes = made.to_ndarray()
        height, width = size[1], size[0]
        planes[:height] = cv2.GaussianBlur(planes[:height], (0, 0), blur)
        colour = planes[height:].reshape(2, height // 2, width // 2)
        for plane in colour:
            plane[:] = cv2.GaussianBlur(np.ascontiguousarray(plane), (0, 0), blur / 2)
        blurred = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        blurred.pts, blurred.time_base = made.pts, made.time_base
        made = blurred
    made.duration = frame.duration
    made.pict_type = av.video.frame.PictureType.NONE
    return made
