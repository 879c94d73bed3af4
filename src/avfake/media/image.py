"""A still image as a clip: one frame, no sound, and what its file says of itself.

What a file is, its first bytes say, not its name: rows of the memo are keyed by content alone.
"""

import io
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageOps, JpegImagePlugin, features

from avfake.media.errors import ClipError

# In place of `no audio stream`: of a clip that is a defect, of a still image it is not.
NO_SOUND = "a still image has no sound"
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_FORMATS = ("JPEG", "PNG")
# What Pillow raises for damaged files; an UnidentifiedImageError is an OSError.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
_EXIF_SOFTWARE = 0x0131
_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_NOT_OF_IMAGES = (
    "bit_rate", "seconds", "audio_codec", "audio_rate", "audio_channels", "audio_bit_rate", "audio_seconds",
    "video_fps", "video_bit_rate", "video_seconds", "audio_minus_video_seconds",
)  # fmt: skip


def is_image(path: str | Path) -> bool:
    """Whether the file is a JPEG or PNG by its first bytes; False for a file that cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(8).startswith(_SIGNATURES)
    except OSError:
        return False


def open_image(path: str | Path) -> Any:
    """The image as Pillow's, decoded to its end.

    Raises:
        ClipError: the file is missing, damaged or breaks off.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise ClipError("no such file") from None
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        image.load()
    except _DAMAGE as error:
        raise ClipError(f"the image cannot be decoded: {_said(error)}") from None
    try:
        image.getexif()
    except _DAMAGE:
        image.info.pop("exif", None)  # damaged remarks harm no pixel
    return image


def upright(image: Any) -> np.ndarray:
    """A Pillow image turned as its EXIF tag says, uint8 RGB [height, width, 3]; transparency is left out."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut at 255
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    return np.array(image.convert("RGB"))


def image_facts(image: Any, file_bytes: int) -> dict[str, str | int | float | None]:
    """The facts of a decoded image under the keys of `avfake.media.probe.probe`; those of time are None.

    `encoder`: quality and chroma of a JPEG, which tell by what it was written, and the EXIF tag or PNG text
    `Software`.
    """
    name = "png" if image.format == "PNG" else "jpeg"
    software = image.getexif().get(_EXIF_SOFTWARE) or image.info.get("Software")
    coded = f"quality {jpeg_quality(image)}, {_chroma(image)}" if name == "jpeg" else None
    said = [str(text).strip("\0 ") for text in (coded, software) if text]
    return dict.fromkeys(_NOT_OF_IMAGES) | {
        "container": name,
        "encoder": "; ".join(said) or None,
        "file_bytes": file_bytes,
        "video_codec": name,
        "video_width": image.width,
        "video_height": image.height,
    }


def image_versions() -> dict[str, str]:
    """The libraries on whose version decoded pixels depend."""
    jpeg = features.version("libjpeg_turbo") or features.version("jpg") or "unknown"
    return {"pillow": PIL.__version__, "libjpeg": jpeg}


def jpeg_quality(image: Any) -> int:
    """The setting of libjpeg, 1 to 100, whose quantisation of brightness is nearest to the image's."""
    own = np.array(image.quantization[min(image.quantization)])
    return int(np.abs(_tables() - own).sum(axis=1).argmin()) + 1


@cache
def _tables() -> np.ndarray:
    """The quantisation of brightness that libjpeg uses at every quality, int [100, 64]."""
    tables = []
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as image:
            tables.append(image.quantization[0])
    return np.array(tables)


def _chroma(image: Any) -> str:
    if image.mode == "L":
        return "grey"
    return _SUBSAMPLING.get(JpegImagePlugin.get_sampling(image), "other chroma")


def _said(error: BaseException) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "damaged header"  # Pillow's own words name an object in memory
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
