"""Tools that change the picture and keep the label."""

from typing import Annotated

import cv2
import numpy as np

from avfake.forge.bounds import draw_count, each, within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.pictures import Retouch, picture_of, picture_tool, retouched
from avfake.forge.take import Edited, Take

_WHOLE = each(lambda value: value == int(value), "must be whole numbers")


class H264Params(ToolParams):
    """`crf`: constant rate factor of libx264, 0 (no loss) to 51 (worst), whole numbers."""

    crf: Annotated[Range, within(0, 51), _WHOLE]


class NoiseParams(ToolParams):
    """`sigma`: standard deviation of the noise, in levels of 255; `colour`: each channel has its own, or
    all three have the same."""

    sigma: Annotated[Range, within(0, 64)]
    colour: bool


class BlurParams(ToolParams):
    """`sigma`: standard deviation of the Gaussian, in pixels."""

    sigma: Annotated[Range, within(0, 20)]


class LightParams(ToolParams):
    """`brightness`: levels of 255 that are added; `contrast`: by which the distance from the middle level is
    multiplied; `gamma`: exponent of the levels from 0 to 1, applied first."""

    brightness: Annotated[Range, within(-128, 128)]
    contrast: Annotated[Range, within(0.2, 3)]
    gamma: Annotated[Range, within(0.2, 5)]


def h264(take: Take, params: H264Params, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """The same frames, compressed."""
    return Edited(picture=picture_of(take), crf=draw_count(params.crf, rng))


def noise(take: Take, params: NoiseParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """Gaussian noise, other in every frame."""
    sigma = np.float32(draw(params.sigma, rng))
    seed = int(rng.integers(2**63))

    def begin() -> Retouch:
        frames_rng = np.random.default_rng(seed)

        def change(pixels: np.ndarray) -> np.ndarray:
            shape = pixels.shape if params.colour else (*pixels.shape[:2], 1)
            grain = frames_rng.standard_normal(shape, dtype=np.float32) * sigma
            return np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)

        return change

    return Edited(picture=retouched(picture_of(take), begin))


def blur(take: Take, params: BlurParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """The same Gaussian blur in every frame."""
    sigma = draw(params.sigma, rng)

    def change(pixels: np.ndarray) -> np.ndarray:
        # OpenCV takes 0 for "find a sigma yourself".
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma)) if sigma > 0 else pixels

    return Edited(picture=retouched(picture_of(take), lambda: change))


def light(take: Take, params: LightParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """The same curve of levels in every frame and channel."""
    brightness, contrast = draw(params.brightness, rng), draw(params.contrast, rng)
    gamma = draw(params.gamma, rng)
    levels = 255.0 * (np.arange(256) / 255.0) ** gamma
    curve = (levels - 127.5) * contrast + 127.5 + brightness
    table = np.clip(np.rint(curve), 0, 255).astype(np.uint8)
    return Edited(picture=retouched(picture_of(take), lambda: lambda pixels: table[pixels]))


TOOLS: tuple[DeclaredTool, ...] = (
    picture_tool(
        "h264",
        "keeps",
        "the picture compressed once more by H.264",
        "ITU-T H.264, FFmpeg's encoder libx264",
        H264Params,
        {"crf": [30, 36]},
        h264,
        packages=(),
        licence="GPL-2.0-or-later (x264)",
    ),
    picture_tool(
        "picture_noise",
        "keeps",
        "Gaussian noise in the picture, other in every frame",
        "this repository",
        NoiseParams,
        {"sigma": [4.0, 10.0], "colour": False},
        noise,
        packages=(),
        licence="MIT",
    ),
    picture_tool(
        "picture_blur",
        "keeps",
        "the picture blurred by a Gaussian",
        "OpenCV",
        BlurParams,
        {"sigma": [0.8, 2.0]},
        blur,
    ),
    picture_tool(
        "picture_light",
        "keeps",
        "brightness, contrast and gamma of the picture changed, the same in all frames",
        "this repository",
        LightParams,
        {"brightness": [-20.0, 20.0], "contrast": [0.8, 1.2], "gamma": [0.8, 1.25]},
        light,
        packages=(),
        licence="MIT",
    ),
)
