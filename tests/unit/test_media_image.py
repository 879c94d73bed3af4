"""Still images as clips of one frame."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from avfake.media.clip import extract_clip
from avfake.media.faces import face_of
from avfake.media.image import NO_SOUND, is_image, open_image, upright
from avfake.media.probe import probe
from avfake.params import ExtractParams, load
from clips import make_clip
from images import face, write_image
from workspace import ROOT

ORIENTATION, SOFTWARE = 0x0112, 0x0131


@pytest.fixture
def params() -> ExtractParams:
    return load(ExtractParams, ROOT / "params.yaml").model_copy(update={"n_faces": 4, "face_size": 32})


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_an_image_is_a_clip_of_one_frame_without_sound(tmp_path, params, suffix):
    path = write_image(tmp_path / f"a{suffix}", face(0))
    row = extract_clip(path, params)
    assert (row.error, row.audio_error, row.video_error, row.pcm) == (None, NO_SOUND, None, b"")
    assert (row.n_faces, row.face_times) == (1, (0.0,))  # the one frame once, however many are asked for
    expected = face_of(upright(open_image(path)), 32).crops
    np.testing.assert_array_equal(np.frombuffer(row.faces, np.uint8).reshape(1, 32, 32, 3), expected)
    assert row == extract_clip(path, params)
    facts = json.loads(row.facts)
    kind = {".jpg": "jpeg", ".png": "png"}[suffix]
    assert facts == probe(path) | {"left_right_db": None}
    assert (facts["container"], facts["video_codec"], facts["file_bytes"]) == (
        kind,
        kind,
        path.stat().st_size,
    )
    assert (facts["video_width"], facts["seconds"], facts["audio_codec"]) == (96, None, None)
    assert set(facts) == set(probe(make_clip(tmp_path / "clip.mp4"))) | {"left_right_db"}
    blind = extract_clip(path, params.model_copy(update={"n_faces": 0}))
    assert (blind.error, blind.n_faces, blind.faces) == (None, 0, b"")


def test_the_contents_say_what_a_file_is_and_not_its_name(tmp_path, params):
    image = write_image(tmp_path / "a.png", face(0))
    as_clip = image.rename(tmp_path / "a.mp4")
    assert is_image(as_clip)
    assert extract_clip(as_clip, params).n_faces == 1
    clip = make_clip(tmp_path / "b.mp4", kind="speech").rename(tmp_path / "b.jpg")
    assert not is_image(clip)
    assert extract_clip(clip, params).audio_error is None


def test_the_quality_and_chroma_of_a_jpeg_are_facts_of_its_encoder(tmp_path):
    for quality, subsampling, chroma in ((75, 2, "4:2:0"), (93, 0, "4:4:4"), (10, 1, "4:2:2")):
        path = tmp_path / f"{quality}.jpg"
        Image.fromarray(face(0)).save(path, quality=quality, subsampling=subsampling)
        assert probe(path)["encoder"] == f"quality {quality}, {chroma}"
    exif = Image.Exif()
    exif[SOFTWARE] = "Painter 3"
    Image.fromarray(face(0)).convert("L").save(tmp_path / "grey.jpg", quality=80, exif=exif)
    assert probe(tmp_path / "grey.jpg")["encoder"] == "quality 80, grey; Painter 3"
    assert probe(write_image(tmp_path / "a.png", face(0)))["encoder"] is None


def test_an_image_is_turned_as_its_camera_was(tmp_path):
    pixels = face(1)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned right by a quarter
    path = tmp_path / "turned.png"
    Image.fromarray(np.rot90(pixels)).save(path, exif=exif)
    np.testing.assert_array_equal(upright(open_image(path)), pixels)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path, mode):
    pixels = face(0)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if mode == "I;16":
        made = Image.fromarray(grey.astype(np.uint16) << 8)
    else:
        made = Image.fromarray(pixels)
        made = made.quantize(256) if mode == "P" else made.convert(mode)
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    made.save(path)
    read = upright(open_image(path))
    assert (read.shape, read.dtype) == (pixels.shape, np.uint8)
    expected = np.repeat(grey[..., None], 3, axis=2) if mode in ("L", "LA", "I;16") else pixels
    assert np.abs(read.astype(int) - expected).mean() < (8 if mode in ("P", "CMYK") else 1)


def test_a_face_that_fills_the_image_is_found_and_its_crop_holds_nothing_else(tmp_path):
    whole = face(1, 256)
    box = face_of(whole, 64)
    assert len(box.crops) == 1
    with_less = whole[72:200, 72:200]  # brow and chin are at the border
    crops, times = face_of(with_less, 64)
    assert (len(crops), times) == (1, (0.0,))
    assert crops[0].mean() == pytest.approx(with_less.mean(), abs=25)
    assert len(face_of(np.full((96, 96, 3), 90, np.uint8), 64).crops) == 0


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_bit_flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def head_alone(path):
    path.write_bytes(path.read_bytes()[:20])


def text(path):
    path.write_text("a shopping list")


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("a.jpg", halved, "the image cannot be decoded: image file is truncated"),
        ("a.png", halved, "the image cannot be decoded: image file is truncated"),
        ("a.png", a_bit_flipped, "the image cannot be decoded: "),
        ("a.jpg", head_alone, "the image cannot be decoded: "),
        ("a.png", head_alone, "the image cannot be decoded: "),
        ("a.jpg", text, "neither a clip nor a JPEG or PNG image"),
        ("a.png", empty, "empty file"),
    ],
)
def test_a_damaged_image_says_why(tmp_path, params, name, damage, reason):
    path = write_image(tmp_path / name, face(0))
    damage(path)
    row = extract_clip(path, params)
    assert row.error is not None
    assert row.error.startswith(reason)
    assert "0x" not in row.error
    assert row.audio_error == row.video_error == row.error
    assert (row.n_faces, row.faces, row.facts) == (0, b"", "{}")


def test_damaged_remarks_do_no_harm(tmp_path, params):
    path = tmp_path / "a.jpg"
    Image.fromarray(face(0)).save(path, exif=b"Exif\0\0no exif at all")
    row = extract_clip(path, params)
    assert (row.error, row.n_faces) == (None, 1)
