"""What goes between the service and the process that reads a clip: JSON and raw bytes, nothing executable.

The reader has handled a stranger's file, so the service takes every figure of its answer as a claim: lengths
are checked against what was asked for.
"""

import json
import struct
from dataclasses import fields
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from avfake.media.clip import ClipRow
from avfake.params import ExtractParams

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


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    kind: Kind
    reason: str
    row: _Row | None


def pack_row(row: ClipRow) -> bytes:
    """A row as bytes."""
    header = {field.name: getattr(row, field.name) for field in fields(row)}
    header |= {"face_times": list(row.face_times), "pcm": len(row.pcm), "faces": len(row.faces)}
    return _packed({"kind": "row", "reason": "", "row": header}, row.pcm + row.faces)


def pack_refusal(kind: Kind, reason: str) -> bytes:
    """Why there is no row, as bytes."""
    return _packed({"kind": kind, "reason": reason[:500], "row": None}, b"")


def largest(params: ExtractParams) -> int:
    """Bytes that an answer can have at most."""
    return _HEAD.size + _MAX_JSON + sum(_largest_parts(params))


def unpack(data: bytes, params: ExtractParams) -> tuple[Kind, str, ClipRow | None]:
    """What an answer says: kind, reason and, of the kind `row`, the row.

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
    return answer.kind, "", _checked(answer.row, body[n_json:], params)


def _checked(row: _Row, rest: bytes, params: ExtractParams) -> ClipRow:
    largest_pcm, largest_faces = _largest_parts(params)
    consistent = (
        row.pcm >= 0 and row.pcm % 2 == 0 and row.pcm <= largest_pcm
        and 0 <= row.n_faces <= max(1, params.n_faces) and len(row.face_times) == row.n_faces
        and row.faces == row.n_faces * 3 * params.face_size**2 <= largest_faces
        and row.pcm + row.faces == len(rest)
        and row.sample_rate == params.sample_rate
        and (row.pcm > 0 or row.audio_error is not None)
        and 0 <= row.pcm_shift <= 15
        and all(-1e7 < time < 1e7 for time in row.face_times)
    )  # fmt: skip
    if not consistent or not isinstance(_json(row.facts), dict):
        raise MessageError("the answer's figures cannot be")
    return ClipRow(
        row.error, row.audio_error, row.video_error, row.sample_rate, rest[: row.pcm], row.pcm_shift,
        row.n_faces, rest[row.pcm :], tuple(row.face_times), row.facts,
    )  # fmt: skip


def _largest_parts(params: ExtractParams) -> tuple[int, int]:
    samples = int((params.max_seconds + 1) * params.sample_rate)
    return 2 * samples, max(1, params.n_faces) * 3 * params.face_size**2


def _packed(header: dict[str, Any], rest: bytes) -> bytes:
    text = json.dumps(header).encode("ascii")
    return _HEAD.pack(_MAGIC, len(text), len(rest)) + text + rest


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise MessageError("the answer's facts are no JSON") from None
