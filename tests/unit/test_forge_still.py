"""The forging tools on still images."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin, PngImagePlugin

from avfake.forge.declared import DeclaredTool, ToolParams
from avfake.forge.make import derive
from avfake.forge.plan import derived_name
from avfake.forge.registry import TOOLS
from avfake.forge.take import Edited
from avfake.media.errors import ClipError
from avfake.media.image import NO_SOUND
from avfake.media.probe import probe
from images import face, write_image

ON_IMAGES = {"picture_noise", "picture_blur", "picture_light", "self_blend", "face_blend", "face_warp"}
ONE_FRAME = {"mouth", "frame_repeat", "frame_drop"}
UNCHANGED = DeclaredTool(
    "unchanged", 1, "keeps", "picture", frozenset({"picture"}), (), "MIT", "nothing", "nobody", ToolParams,
    {}, lambda take, *_: Edited(picture=take.picture),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two faces of another size each, odd in both directions."""
    folder = tmp_path_factory.mktemp("images")
    for suffix in (".jpg", ".png"):
        for seed, size in ((0, 129), (1, 151)):
            write_image(folder / f"{seed}{suffix}", face(seed, size))
    return folder


def made(path: Path, tool: DeclaredTool, seed: int = 3) -> Image.Image:
    partner = path.with_name(f"1{path.suffix}") if tool.needs_partner else None
    image = Image.open(
        io.BytesIO(derive(path, tool, tool.params.model_validate(tool.example), seed, partner))
    )
    image.load()
    return image


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_tool_makes_an_image_of_the_same_kind_or_says_why_not(folder, name):
    path, tool = folder / "0.jpg", TOOLS[name]
    if name in ON_IMAGES:
        image = made(path, tool)
        before = Image.open(path)
        assert (image.format, image.size, image.mode) == (before.format, before.size, before.mode)
        assert image.quantization == before.quantization
        assert np.abs(np.asarray(image).astype(int) - np.asarray(before)).mean() > 0.3
        return
    with pytest.raises(ClipError) as caught:
        made(path, tool)
    if name in ONE_FRAME:
        assert "too few" in caught.value.reason
    elif tool.changes == "picture":
        assert caught.value.reason == "a still image does not have what the tool changes"
    else:
        assert caught.value.reason == NO_SOUND


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder):
    path, tool = folder / "0.png", TOOLS["picture_noise"]
    params = tool.params.model_validate(tool.example)
    first, again, other = (derive(path, tool, params, seed, None) for seed in (1, 1, 2))
    assert first == again != other
    assert Image.open(io.BytesIO(first)).format == "PNG"


def test_what_is_not_changed_tells_nothing(tmp_path):
    pixels = face(0)
    exif = Image.Exif()
    exif[0x0131] = "Painter 3"
    for name, options in {
        "a.jpg": {
            "quality": 71,
            "subsampling": 0,
            "progressive": True,
            "exif": exif,
            "icc_profile": b"colours",
        },
        "grey.jpg": {"quality": 88},
    }.items():
        source = Image.fromarray(pixels)
        (source.convert("L") if name == "grey.jpg" else source).save(tmp_path / name, **options)
        image, before = made(tmp_path / name, UNCHANGED), Image.open(tmp_path / name)
        assert (image.mode, image.quantization) == (before.mode, before.quantization)
        for key in ("progressive", "icc_profile"):
            assert image.info.get(key) == before.info.get(key)
        if image.mode == "RGB":
            assert JpegImagePlugin.get_sampling(image) == 0
            assert image.getexif()[0x0131] == "Painter 3"

    said = PngImagePlugin.PngInfo()
    said.add_text("Software", "Painter 3")
    alpha = np.full(pixels.shape[:2], 200, np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "a.png", pnginfo=said)
    image = made(tmp_path / "a.png", UNCHANGED)
    np.testing.assert_array_equal(np.asarray(image), np.dstack([pixels, alpha]))
    assert image.info["Software"] == "Painter 3"
    assert probe(tmp_path / "a.png")["encoder"] == "Painter 3"


def test_derived_images_keep_their_suffix():
    assert derived_name("r", 0, "a.PNG").endswith(".PNG")
    assert derived_name("r", 0, "a.jpeg").endswith(".jpeg")
    assert derived_name("r", 0, "a.webm").endswith(".mp4")
