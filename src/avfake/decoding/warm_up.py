"""What a child would load while it reads a clip, and cannot once its cage is closed."""

import gc
import importlib
import io
import pkgutil
import tempfile
import wave
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from avfake.decoding.limits import Limits, check_file
from avfake.media.clip import extract_clip
from avfake.params import ExtractParams
from avfake.reader import Reader

_PARAMS = ExtractParams(
    sample_rate=22050, max_seconds=1.0, min_seconds=0.01, n_faces=1, face_size=16, buckets=1
)

_LONG = 3.0  # seconds


def warm_up() -> None:
    """Loads every module of the decoders, and reads a sound and two images once."""
    av.logging.set_level(av.logging.PANIC)
    cv2.setNumThreads(0)
    Image.init()
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for data in (_wav(), _image("JPEG"), _image("PNG")):
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            path = f"/proc/self/fd/{file.fileno()}"
            check_file(path, Limits())
            row = extract_clip(path, _PARAMS)
            assert row.error is None, row.error
    _settle()


def warm_up_reader(reader: Reader) -> None:
    """Reads a sound once as `reader` does: noise, longer than what a front end passes over as too short."""
    with tempfile.TemporaryFile() as file:
        file.write(_wav(_LONG + reader.extract.min_seconds))
        file.flush()
        row = reader.read(f"/proc/self/fd/{file.fileno()}").row
        assert row.audio_error is None, row.audio_error
    _settle()


def _settle() -> None:
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a process with threads cannot be copied safely"
    gc.collect()
    gc.freeze()


def _wav(seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        noise = np.random.default_rng(0).integers(-9000, 9000, int(16000 * seconds))
        sound.writeframes(noise.astype("<i2").tobytes())
    return file.getvalue()


def _image(kind: str) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(file, kind, exif=exif)
    return file.getvalue()
