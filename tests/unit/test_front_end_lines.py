"""The front end `frame_lines`: a channel of numbers beside the pictures, and what cannot be."""

import numpy as np
import pytest

from avfake.errors import UserError
from avfake.features.frame_lines import frame_lines, line_levels
from avfake.features.front_ends import compute, has_lines, settings_of, shape_of
from avfake.media.pcm import from_pcm, to_pcm
from avfake.params import FeaturizeParams, FrameLinesParams, load
from workspace import ROOT

RATE = 22050


def params_of(*front_end: str, **changes) -> FeaturizeParams:
    """The shipped settings with other front ends; `frame_lines={"fmax": 7000.0}` changes one of those."""
    params = load(FeaturizeParams, ROOT / "params.yaml")
    update = {"front_end": list(front_end), "window_frames": 64, "window_hop": 64}
    for name, value in changes.items():
        nested = isinstance(value, dict)
        update[name] = getattr(params, name).model_copy(update=value) if nested else value
    return params.model_copy(update=update)


@pytest.fixture(scope="module")
def kept() -> tuple[np.ndarray, int]:
    """Noise with weak lines at multiples of 93.75 Hz, as the pipeline keeps sound."""
    rng = np.random.default_rng(0)
    time = np.arange(round(1.5 * RATE)) / RATE
    sound = 0.1 * rng.standard_normal(len(time))
    for number in range(1, 85):
        sound += 0.0015 * np.sin(2 * np.pi * number * 93.75 * time + rng.uniform(0, 2 * np.pi))
    return to_pcm(sound.astype(np.float32))


@pytest.mark.parametrize("pictures", [["log_mel"], ["log_mel", "cqt"]])
@pytest.mark.parametrize("trim_db", [None, 40.0])
def test_the_other_channels_keep_their_bytes(kept, pictures, trim_db):
    pcm, shift = kept
    alone = compute(pcm, RATE, params_of(*pictures, trim_db=trim_db), shift)
    params = params_of(*pictures, "frame_lines", trim_db=trim_db)
    joined = compute(pcm, RATE, params, shift)
    assert joined.dtype == np.uint8
    assert joined[:, :-1].tobytes() == alone.tobytes()
    assert joined.shape == (len(alone), *shape_of(params, RATE))
    assert shape_of(params, RATE) == (len(pictures) + 1, *alone.shape[2:])


def test_the_last_channel_has_the_level_of_a_rate_in_every_frame_of_its_row(kept):
    pcm, shift = kept
    params = params_of("log_mel", "frame_lines")
    windows = compute(pcm, RATE, params, shift)
    assert len(windows) > 2
    channel = windows[:, -1]
    assert (channel == channel[:1, :, :1]).all()
    rates = params.frame_lines.rates
    levels = line_levels(frame_lines(from_pcm(pcm, shift), RATE, params.frame_lines))
    np.testing.assert_array_equal(channel[0, : len(rates), 0], levels)
    assert rates[int(levels.argmax())] == 93.75
    assert 0 < levels.max() <= 255
    assert 0 in levels
    assert not channel[:, len(rates) :].any()


@pytest.mark.parametrize("normalise", ["peak", "band", "band_std"])
def test_normalisation_and_trimming_do_not_touch_the_numbers(kept, normalise):
    pcm, shift = kept
    first = compute(pcm, RATE, params_of("log_mel", "frame_lines"), shift)[0, -1]
    other = params_of("log_mel", "frame_lines", normalise=normalise, trim_db=30.0)
    np.testing.assert_array_equal(compute(pcm, RATE, other, shift)[0, -1], first)


@pytest.mark.parametrize("n", [1, 255, RATE - 1])
def test_sound_too_short_for_lines_has_none(n):
    params = params_of("log_mel", "frame_lines")
    windows = compute(np.full(n, 100, np.int16), RATE, params)
    assert windows.shape[1:] == shape_of(params, RATE)
    assert not windows[:, -1].any()


def test_as_many_rates_as_rows_are_enough():
    rates = [50.0, 62.5, 75.0, 80.0]
    both = params_of("log_mel", "frame_lines", log_mel={"n_mels": 4}, frame_lines={"rates": rates})
    assert shape_of(both, RATE) == (2, 4, 64)


@pytest.mark.parametrize(
    ("params", "rate", "message"),
    [
        (params_of("log_mel", "frame_lines", log_mel={"fmax": 5000.0}), 12000, r"frame_lines\.fmax: 7900 Hz"),
        (
            params_of("log_mel", "frame_lines", log_mel={"n_mels": 9}),
            RATE,
            r"frame_lines\.rates: 10 rates do not fit into the 9 rows",
        ),
        (params_of("log_mel", "lfcc", "frame_lines", lfcc={"deltas": 2}), RATE, "log_mel 128, lfcc 192"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_remedy(params, rate, message):
    with pytest.raises(UserError, match=message) as caught:
        compute(np.ones(100, np.int16), rate, params)
    assert caught.value.remedy
    with pytest.raises(UserError, match=message):
        shape_of(params, rate)


def test_lines_that_are_not_asked_for_may_lie_above_half_of_the_sample_rate():
    windows = compute(np.ones(100, np.int16), 12000, params_of("log_mel", log_mel={"fmax": 5000.0}))
    assert windows.shape[1] == 1


@pytest.mark.parametrize(
    ("front_end", "message"),
    [
        (["frame_lines"], "frame_lines stands last, behind another front end"),
        (["frame_lines", "log_mel"], "frame_lines stands last, behind another front end"),
        (["log_mel", "frame_lines", "cqt"], "frame_lines stands last, behind another front end"),
        (["log_mel", "frame_lines", "frame_lines"], "front_end names one twice: log_mel, frame_lines"),
        (["baseline_image", "frame_lines"], "baseline_image is a picture of its own size and stands alone"),
    ],
)
def test_lines_stand_last_and_not_alone(front_end, message):
    tree = params_of("log_mel").model_dump()
    with pytest.raises(ValueError, match=message):
        FeaturizeParams.model_validate(tree | {"front_end": front_end})
    FeaturizeParams.model_validate(tree | {"front_end": ["log_mel", "cqt", "frame_lines"]})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rates": [50.0, 62.5, 50.0]}, "rates names one twice"),
        ({"rates": []}, "at least 1 item"),
        ({"rates": [50.0, 19.0]}, r"rates\.1\n.*greater than or equal to 20"),
        ({"rates": [501.0]}, r"rates\.0\n.*less than or equal to 500"),
        ({"fmin": 0.0}, r"fmin\n.*greater than 0"),
        ({"fmax": 1100.0}, r"fewer than 8 multiples of 110\.25 Hz lie between fmin and fmax"),
        ({"fmin": 7900.0}, "fewer than 8 multiples of 50 Hz lie between fmin and fmax"),
    ],
)
def test_rates_and_ranges_that_cannot_be_are_refused(values, message):
    tree = params_of("log_mel").frame_lines.model_dump()
    assert FrameLinesParams.model_validate(tree)
    with pytest.raises(ValueError, match=message):
        FrameLinesParams.model_validate(tree | values)


def test_a_wrong_setting_of_lines_is_named_with_its_line(tmp_path):
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    assert "rates: [50.0, " in text
    path.write_text(text.replace("rates: [50.0, ", "rates: [62.5, ", 1))
    with pytest.raises(UserError, match=r"line \d+: `featurize.frame_lines`: rates names one twice"):
        load(FeaturizeParams, path)


def test_eight_multiples_are_enough():
    assert FrameLinesParams(rates=[100.0], fmin=300.0, fmax=1100.0).rates == [100.0]
    with pytest.raises(ValueError, match="fewer than 8 multiples of 100 Hz"):
        FrameLinesParams(rates=[100.0], fmin=300.0, fmax=1099.0)


def test_settings_of_lines_count_where_they_are_chosen_alone():
    change = {"frame_lines": {"fmax": 7000.0}}
    without, joined = settings_of(params_of("log_mel")), settings_of(params_of("log_mel", "frame_lines"))
    assert "frame_lines" not in without
    assert without == settings_of(params_of("log_mel", **change))
    assert joined["frame_lines"]["fmax"] == 7900.0
    assert joined.keys() == without.keys() | {"frame_lines"}
    assert joined != settings_of(params_of("log_mel", "frame_lines", **change))


def test_features_say_whether_they_have_lines():
    assert has_lines({"front_end": ["log_mel", "frame_lines"]})
    assert not has_lines({"front_end": ["log_mel"]})
    assert not has_lines({})
