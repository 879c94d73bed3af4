"""The number of lines in the detector: beside the features, past the backbone and the augmentation."""

import numpy as np
import pytest
import torch

from avfake.errors import UserError
from avfake.explain.grad_cam import cell_heat, feature_map, log_odds
from avfake.explain.lines import Lines, lines_of
from avfake.explain.readout_heat import stage_heat
from avfake.explain.result import lines_text
from avfake.features.frame_lines import level_value
from avfake.model.augmentation import Scale, augment, check
from avfake.model.detector import Detector, build, strongest_line
from avfake.model.ensemble import Ensemble
from avfake.model.inference import window_logits
from avfake.model.saved import load_model, save_model
from avfake.params import FeaturizeParams, load
from avfake.params.train import ReadoutParams
from train_params import train_params
from workspace import ROOT

CPU = torch.device("cpu")
TOY = "test_efficientnet"
SHAPE = (3, 64, 96)  # two pictures and the lines
READOUTS = [None, ReadoutParams(stages=[2, 3], bands=4)]
LEVELS = [0, 40, 250, 120]  # of four rates, the same in all windows
INFO = {"front_end": ["log_mel", "lfcc", "frame_lines"], "shape": list(SHAPE)}


def windows_of(levels: list[int] = LEVELS, n: int = 3) -> np.ndarray:
    """Windows uint8 of random pictures, the last channel as `frame_lines` makes it."""
    windows = np.random.default_rng(0).integers(0, 256, (n, *SHAPE)).astype(np.uint8)
    windows[:, -1] = 0
    windows[:, -1, : len(levels)] = np.array(levels, np.uint8)[:, None]
    return windows


def make(readout: ReadoutParams | None = None, seed: int = 0, **values) -> Detector:
    torch.manual_seed(seed)
    return build(TOY, SHAPE, readout, lines=True, **values)


def featurize(*front_end: str) -> FeaturizeParams:
    params = load(FeaturizeParams, ROOT / "params.yaml")
    rates = params.frame_lines.model_copy(update={"rates": [50.0, 75.0, 86.1328125, 93.75]})
    return params.model_copy(update={"front_end": list(front_end), "frame_lines": rates})


@pytest.mark.parametrize("readout", READOUTS, ids=["end", "stages"])
def test_the_strongest_line_is_one_more_feature_of_a_backbone_that_does_not_see_it(readout):
    with_lines = make(readout)
    without = build(TOY, (SHAPE[0] - 1, *SHAPE[1:]), readout)
    without.audio.load_state_dict(with_lines.audio.state_dict())
    assert with_lines.head.in_features == without.head.in_features + 1
    windows = torch.from_numpy(windows_of())
    with torch.inference_mode():
        found, pictures = with_lines.audio(windows), without.audio(windows[:, :-1])
        torch.testing.assert_close(found[:, :-1], pictures, rtol=0, atol=0)
        torch.testing.assert_close(found[:, -1:], strongest_line(windows[:, -1]), rtol=0, atol=0)
        torch.testing.assert_close(with_lines.audio(windows.float()), found)
    assert found[:, -1].tolist() == pytest.approx([250 / 255 * 10] * 3)


def test_the_strongest_line_is_ten_at_most_and_that_of_each_window():
    channel = torch.zeros(3, 6, 5, dtype=torch.uint8)
    channel[1, 4] = 255
    channel[2, 0], channel[2, 1] = 51, 102
    line = strongest_line(channel)
    assert line.dtype == torch.float32
    torch.testing.assert_close(line, torch.tensor([[0.0], [10.0], [4.0]]))


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2)])
def test_a_mirror_in_time_or_in_rows_does_not_move_it(axes):
    channel = torch.from_numpy(windows_of()[:, -1])
    torch.testing.assert_close(strongest_line(channel.flip(axes)), strongest_line(channel), rtol=0, atol=0)


def test_of_a_mixture_of_windows_it_is_the_mean_over_time():
    channel = torch.zeros(1, 6, 8)
    channel[0, 2, :4], channel[0, 3, 4:] = 255, 51
    assert strongest_line(channel).tolist() == [[5.0]]


def test_differences_of_the_number_are_those_of_the_value():
    a, b = (strongest_line(torch.full((1, 2, 3), level)).item() for level in (200, 50))
    assert a - b == pytest.approx(level_value(200) - level_value(50))


@pytest.mark.parametrize("readout", READOUTS, ids=["end", "stages"])
def test_a_saved_detector_still_has_its_lines(tmp_path, readout):
    detector = make(readout)
    stages = {"stages": [], "bands": 4} if readout is None else readout.model_dump()
    facts = {"backbone": TOY, "features": INFO, "train": {"readout": stages, "pooling": "mean"}, "prior": 0.5}
    save_model(tmp_path, detector, facts)
    saved = load_model(tmp_path)
    assert saved.detector.audio.lines
    assert saved.image_shape == (2, *SHAPE[1:])
    assert saved.shape == SHAPE
    windows = torch.from_numpy(windows_of())
    with torch.inference_mode():
        torch.testing.assert_close(saved.detector(windows), detector(windows))


EVERYTHING = {
    "time_masks": 2, "time_mask_share": 0.5, "band_masks": 2, "band_mask_share": 0.5, "high_cut": 1.0,
    "tilt_db": 3.0, "gain_db": 3.0, "noise_db": 3.0,
}  # fmt: skip


@pytest.mark.parametrize("changes", [EVERYTHING, *({name: 2} for name in ("gain_db", "noise_db"))])
@pytest.mark.parametrize("normalise", ["peak", "band"])
def test_augmentation_leaves_the_lines_as_they_are(changes, normalise):
    windows = windows_of(n=8)
    params = train_params(changes).augmentation
    scale = Scale.of({**INFO, "params": {"normalise": normalise, "dynamic_range": 80.0}})
    assert scale.lines
    assert scale.spectra.tolist() == [True, False, False]
    changed = augment(windows, params, scale, np.random.default_rng(0))
    np.testing.assert_array_equal(changed[:, -1], windows[:, -1])
    assert all((changed[:, channel] != windows[:, channel]).any() for channel in (0, 1))
    # what is not the channel of lines is changed wherever it stands
    pictures = Scale.of(
        {"front_end": ["log_mel"] * 3, "params": {"normalise": normalise, "dynamic_range": 80.0}}
    )
    assert not pictures.lines
    assert (augment(windows, params, pictures, np.random.default_rng(0))[:, -1] != windows[:, -1]).any()


def test_lines_are_no_frequencies_to_be_tilted():
    params = {"normalise": "peak", "dynamic_range": 80.0}
    tilted = train_params({"tilt_db": 1.0}).augmentation
    with pytest.raises(UserError, match="tilt_db"):
        check(tilted, Scale.of({"front_end": ["lfcc", "frame_lines"], "params": params}))
    check(tilted, Scale.of({"front_end": ["log_mel", "frame_lines"], "params": params}))


def bias_of(detector: Detector) -> float:
    real, fake = detector.head.bias.tolist()
    return fake - real


@pytest.mark.parametrize("stages", [[2], [2, 3]])
def test_the_mean_of_the_heat_the_lines_and_the_bias_are_the_log_odds(stages):
    detector, windows = make(ReadoutParams(stages=stages, bands=4)), windows_of()
    heat = stage_heat(detector, windows, batch_size=2)
    lines = lines_of(detector, windows, featurize(*INFO["front_end"]))
    logits = window_logits(detector, windows, 2, CPU)
    assert abs(lines.log_odds) > 0.01
    np.testing.assert_allclose(
        heat.mean(axis=(1, 2)) + lines.log_odds + bias_of(detector), logits[:, 1] - logits[:, 0], atol=1e-5
    )


def test_so_they_are_where_the_heat_is_that_of_the_networks_end():
    detector, windows = make(), windows_of()
    _, layer = feature_map(detector.audio.backbone, (2, *SHAPE[1:]))
    heat = cell_heat(lambda batch: log_odds(detector(batch)), detector, layer, windows, 2)
    lines = lines_of(detector, windows, featurize(*INFO["front_end"]))
    logits = window_logits(detector, windows, 2, CPU)
    np.testing.assert_allclose(
        heat.mean(axis=(1, 2)) + lines.log_odds + bias_of(detector), logits[:, 1] - logits[:, 0], atol=1e-4
    )


def test_what_lines_add_is_what_is_missing_without_them():
    detector, windows = make(), windows_of()
    odds, quiet = (
        float(np.diff(window_logits(detector, shown, 2, CPU)[0])[0]) for shown in (windows, windows_of([]))
    )
    assert lines_of(detector, windows, featurize("log_mel", "frame_lines")).log_odds == pytest.approx(
        odds - quiet, abs=1e-5
    )


def test_the_strongest_rate_is_named_with_its_value():
    detector, params = make(), featurize(*INFO["front_end"])
    found = lines_of(detector, windows_of(), params)
    assert found.rate == 86.1328125
    assert found.value == level_value(250)
    found = lines_of(detector, windows_of([7, 0, 0, 0]), params)
    assert (found.rate, found.value) == (50.0, level_value(7))
    found = lines_of(detector, windows_of([0, 0, 0, 0]), params)
    assert found.value is None
    assert found.log_odds == 0


def test_without_the_front_end_there_are_no_lines_to_explain():
    assert lines_of(build(TOY, SHAPE), windows_of(), featurize("log_mel", "lfcc", "cqt")) is None


def test_of_an_ensemble_it_is_the_mean_over_members():
    members, params = [make(seed=seed) for seed in (0, 1)], featurize(*INFO["front_end"])
    each = [lines_of(member, windows_of(), params).log_odds for member in members]
    found = lines_of(Ensemble(members), windows_of(), params)
    assert found.log_odds == pytest.approx(np.mean(each))
    assert abs(each[0] - each[1]) > 1e-3


def test_what_a_head_that_is_not_linear_adds_is_not_known():
    found = lines_of(make(pooling="attention"), windows_of(), featurize(*INFO["front_end"]))
    assert found == Lines(86.1328125, level_value(250), None)


@pytest.mark.parametrize(
    ("value", "odds", "text"),
    [
        (11.5, 0.504, "lines at multiples of 93.75 Hz, 11.5 standard deviations: +0.50 log-odds of fake"),
        (2.04, -1.0, "lines at multiples of 93.75 Hz, 2.0 standard deviations: -1.00 log-odds of fake"),
        (2.04, None, "lines at multiples of 93.75 Hz, 2.0 standard deviations"),
        (None, 0.0, "no lines at multiples of a known frame rate"),
        (None, None, "no lines at multiples of a known frame rate"),
    ],
)
def test_lines_as_a_line_of_text(value, odds, text):
    assert lines_text({"rate": 93.75, "value": value, "log_odds": odds}) == text
