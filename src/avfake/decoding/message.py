"""What goes between a scorer and the process that reads a clip: JSON and raw bytes, nothing executable.

The process has handled a stranger's file, so every figure of its answer is taken as a claim: lengths are
checked against what was asked for.
"""

import json
import struct
from dataclasses import fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from avfake.explain.time_line import line_of
from avfake.features import front_ends
from avfake.media.clip import ClipRow
from avfake.media.pcm import from_pcm
from avfake.reader import Read, Reader

_HEAD = struct.Struct("<4sII")  # magic, length of the JSON, length of everything after it
_MAGIC = b"AVF1"
_MAX_JSON = 2**18
Kind = Literal["row", "unreadable", "not_media", "over_limit", "memory"]


class MessageError(Exception):
    """The answer is not whole, or not what was asked for."""


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    error: str | None
    audio_error: str | None
    video_error: str | None
    sample_rate: int
    pcm_shift: int
    n_faces: int
    face_times: list[float]
    facts: str
    pcm: int  # lengths in bytes
    faces: int
    windows: int | None  # how many, each of the shape that the front end gives them


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    kind: Kind
    reason: str
    row: _Row | None


def pack(read: Read) -> bytes:
    """What was read as bytes."""
    row, windows = read.row, read.windows
    header = {field.name: getattr(row, field.name) for field in fields(row)}
    header |= {"face_times": list(row.face_times), "pcm": len(row.pcm), "faces": len(row.faces)}
    header["windows"] = None if windows is None else len(windows)
    rest = row.pcm + row.faces + (b"" if windows is None else windows.tobytes())
    return _packed({"kind": "row", "reason": "", "row": header}, rest)


def pack_refusal(kind: Kind, reason: str) -> bytes:
    """Why there is no row, as bytes."""
    return _packed({"kind": kind, "reason": reason[:500], "row": None}, b"")


def largest(reader: Reader) -> int:
    """Bytes that an answer can have at most."""
    samples = _most_samples(reader)
    faces = max(1, reader.extract.n_faces) * 3 * reader.extract.face_size**2
    most = _HEAD.size + _MAX_JSON + 2 * samples + faces
    if reader.featurize is None:
        return most
    n = 2 + samples // (reader.featurize.hop_length * reader.featurize.window_hop)
    return most + n * _window(reader)


def unpack(data: bytes, reader: Reader) -> tuple[Kind, str, Read | None]:
    """What an answer says: kind, reason and, of the kind `row`, what was read.

    Raises:
        MessageError: it says anything else than such an answer can.
    """
    if len(data) < _HEAD.size:
        raise MessageError("no answer")
    magic, n_json, n_rest = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if magic != _MAGIC or n_json > _MAX_JSON or len(body) != n_json + n_rest:
        raise MessageError("the answer is not whole")
    try:
        answer = _Answer.model_validate_json(body[:n_json])
    except ValidationError:
        raise MessageError("the answer is malformed") from None
    if (answer.row is None) == (answer.kind == "row"):
        raise MessageError("the answer contradicts itself")
    if answer.row is None:
        return answer.kind, answer.reason, None
    return answer.kind, "", _checked(answer.row, body[n_json:], reader)


def _checked(row: _Row, rest: bytes, reader: Reader) -> Read:
    params = reader.extract
    n_pcm_and_faces = row.pcm + row.faces
    consistent = (
        row.pcm >= 0 and row.pcm % 2 == 0 and row.pcm <= 2 * _most_samples(reader)
        and 0 <= row.n_faces <= max(1, params.n_faces) and len(row.face_times) == row.n_faces
        and row.faces == row.n_faces * 3 * params.face_size**2
        and 0 <= n_pcm_and_faces <= len(rest)
        and row.sample_rate == params.sample_rate
        and (row.pcm > 0) == (row.audio_error is None)
        and 0 <= row.pcm_shift <= 15
        and all(-1e7 < time < 1e7 for time in row.face_times)
    )  # fmt: skip
    if not consistent or not isinstance(_json(row.facts), dict):
        raise MessageError("the answer's figures cannot be")
    found = ClipRow(
        row.error, row.audio_error, row.video_error, row.sample_rate, rest[: row.pcm], row.pcm_shift,
        row.n_faces, rest[row.pcm : n_pcm_and_faces], tuple(row.face_times), row.facts,
    )  # fmt: skip
    return Read(found, _windows(row.windows, rest[n_pcm_and_faces:], found, reader))


def _windows(n: int | None, data: bytes, row: ClipRow, reader: Reader) -> NDArray[np.uint8] | None:
    """The windows uint8 [n, C, H, W]: as many as the sound has, and none where there is none."""
    wanted, size = None, 0
    if reader.featurize is not None and not row.audio_error:
        sound = from_pcm(np.frombuffer(row.pcm, "<i2"), row.pcm_shift)
        wanted = len(line_of(sound, row.sample_rate, reader.featurize).frames)
        size = wanted * _window(reader)
    if n != wanted or len(data) != size:
        raise MessageError("the answer's windows are not those of its sound")
    return None if n is None else np.frombuffer(data, np.uint8).reshape(n, *_shape(reader))


def _shape(reader: Reader) -> tuple[int, int, int]:
    assert reader.featurize is not None
    return front_ends.shape_of(reader.featurize, reader.extract.sample_rate)


def _window(reader: Reader) -> int:
    """Bytes of a window."""
    channels, rows, frames = _shape(reader)
    return channels * rows * frames


def _most_samples(reader: Reader) -> int:
    return int((reader.extract.max_seconds + 1) * reader.extract.sample_rate)


def _packed(header: dict[str, Any], rest: bytes) -> bytes:
    text = json.dumps(header).encode("ascii")
    return _HEAD.pack(_MAGIC, len(text), len(rest)) + text + rest


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise MessageError("the answer's facts are no JSON") from None
