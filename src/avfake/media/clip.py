"""Everything that the pipeline keeps of a clip, as a pure function of its bytes and the parameters."""

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import soxr

from avfake.media.audio import sound_of
from avfake.media.container import opened
from avfake.media.errors import ClipError
from avfake.media.faces import face_of, find_faces
from avfake.media.image import NO_SOUND, image_facts, image_versions, is_image, open_image, upright
from avfake.media.pcm import to_pcm
from avfake.media.probe import facts_of, to_json
from avfake.params import ExtractParams

# Raise it when anything in this folder changes what `extract_clip` returns: the memo is keyed by it.
VERSION = 3


@dataclass(frozen=True)
class ClipRow:
    """What is kept of a clip; a still image is one of a single frame.

    Attributes:
        error: why the file could not be opened, or None. audio_error, video_error: why that track cannot
            be used, or None; both are set where `error` is. `video_error` is None if no faces were asked for.
            `audio_error` of a still image is `avfake.media.image.NO_SOUND`.
        sample_rate: Hz. pcm: mono sound, little-endian int16, empty where `audio_error` is set; it is
            louder than the clip by the factor 2 ** pcm_shift (see `avfake.media.pcm.to_pcm`).
        n_faces: number of crops found. faces: uint8 RGB [n_faces, face_size, face_size, 3]. face_times: when
            each is seen, in seconds after the beginning of the sound (see `avfake.media.faces.Faces`).
        facts: JSON of `avfake.media.probe.Facts`, and `left_right_db` of `avfake.media.audio.Sound`.
    """

    error: str | None
    audio_error: str | None
    video_error: str | None
    sample_rate: int
    pcm: bytes
    pcm_shift: int
    n_faces: int
    faces: bytes
    face_times: tuple[float, ...]
    facts: str


def extract_clip(path: str | Path, params: ExtractParams) -> ClipRow:
    """Reads a clip's sound, faces and facts; what cannot be read is said in the row and not raised."""
    path = Path(path)
    if is_image(path):
        return _still(path, params)
    audio_error = video_error = None
    pcm, pcm_shift = b"", 0
    faces = b""
    face_times: tuple[float, ...] = ()
    try:
        with opened(path) as container:
            facts = facts_of(container, path.stat().st_size) | {"left_right_db": None}
            try:
                sound = sound_of(container, params.sample_rate, params.max_seconds)
                pcm, pcm_shift = _pcm(sound.mono, params)
                facts["left_right_db"] = _rounded(sound.left_right_db)
            except ClipError as error:
                audio_error = error.reason
        if params.n_faces:
            try:
                crops, face_times = find_faces(path, params.n_faces, params.face_size)
                faces = crops.tobytes()
            except ClipError as error:
                video_error = error.reason
    except ClipError as error:
        return unreadable(error.reason, params)
    return ClipRow(
        None, audio_error, video_error, params.sample_rate, pcm, pcm_shift, len(face_times), faces,
        face_times, to_json(facts),
    )  # fmt: skip


def _still(path: Path, params: ExtractParams) -> ClipRow:
    """The row of a still image, whose only frame is searched for a face once."""
    faces = b""
    face_times: tuple[float, ...] = ()
    try:
        image = open_image(path)
    except ClipError as error:
        return unreadable(error.reason, params)
    facts = image_facts(image, path.stat().st_size) | {"left_right_db": None}
    if params.n_faces:
        crops, face_times = face_of(upright(image), params.face_size)
        faces = crops.tobytes()
    return ClipRow(
        None, NO_SOUND, None, params.sample_rate, b"", 0, len(face_times), faces, face_times, to_json(facts)
    )


def unreadable(reason: str, params: ExtractParams) -> ClipRow:
    """The row of a clip that could not be opened."""
    video_error = reason if params.n_faces else None
    return ClipRow(reason, reason, video_error, params.sample_rate, b"", 0, 0, b"", (), "{}")


def decoder_versions() -> dict[str, str]:
    """The libraries on whose version the bytes of a row depend."""
    libraries = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    libraries |= {"av": av.__version__, "soxr": soxr.__version__, "cv2": cv2.__version__}
    return libraries | image_versions()


def _rounded(decibels: float | None) -> float | None:
    """In hundredths: sums of another order in another build of numpy stay the same fact."""
    return None if decibels is None else round(decibels, 2)


def _pcm(sound: np.ndarray, params: ExtractParams) -> tuple[bytes, int]:
    seconds = len(sound) / params.sample_rate
    if seconds < params.min_seconds or len(sound) == 0:
        raise ClipError(f"only {seconds:.3f} s of sound")
    pcm, shift = to_pcm(sound)
    return pcm.tobytes(), shift
