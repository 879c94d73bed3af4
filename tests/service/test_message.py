"""What a reader answers is a claim: whatever does not fit what was asked for is refused."""

import json
import struct

import numpy as np
import pytest

from avfake.decoding.message import MessageError, largest, pack, pack_refusal, unpack
from avfake.features import front_ends
from avfake.media.clip import ClipRow, unreadable
from avfake.params import ExtractParams, FeaturizeParams, load
from avfake.reader import Read, Reader
from workspace import ROOT

PARAMS = ExtractParams(sample_rate=8000, max_seconds=1.0, min_seconds=0.1, n_faces=2, face_size=16, buckets=1)
PARAMS_YAML = load(FeaturizeParams, ROOT / "params.yaml")
LISTENS = PARAMS_YAML.model_copy(
    update={
        "front_end": ["log_mel"],
        "window_frames": 16,
        "window_hop": 8,
        "hop_length": 64,
        "trim_db": 30.0,
        "log_mel": PARAMS_YAML.log_mel.model_copy(update={"n_mels": 8, "n_fft": 256, "fmax": 4000.0}),
    }
)
DEAF, HEARING = Reader(PARAMS, None), Reader(PARAMS, LISTENS)
FACES = bytes(2 * 3 * 16 * 16)
ROW = ClipRow(None, None, None, 8000, b"\1\2" * 800, 3, 2, FACES, (0.1, 0.5), '{"seconds": 1.0}')
READ = Read(ROW, None)
NOISE = np.random.default_rng(1).integers(-9000, 9000, 4000).astype("<i2")
SOUND = ClipRow(None, None, "no face", 8000, NOISE.tobytes(), 0, 0, b"", (), "{}")
HEARD = Read(SOUND, front_ends.compute(NOISE, 8000, LISTENS))


def changed(data: bytes, **row: object) -> bytes:
    """The answer with other figures in its JSON."""
    magic, n, rest = struct.unpack_from("<4sII", data)
    header = json.loads(data[12 : 12 + n])
    header["row"] |= row
    text = json.dumps(header).encode()
    return struct.pack("<4sII", magic, len(text), rest) + text + data[12 + n :]


def test_a_row_comes_back_as_it_went():
    data = pack(READ)
    assert unpack(data, DEAF) == ("row", "", READ)
    assert len(data) < largest(DEAF)
    assert unpack(changed(data), DEAF)[2] == READ


def test_windows_come_back_as_they_went():
    data = pack(HEARD)
    _, _, found = unpack(data, HEARING)
    assert found.row == SOUND
    assert len(found.windows) > 3
    np.testing.assert_array_equal(found.windows, HEARD.windows)
    assert len(data) < largest(HEARING)


def test_the_longest_sound_that_is_read_fits_into_an_answer():
    pcm = np.tile(NOISE, 3)[: int(8000 * (PARAMS.max_seconds + 1)) // 2 * 2]
    row = ClipRow(None, None, "no face", 8000, pcm.tobytes(), 0, 0, b"", (), "{}")
    data = pack(Read(row, front_ends.compute(pcm, 8000, LISTENS)))
    assert unpack(data, HEARING)[2].row == row
    assert len(data) <= largest(HEARING)


@pytest.mark.parametrize(
    "read",
    [
        Read(SOUND, HEARD.windows[:-1]),
        Read(SOUND, np.concatenate([HEARD.windows, HEARD.windows[:1]])),
        Read(SOUND, HEARD.windows[..., :-1]),
        Read(SOUND, None),
        Read(unreadable("broken", PARAMS), HEARD.windows),
    ],
    ids=["one too few", "one too many", "too narrow", "none", "of no sound"],
)
def test_windows_that_are_not_those_of_the_sound_are_refused(read):
    with pytest.raises(MessageError):
        unpack(pack(read), HEARING)


def test_windows_that_nobody_asked_for_are_refused():
    with pytest.raises(MessageError):
        unpack(pack(HEARD), DEAF)


def test_a_refusal_comes_back_as_it_went():
    assert unpack(pack_refusal("over_limit", "too long"), DEAF) == ("over_limit", "too long", None)


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
    {"windows": 1},
    {"windows": -1},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_figures_that_cannot_be_are_refused(change):
    with pytest.raises(MessageError):
        unpack(changed(pack(READ), **change), DEAF)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 11,
        b"AVF2" + pack(READ)[4:],
        pack(READ)[:-1],
        pack(READ) + b"x",
        b"AVF1" + b"\xff" * 8,
    ],
    ids=["nothing", "short", "another magic", "cut", "longer", "endless"],
)
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(MessageError):
        unpack(data, DEAF)


def test_a_row_that_is_too_long_for_its_parameters_is_refused():
    long = ClipRow(None, None, None, 8000, b"\1\2" * 40_000, 0, 0, b"", (), "{}")
    with pytest.raises(MessageError):
        unpack(pack(Read(long, None)), DEAF)
