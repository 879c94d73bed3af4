"""Tools that change the picture and keep the label: what they change, and what they must not."""

import numpy as np
import pytest
from pydantic import ValidationError

from face_pictures import applied, frames_of, picture_of, speaking

TOOLS = ("h264", "picture_noise", "picture_blur", "picture_light")
IRREGULAR = [0, 512, 1400, 1500, 4000]


def flat(level: int, size: int = 64, n: int = 3):
    return [np.full((size, size, 3), level, np.uint8)] * n


@pytest.mark.parametrize("name", TOOLS)
def test_size_times_and_input_are_kept_and_the_result_can_be_read_twice(name):
    frames = [pixels.copy() for pixels in speaking(0)[:5]]
    before = [pixels.copy() for pixels in frames]
    picture = picture_of(frames, IRREGULAR)
    edited = applied(name, picture)
    made = frames_of(edited)
    assert [frame.pts for frame in made] == IRREGULAR
    assert edited.picture.time_base == picture.time_base
    assert all(frame.pixels.dtype == np.uint8 and frame.pixels.shape == (128, 128, 3) for frame in made)
    again = (frames_of(edited), frames_of(applied(name, picture)))
    for others in again:
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(made, others, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(frames, before, strict=True))
    if name != "h264":
        assert all(np.any(a.pixels != b) for a, b in zip(made, before, strict=True))


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 6), (16, 16)])
def test_pictures_of_a_few_pixels_and_without_colours(name, shape):
    frames = [np.full((*shape, 3), level, np.uint8) for level in (0, 128, 255)]
    made = frames_of(applied(name, picture_of(frames)))
    assert [frame.pixels.shape for frame in made] == [(*shape, 3)] * 3
    assert all(np.ptp(frame.pixels, axis=2).max() == 0 for frame in made), "no colours come in"


def test_compression_leaves_the_frames_to_the_encoder():
    frames = speaking(0)[:3]
    picture = picture_of(frames)
    rates = {applied("h264", picture, seed, crf=[30, 33]).crf for seed in range(30)}
    assert rates == {30, 31, 32, 33}
    made = frames_of(applied("h264", picture))
    assert all(np.array_equal(frame.pixels, pixels) for frame, pixels in zip(made, frames, strict=True))


def test_noise_has_the_strength_asked_for_and_is_other_in_every_frame():
    first, second, _ = frames_of(applied("picture_noise", picture_of(flat(128)), sigma=[6, 6], colour=False))
    grain = first.pixels.astype(float) - 128
    assert grain.std() == pytest.approx(6, rel=0.05)
    assert abs(grain.mean()) < 0.5
    assert np.array_equal(first.pixels[..., 0], first.pixels[..., 2])
    assert abs(np.corrcoef(grain[..., 0].ravel(), second.pixels[..., 0].ravel())[0, 1]) < 0.1


def test_noise_in_colour_differs_between_the_channels():
    first = frames_of(applied("picture_noise", picture_of(flat(128)), sigma=[6, 6], colour=True))[0].pixels
    assert abs(np.corrcoef(first[..., 0].ravel(), first[..., 1].ravel())[0, 1]) < 0.1
    assert first.astype(float).std() == pytest.approx(6, rel=0.05)


def test_more_blur_leaves_less_detail_and_none_leaves_all():
    picture = picture_of(speaking(0)[:1])

    def detail(sigma):
        made = frames_of(applied("picture_blur", picture, sigma=[sigma, sigma]))[0].pixels
        return np.abs(np.diff(made.astype(float), axis=0)).mean()

    assert detail(0) == np.abs(np.diff(speaking(0)[0].astype(float), axis=0)).mean()
    assert detail(0) > detail(0.8) > detail(2) > detail(6)


def test_light_follows_its_parameters():
    picture = picture_of(flat(100))
    same = {"brightness": [0, 0], "contrast": [1, 1], "gamma": [1, 1]}

    def level(**params):
        return frames_of(applied("picture_light", picture, **{**same, **params}))[0].pixels[0, 0].tolist()

    assert level() == [100] * 3
    assert level(brightness=[20, 20]) == [120] * 3
    assert level(contrast=[2, 2]) == [72] * 3  # 127.5 - 2 * 27.5 = 72.5, rounded to even
    assert level(gamma=[2, 2]) == [39] * 3  # 255 * (100 / 255) ** 2
    assert level(brightness=[-128, -128]) == [0] * 3


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("h264", {"crf": [20.5, 30]}, "whole numbers"),
        ("h264", {"crf": [20, 52]}, "between 0 and 51"),
        ("picture_noise", {"sigma": [-1, 2]}, "between"),
        ("picture_noise", {"sigma": [3, 2]}, "must not be above"),
        ("picture_blur", {"sigma": [1, 200]}, "between"),
        ("picture_light", {"gamma": [0, 1]}, "between"),
    ],
)
def test_nonsense_is_refused_by_name(name, params, said):
    with pytest.raises(ValidationError, match=said) as caught:
        applied(name, picture_of(flat(0)), **params)
    assert caught.value.errors()[0]["loc"] == tuple(params)
