"""Seconds, bands, overlapping windows and regions, each against figures done by hand."""

import numpy as np
import pytest

from avfake.explain.axis import axis_hz
from avfake.explain.regions import grid_of, regions_of
from avfake.explain.time_line import (
    curve_of,
    overlapped,
    picture_line,
    spectrogram_line,
    windows_of,
)
from avfake.features.baseline import SAMPLE_RATE, SIZE, image_of
from avfake.features.windows import cut_windows
from clips import tone

RATE, HOP = 1000, 100


def test_windows_stand_for_the_seconds_that_their_frames_do():
    # 11 frames with their middles at 0, 0.1, ..., 1.0 s; the last one's half goes to the end of the sound
    line = spectrogram_line(1040, RATE, HOP, (4, 3))
    assert line.n_frames == 11
    np.testing.assert_allclose(line.edges[[0, 1, 2, 10, 11]], [0, 0.05, 0.15, 0.95, 1.04])
    np.testing.assert_allclose(line.spans(), [(0, 0.35), (0.25, 0.65), (0.55, 0.95), (0.65, 1.04)])


def test_what_trimming_cut_off_is_not_forgotten():
    line = spectrogram_line(1040, RATE, HOP, (4, 3), kept=slice(3, 9))
    assert line.n_frames == 6
    np.testing.assert_allclose(line.spans(), [(0.25, 0.65), (0.45, 0.85)])


def test_frames_are_those_that_the_windows_were_cut_from():
    picture = np.arange(22, dtype=np.uint8).reshape(2, 11)
    for n_samples, size in ((1040, (4, 3)), (1040, (16, 8))):
        line = spectrogram_line(n_samples, RATE, HOP, size)
        windows = cut_windows(picture, *size)
        np.testing.assert_array_equal(windows, picture[:, line.frames].swapaxes(0, 1))
        # laid over each other they are the picture again, a short clip's repetitions too
        np.testing.assert_array_equal(overlapped(windows, line), picture)
    assert line.spans() == [(0, 1.04)]


def test_overlapping_parts_are_averaged():
    line = spectrogram_line(500, RATE, HOP, (4, 2))
    parts = np.stack([np.full((1, 4), 1.0), np.full((1, 4), 4.0)])
    np.testing.assert_allclose(overlapped(parts, line), [[1, 1, 2.5, 2.5, 4, 4]])


def test_the_curve_has_a_step_where_a_window_begins_or_ends():
    line = spectrogram_line(500, RATE, HOP, (4, 2))
    assert windows_of([0.2, 0.6], line) == [(0.0, 0.35, 0.2), (0.15, 0.5, 0.6)]
    curve = curve_of([0.2, 0.6], line)
    np.testing.assert_allclose(curve, [(0, 0.15, 0.2), (0.15, 0.35, 0.4), (0.35, 0.5, 0.6)])


def test_a_picture_of_the_whole_clip_has_its_length():
    line = picture_line(3.0, 6)
    np.testing.assert_allclose(line.edges, np.arange(7) / 2)
    assert line.spans() == [(0, 3.0)]


@pytest.mark.parametrize("hertz", [150, 440, 2500, 9000])
def test_rows_of_the_baselines_picture(hertz):
    axis = axis_hz("baseline_image", {}, SAMPLE_RATE, SIZE)
    row = int(image_of(tone(1.0, SAMPLE_RATE, hertz)).mean(axis=1).argmax())
    # a tone lies in one band, which is two rows high
    assert axis.edges[max(row - 1, 0)] <= hertz <= axis.edges[min(row + 2, SIZE)]
    assert (axis.edges[0], axis.edges[-1]) == (0, SAMPLE_RATE / 2)


AXES = {
    "log_mel": ({"n_mels": 4, "fmin": 0.0, "fmax": 800.0}, 4, [0, 240, 400, 560, 800]),
    "log_linear": ({"n_fft": 64, "n_bands": 4, "fmin": 0.0, "fmax": 1000.0}, 4, [0, 300, 500, 700, 1000]),
    "bins": ({"n_fft": 8, "n_bands": None, "fmin": 0.0, "fmax": 3000.0}, 4, [0, 500, 1500, 2500, 3000]),
    "cqt": (
        {"n_bins": 2, "bins_per_octave": 1, "fmin": 100.0},
        2,
        [100 / 2**0.5, 100 * 2**0.5, 100 * 2**1.5],
    ),
}


@pytest.mark.parametrize("name", AXES)
def test_edges_of_bands(name):
    params, n_rows, expected = AXES[name]
    axis = axis_hz("log_linear" if name == "bins" else name, params, 8000, n_rows)
    # below 1000 Hz Slaney's mel scale is linear
    np.testing.assert_allclose(axis.edges, expected)
    assert axis.names[1] == f"{expected[1]:.0f} to {expected[2]:.0f} Hz"
    assert axis.span(1, 2)["low_hz"] == pytest.approx(expected[1], abs=0.05)


def test_coefficients_have_numbers_and_no_hertz():
    axis = axis_hz("lfcc", {"n_coefficients": 2, "deltas": 2}, 16000, 6)
    assert axis.edges is None
    assert axis.names[:3] == ["coefficient 0", "coefficient 1", "coefficient 0, delta"]
    assert axis.span(1, 6) == {
        "front_end": "lfcc",
        "from": "coefficient 1",
        "to": "coefficient 1, delta of delta",
    }


def test_an_axis_that_does_not_fit_is_no_axis():
    with pytest.raises(ValueError, match="4 rows, the windows have 5"):
        axis_hz("log_mel", AXES["log_mel"][0], 8000, 5)
    with pytest.raises(ValueError, match="unknown front end"):
        axis_hz("chroma", {}, 8000, 5)


def test_the_grid_keeps_the_mean_and_the_place():
    heat = np.zeros((32, 100), np.float32)
    heat[4:6, 50:100] = 8
    grid = grid_of(heat, 1.0)
    assert grid.values.shape == (16, 4)
    assert grid.frames.tolist() == [0, 25, 50, 75, 100]
    expected = np.zeros((16, 4))
    expected[2, 2:] = 8
    np.testing.assert_allclose(grid.values, expected)


def test_a_grid_is_never_finer_than_the_map():
    grid = grid_of(np.ones((3, 2), np.float32), 60.0)
    np.testing.assert_array_equal(grid.values, np.ones((3, 2)))


def test_regions_name_the_strongest_places_of_both_directions():
    heat = np.zeros((20, 50), np.float32)
    heat[2:4, 5:10] = 6.0  # 60 of 75
    heat[10, 20:24] = 3.0  # 12 of 75
    heat[15, 5] = 3.0  # as strong, but a speck
    heat[15:18, 40:45] = -4.0
    heat[0, 0] = -0.1  # too faint to be named
    found = regions_of(heat)
    assert [(r.towards, r.rows, r.frames, r.peak) for r in found] == [
        ("fake", (2, 4), (5, 10), 6.0),
        ("fake", (10, 11), (20, 24), 3.0),
        ("real", (15, 18), (40, 45), -4.0),
    ]
    np.testing.assert_allclose([r.share for r in found], [60 / 75, 12 / 75, 60 / 60.1], rtol=1e-6)


def test_a_direction_that_is_nothing_beside_the_other_has_no_region():
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0], heat[3, 3] = 10, -1
    assert [r.towards for r in regions_of(heat)] == ["fake"]
    assert regions_of(np.zeros((4, 4), np.float32)) == []
