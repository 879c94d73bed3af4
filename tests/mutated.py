"""Clips that somebody has spoilt: a few whole ones, and hundreds of ways to damage them, always the same."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from clips import make_clip

DAY = 24 * 3600


def whole_files(folder: Path) -> dict[str, bytes]:
    """Small whole files, by name."""
    paths = [
        make_clip(folder / "clip.mp4", seconds=0.6, kind="speech"),
        make_clip(folder / "clip.mkv", seconds=0.6, kind="speech"),
        make_clip(folder / "sound.wav", seconds=0.5, kind="speech", video=False, audio_codec="pcm_s16le"),
        make_clip(folder / "sound.mp3", seconds=0.5, kind="speech", video=False, audio_codec="libmp3lame"),
    ]
    pixels = np.random.default_rng(5).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    for name in ("image.png", "image.jpg"):
        Image.fromarray(pixels).save(folder / name)
        paths.append(folder / name)
    return {path.name: path.read_bytes() for path in paths}


def mutated(files: dict[str, bytes], n: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`n` damaged files, (what was done, bytes): first those that somebody meant, then random damage."""
    rng = np.random.default_rng(seed)
    meant = list(crafted(files))
    yield from meant[:n]
    names = sorted(files)
    for number in range(n - len(meant)):
        name = names[number % len(names)]
        data = bytearray(files[name])
        damage = _DAMAGE[number // len(names) % len(_DAMAGE)]
        damage(data, rng)
        yield f"{name} {damage.__name__} {number}", bytes(data)


def crafted(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Files that somebody made to do harm."""
    mp4 = files["clip.mp4"]
    yield "a day declared", _patched(mp4, b"mvhd", 16, struct.pack(">II", 1000, DAY * 1000))
    yield (
        "a day of each track",
        _patched(_patched(mp4, b"mdhd", 16, struct.pack(">II", 1, DAY)), b"tkhd", 24, b"\x7f"),
    )
    yield "giant in the sample entry", _patched(mp4, b"avc1", 28, struct.pack(">HH", 65535, 65535))
    yield "giant in the track", _patched(mp4, b"tkhd", 80, struct.pack(">II", 0x7FFFFFFF, 0x7FFFFFFF))
    for box in (b"stsz", b"stts", b"stsc", b"stco", b"ctts"):
        yield f"endless {box.decode()}", _patched(mp4, box, 8, b"\x7f\xff\xff\xff" * 2)
    for box in (b"moov", b"mdat", b"trak"):
        yield f"{box.decode()} as large as can be", _patched(mp4, box, -4, b"\x7f\xff\xff\xff")
        yield f"{box.decode()} of no size", _patched(mp4, box, -4, bytes(4))
    yield "a giant png", _giant_png(100_000, 100_000)
    yield "a wide png", _giant_png(2_000_000, 4)
    yield "a jpeg of 65535", _patched(files["image.jpg"], b"\xff\xc0", 5, b"\xff\xff\xff\xff")
    yield "a wav of 4 GB", _patched(files["sound.wav"], b"data", 4, b"\xff\xff\xff\xff")
    yield "a wav at 4 GHz", _patched(files["sound.wav"], b"fmt ", 12, b"\xff\xff\xff\xff")
    yield "a wav of 65535 channels", _patched(files["sound.wav"], b"fmt ", 10, b"\xff\xff")
    own = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.m3u8\n#EXT-X-ENDLIST\n"
    yield "a playlist of itself", own.encode()
    yield "a playlist of a device", own.replace("clip.m3u8", "file:///dev/zero").encode()
    yield "a playlist of the network", own.replace("clip.m3u8", "http://127.0.0.1:9/x.ts").encode()
    yield "concat", b"ffconcat version 1.0\nfile '/etc/passwd'\n"
    yield "a script", b"#!/bin/sh\nrm -rf --no-preserve-root /\n"
    yield "svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("clip.mp4", bytes(2**25))
    yield "a zip bomb", bomb.getvalue()
    yield "nothing", b""
    yield "one byte", b"\0"
    yield "zeros", bytes(10_000)


def _patched(data: bytes, mark: bytes, offset: int, new: bytes) -> bytes:
    """`new` written `offset` bytes after the beginning of the first `mark`."""
    at = data.index(mark) + offset
    return data[:at] + new + data[at + len(new) :]


def _giant_png(width: int, height: int) -> bytes:
    """A PNG that declares its size and has a few bytes for it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")


def flipped(data: bytearray, rng: np.random.Generator) -> None:
    """Some bytes are others."""
    for place in rng.integers(0, len(data), int(rng.integers(1, 60))):
        data[place] = int(rng.integers(0, 256))


def flipped_head(data: bytearray, rng: np.random.Generator) -> None:
    """Some of the first bytes are others."""
    for place in rng.integers(0, min(400, len(data)), 8):
        data[place] = int(rng.integers(0, 256))


def flipped_tail(data: bytearray, rng: np.random.Generator) -> None:
    """Some of the last bytes, where an mp4 has its index, are others."""
    for place in rng.integers(max(0, len(data) - 2000), len(data), 8):
        data[place] = int(rng.integers(0, 256))


def cut(data: bytearray, rng: np.random.Generator) -> None:
    """The end is gone."""
    del data[int(rng.integers(1, len(data))) :]


def zeroed(data: bytearray, rng: np.random.Generator) -> None:
    """A stretch is zero."""
    first = int(rng.integers(0, len(data)))
    n = min(len(data) - first, int(rng.integers(1, 3000)))
    data[first : first + n] = bytes(n)


def doubled(data: bytearray, rng: np.random.Generator) -> None:
    """A stretch comes twice."""
    first = int(rng.integers(0, len(data)))
    data[first:first] = data[first : first + int(rng.integers(1, 3000))]


def enlarged(data: bytearray, rng: np.random.Generator) -> None:
    """Four bytes in a row, as a size is, are as large as can be."""
    first = 4 * int(rng.integers(0, max(1, len(data) // 4)))
    data[first : first + 4] = b"\x7f\xff\xff\xff"


_DAMAGE = (flipped, flipped_head, flipped_tail, cut, zeroed, doubled, enlarged)
