"""A still image as the tools see it, a picture of one frame, and the edited image as the bytes of a file.

It is written in the format, with the quantisation and the remarks that it came with: what tells a derived
image from its source is what the tool did.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin

from avfake.forge.take import GOOD_CRF, Edited, Frame, Picture
from avfake.media.errors import ClipError
from avfake.media.image import open_image, upright

_CHROMA = (0, 1, 2)  # what Pillow can write of a JPEG's subsampling: 4:4:4, 4:2:2, 4:2:0


def read_still(path: str | Path) -> Picture:
    """The image as a picture whose only frame is shown at 0. Raises ClipError for one that is damaged."""
    pixels = upright(open_image(path))

    def frames() -> Iterator[Frame]:
        yield Frame(0, pixels.copy())

    return Picture(pixels.shape[1], pixels.shape[0], Fraction(1), frames)


def written_still(path: str | Path, edited: Edited) -> bytes:
    """The image with what was edited in it; the same bytes for the same input.

    Args:
        path: the image as it was.
        edited: what changed: a picture, and that by its pixels.

    Raises:
        ClipError: the tool's work is not in the pixels, or left no frame.
        ValueError: the frame is not of the picture's size and type.
    """
    if edited.picture is None or edited.crf != GOOD_CRF or edited.speed != 1:
        raise ClipError("a still image does not have what the tool changes")
    frame = next(iter(edited.picture.frames()), None)
    if frame is None:
        raise ClipError("no picture is left")
    image = open_image(path)
    form = upright(image).shape
    if frame.pixels.shape != form or frame.pixels.dtype != np.uint8:
        found = f"{frame.pixels.dtype} {list(frame.pixels.shape)}"
        raise ValueError(f"a frame {found}, wanted uint8 {list(form)}")
    return _jpeg(image, frame.pixels) if image.format != "PNG" else _png(image, frame.pixels)


def _jpeg(image: Any, pixels: np.ndarray) -> bytes:
    remarks = ImageOps.exif_transpose(image).info
    options = {key: remarks[key] for key in ("exif", "icc_profile") if remarks.get(key)}
    made = Image.fromarray(pixels)
    if image.mode == "L":
        made = made.convert("L")
    elif (chroma := JpegImagePlugin.get_sampling(image)) in _CHROMA:
        options["subsampling"] = chroma
    file = io.BytesIO()
    progressive = bool(image.info.get("progressive"))
    made.save(file, "JPEG", qtables=image.quantization, progressive=progressive, **options)
    return file.getvalue()


def _png(image: Any, pixels: np.ndarray) -> bytes:
    turned = ImageOps.exif_transpose(image)
    made = Image.fromarray(pixels)
    if image.mode in ("L", "LA"):
        made = made.convert("L")
    if image.has_transparency_data:
        made.putalpha(turned.convert("RGBA").getchannel("A"))
    options = {key: turned.info[key] for key in ("exif", "icc_profile") if turned.info.get(key)}
    said = PngImagePlugin.PngInfo()
    for key, text in image.info.items():
        if isinstance(text, str):
            said.add_text(key, text)
    file = io.BytesIO()
    made.save(file, "PNG", pnginfo=said, **options)
    return file.getvalue()
