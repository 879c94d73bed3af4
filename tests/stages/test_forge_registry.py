"""What every tool of the registry must keep, whatever it does."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from avfake.dataset.sample.picture import animated, photographs, still
from avfake.errors import UserError
from avfake.forge.declared import DeclaredTool, installed
from avfake.forge.registry import TOOLS, check_packages, check_params, tool_named
from avfake.forge.take import Edited, Frame, Picture, Sound, Take

RATE = 16000
SIZE, FRAMES, FRAME_RATE = 128, 24, 20
# Tools that draw nothing, or nothing that this clip shows.
SAME_FOR_ALL_SEEDS = frozenset({"recode", "h264", "hifigan", "silence_trim", "sound_of_other"})


@cache
def voice(pitch: float, seed: int) -> np.ndarray:
    """float32 [1.6 s]: harmonics under two moving formants, with pauses and a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(1.6 * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 2.5 * t))) / RATE
    sound = np.zeros(len(t))
    for harmonic in range(1, int(0.45 * RATE / (1.1 * pitch))):
        at = harmonic * pitch
        level = sum(
            np.exp(-(((at - centre * (1 + 0.15 * np.sin(2 * np.pi * rate * t))) / 180) ** 2))
            for centre, rate in ((600, 1.5), (1500, 2.1), (2700, 0.9))
        )
        sound += (0.02 / harmonic + level) * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 1.9 * t + 0.3) + 0.4, 0, 1)
    sound = sound * syllables + 0.003 * rng.standard_normal(len(t))
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


@cache
def faces(photograph: int) -> tuple[np.ndarray, ...]:
    """A photograph of a face in motion, uint8 [h, w, 3] each."""
    picture, marks = still(photographs()[photograph], SIZE, 3)
    mouth = 0.5 + 0.5 * np.sin(np.arange(FRAMES))
    return tuple(animated(picture, marks, mouth, FRAME_RATE, 4))


def picture_of(frames: tuple[np.ndarray, ...]) -> Picture:
    def read() -> Iterator[Frame]:
        return (Frame(512 * number, pixels.copy()) for number, pixels in enumerate(frames))

    return Picture(SIZE, SIZE, Fraction(1, 512 * FRAME_RATE), read)


def a_take(first: bool) -> Take:
    sound = Sound(voice(120.0, 1) if first else voice(210.0, 2), RATE)
    return Take(sound, picture_of(faces(0 if first else 1)))


def applied(tool: DeclaredTool, seed: int, take: Take | None = None) -> tuple[Edited, list[np.ndarray]]:
    """What the tool gives back with its example's parameters: sound and then frames as arrays."""
    take = take or a_take(True)
    if tool.changes == "picture":
        take = Take(None, take.picture)
    params = check_params(tool, tool.example, "the example")
    edited = tool.apply(
        take, params, np.random.default_rng(seed), a_take(False) if tool.needs_partner else None
    )
    arrays = [] if edited.sound is None else [edited.sound.samples]
    if edited.picture is not None:
        arrays += [np.append(frame.pixels, frame.pts % 256) for frame in edited.picture.frames()]
    return edited, arrays


@cache
def first_result(name: str) -> tuple[Edited, list[np.ndarray]]:
    return applied(TOOLS[name], 5)


def differ(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return len(some) != len(others) or any(
        a.shape != b.shape or (a != b).any() for a, b in zip(some, others, strict=True)
    )


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_a_tool_is_a_pure_function_of_clip_seed_and_parameters(tool):
    sound, frames = voice(120.0, 1).copy(), [pixels.copy() for pixels in faces(0)]
    edited, once = first_result(tool.name)
    assert not differ(once, applied(tool, 5)[1])
    np.testing.assert_array_equal(voice(120.0, 1), sound)
    for pixels, before in zip(faces(0), frames, strict=True):
        np.testing.assert_array_equal(pixels, before)

    if tool.name not in SAME_FOR_ALL_SEEDS:
        assert any(differ(once, applied(tool, seed)[1]) for seed in (6, 7, 8))

    if edited.sound is not None:
        made = edited.sound.samples
        assert (made.dtype, made.ndim, edited.sound.rate) == (np.float32, 1, RATE)
        assert np.isfinite(made).all()
        assert np.abs(made).max() < 4
        if edited.begins == 0 and edited.speed == 1:
            assert len(made) == len(sound)
    if edited.picture is not None:
        made = edited.picture
        assert (made.width, made.height, made.time_base) == (SIZE, SIZE, Fraction(1, 512 * FRAME_RATE))
        times = [frame.pts for frame in made.frames()]
        assert times == sorted(set(times))
        assert times[0] == 0
        for frame in made.frames():
            assert (frame.pixels.dtype, frame.pixels.shape) == (np.uint8, (SIZE, SIZE, 3))


@pytest.mark.parametrize(
    "tool", [tool for tool in TOOLS.values() if tool.label == "fake"], ids=lambda tool: tool.name
)
def test_a_forgery_is_another_clip_of_about_the_same_loudness(tool):
    edited, arrays = first_result(tool.name)
    assert arrays
    if edited.sound is not None:
        sound, made = voice(120.0, 1), edited.sound.samples
        assert np.abs(made - sound).max() > 0.01
        assert abs(10 * np.log10(np.mean(made**2) / np.mean(sound**2))) < 3
    if edited.picture is not None:
        made = {frame.pts: frame.pixels for frame in edited.picture.frames()}
        before = {frame.pts: frame.pixels for frame in picture_of(faces(0)).frames()}
        assert set(made) != set(before) or any((made[pts] != before[pts]).any() for pts in before)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_a_tool_says_all_that_it_must(tool):
    assert tool.version >= 1
    assert tool.licence
    assert tool.origin
    assert tool.description
    assert "\n" not in tool.description
    assert "|" not in tool.description + tool.origin + tool.licence  # a table of the documentation
    assert all(installed(name) for name in tool.packages), "the lock file has every tool's packages"
    assert {"sound": "sound", "picture": "picture", "pair": "sound"}[tool.changes] in tool.needs


def test_names_are_unique_and_every_default_generator_keeps_its_name():
    assert {"world", "griffin_lim", "hifigan", "face_blend", "face_warp"} <= set(TOOLS)
    assert all(tool.label == "fake" for tool in TOOLS.values() if tool.changes == "pair")


def test_an_unknown_tool_is_refused_with_the_nearest_name():
    with pytest.raises(
        UserError, match=r"recipe buzz: there is no tool `hifigam`; did you mean hifigan\?"
    ) as error:
        tool_named("hifigam", "recipe buzz")
    assert "world" in error.value.remedy


def test_wrong_parameters_are_named_one_by_one():
    tool = TOOLS["noise"]
    with pytest.raises(UserError, match="recipe loud: parameters of noise") as error:
        check_params(tool, {**tool.example, "volume": 3}, "recipe loud")
    assert "volume" in error.value.message
    with pytest.raises(UserError) as error:
        check_params(tool, {}, "recipe loud")
    assert all(name in error.value.message for name in tool.params.model_fields)


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr("avfake.forge.declared.installed", lambda name: None if name == "pyworld" else "1")
    with pytest.raises(
        UserError, match=r"recipe w: .*world needs packages that are not installed: pyworld"
    ) as error:
        check_packages(TOOLS["world"], "recipe w")
    assert "avfake[forge]" in error.value.remedy
