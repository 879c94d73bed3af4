"""What a reader answers is a claim: whatever does not fit what was asked for is refused."""

import json
import struct

import pytest

from avfake.media.clip import ClipRow
from avfake.params import ExtractParams
from avfake.service.decoding.message import MessageError, largest, pack_refusal, pack_row, unpack

PARAMS = ExtractParams(sample_rate=8000, max_seconds=1.0, min_seconds=0.1, n_faces=2, face_size=16, buckets=1)
FACES = bytes(2 * 3 * 16 * 16)
ROW = ClipRow(None, None, None, 8000, b"\1\2" * 800, 3, 2, FACES, (0.1, 0.5), '{"seconds": 1.0}')


def changed(data: bytes, **row: object) -> bytes:
    """The answer with other figures in its JSON."""
    magic, n, rest = struct.unpack_from("<4sII", data)
    header = json.loads(data[12 : 12 + n])
    header["row"] |= row
    text = json.dumps(header).encode()
    return struct.pack("<4sII", magic, len(text), rest) + text + data[12 + n :]


def test_a_row_comes_back_as_it_went():
    data = pack_row(ROW)
    assert unpack(data, PARAMS) == ("row", "", ROW)
    assert len(data) < largest(PARAMS)
    assert unpack(changed(data), PARAMS)[2] == ROW


def test_a_refusal_comes_back_as_it_went():
    assert unpack(pack_refusal("over_limit", "too long"), PARAMS) == ("over_limit", "too long", None)


CHANGES = [
    {"sample_rate": 16000},
    {"pcm_shift": 99},
    {"n_faces": 3},
    {"n_faces": -1},
    {"face_times": [0.1]},
    {"face_times": [0.1, float("nan")]},
    {"face_times": [0.1, 1e300]},
    {"pcm": 10**9},
    {"pcm": -2},
    {"pcm": 1599},
    {"faces": 0},
    {"facts": "no json"},
    {"facts": "[]"},
    {"facts": 1},
    {"error": 1},
    {"more": 1},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_figures_that_cannot_be_are_refused(change):
    with pytest.raises(MessageError):
        unpack(changed(pack_row(ROW), **change), PARAMS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 11,
        b"AVF2" + pack_row(ROW)[4:],
        pack_row(ROW)[:-1],
        pack_row(ROW) + b"x",
        b"AVF1" + b"\xff" * 8,
    ],
    ids=["nothing", "short", "another magic", "cut", "longer", "endless"],
)
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(MessageError):
        unpack(data, PARAMS)


def test_a_row_that_is_too_long_for_its_parameters_is_refused():
    long = ClipRow(None, None, None, 8000, b"\1\2" * 40_000, 0, 0, b"", (), "{}")
    with pytest.raises(MessageError):
        unpack(pack_row(long), PARAMS)
