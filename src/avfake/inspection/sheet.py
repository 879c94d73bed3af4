"""The sheet's pictures: a spectrogram of each clip drawn, and the faces found in it."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from PIL import Image

from avfake.features.log_mel import log_mel
from avfake.features.normalise import grey_levels
from avfake.inspection.reading import DEFAULT_EXTRACT, Drawing, Settings, missing
from avfake.media.clip import extract_clip
from avfake.media.pcm import from_pcm
from avfake.parallel import map_ordered
from avfake.params import ExtractParams
from avfake.stages.extract import start_worker

WIDTH, HEIGHT = 480, 128  # pixels of a spectrogram
_COLOURS = 32  # of a spectrogram: the eye tells no more apart, and the file is half as large
_EMPTY = _COLOURS  # the transparent colour beside the sound of a clip that is shorter than the sheet's scale
_FACE = 96  # pixels, width and height of a face
_JPEG_QUALITY = 85
# A clip this many times as long as the usual one is squeezed, instead of all others shrunk to a strip.
_LONG = 3.0


@dataclass(frozen=True)
class Picture:
    """What the sheet shows of a clip.

    Attributes:
        spectrogram: PNG of WIDTH x HEIGHT, low frequencies at the bottom; None where `audio_error` says why.
        faces: JPEG of the crops side by side; None where there are none, or `video_error` says why.
        n_faces: how many there are.
    """

    spectrogram: bytes | None
    audio_error: str | None
    faces: bytes | None
    n_faces: int
    video_error: str | None


@dataclass(frozen=True)
class _Job:
    path: Path
    extract: ExtractParams
    drawing: Drawing
    scale: float


def scale_of(rows: Sequence[Mapping[str, Any]]) -> float:
    """Seconds of sound that a spectrogram's width stands for, the same for all clips of the sheet."""
    seconds = [row["sound_seconds"] for row in rows if row["sound_seconds"]]
    return min(max(seconds), _LONG * median(seconds)) if seconds else 1.0


def pictures(root: Path, rows: Sequence[Mapping[str, Any]], settings: Settings) -> list[Picture]:
    """The pictures of the clips that `Draw.chosen` chose, in their order; reads in worker processes."""
    n_faces = settings.extract.n_faces or DEFAULT_EXTRACT.n_faces
    extract = settings.extract.model_copy(update={"n_faces": n_faces, "face_size": _FACE})
    # The front end would refuse bands above half of the sample rate; a look at the clips need not.
    bands = settings.drawing.log_mel
    fmax = min(bands.fmax, extract.sample_rate / 2)
    drawing = replace(settings.drawing, log_mel=bands.model_copy(update={"fmax": fmax}))
    scale = scale_of(rows)
    jobs = [_Job(root / f"{row['split']}set" / row["video_name"], extract, drawing, scale) for row in rows]
    return [
        result.value or _nothing(result.error or "no result")
        for result in map_ordered(_picture, jobs, settings.workers, "sheet", start_worker)
    ]


def spectrogram(levels: np.ndarray, share: float) -> bytes:
    """Grey levels uint8 [bands, frames], low frequency first, as PNG; `share` of the width is used."""
    width = max(1, min(WIDTH, round(share * WIDTH)))
    method = cv2.INTER_AREA if levels.shape[1] > width else cv2.INTER_NEAREST
    drawn = cv2.resize(levels[::-1], (width, HEIGHT), interpolation=method)
    picture = np.full((HEIGHT, WIDTH), _EMPTY, np.uint8)
    picture[:, :width] = drawn // (256 // _COLOURS)
    image = Image.fromarray(picture)
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True, transparency=_EMPTY)
    return file.getvalue()


def _picture(job: _Job) -> Picture:
    """One clip; runs in a worker."""
    reason = missing(job.path)
    if reason is not None:
        return _nothing(reason)
    row = extract_clip(job.path, job.extract)
    drawn = faces = None
    if row.audio_error is None:
        sound = from_pcm(np.frombuffer(row.pcm, "<i2"), row.pcm_shift)
        share = len(sound) / row.sample_rate / job.scale
        drawn = spectrogram(_levels(sound, row.sample_rate, job.drawing), share)
    if row.n_faces:
        crops = np.frombuffer(row.faces, np.uint8).reshape(row.n_faces, _FACE, _FACE, 3)
        file = io.BytesIO()
        Image.fromarray(np.concatenate(crops, axis=1)).save(file, "JPEG", quality=_JPEG_QUALITY)
        faces = file.getvalue()
    return Picture(drawn, row.audio_error, faces, row.n_faces, row.video_error)


def _levels(sound: np.ndarray, sample_rate: int, drawing: Drawing) -> np.ndarray:
    """Grey levels uint8 [bands, frames] of the whole clip, as the front end `log_mel` has them."""
    values = log_mel(sound, sample_rate, drawing.hop_length, drawing.dynamic_range, drawing.log_mel)
    return grey_levels(values, "peak", drawing.dynamic_range)


def _nothing(reason: str) -> Picture:
    return Picture(None, reason, None, 0, reason)


@lru_cache(maxsize=1)
def _palette() -> list[int]:
    """The colours of a spectrogram, dark to bright, and white for the rest of the picture."""
    from matplotlib import colormaps  # only where a picture is drawn

    colours = colormaps["magma"](np.linspace(0, 1, _COLOURS))[:, :3]
    return [*np.rint(255 * colours).astype(int).ravel().tolist(), 255, 255, 255]
