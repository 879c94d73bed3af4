import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from avfake.dataset.layout import Clip
from avfake.evaluation.metrics import NoFigure
from avfake.inspection.contents import NUMBERS, VALUES, Contents, _nice_step
from avfake.inspection.differences import cramers_v, rank_auc
from avfake.inspection.reading import Reading, unread

SPLITS = ("train", "val")


def clip(index: int, target: int | None, split: str = "train") -> Clip:
    return Clip(f"{index}.mp4", Path(f"{index}.mp4"), split, target, None, None)


def reading(seconds: float | None, **facts) -> Reading:
    return Reading(None, None, None, seconds, 1, {"seconds": seconds, **facts})


def taken(real: list[float], fake: list[float], split: str = "train") -> Contents:
    contents = Contents()
    for target, values in ((0, real), (1, fake)):
        for index, seconds in enumerate(values):
            contents.add(clip(index, target, split), reading(seconds))
    return contents


def test_auc_of_a_fact_is_that_of_scikit_learn():
    generator = np.random.default_rng(1)
    real, fake = generator.integers(0, 9, 60).astype(float), generator.integers(2, 11, 40).astype(float)
    value, p_value = rank_auc(real, fake)
    target = np.repeat([0, 1], [60, 40])
    assert value == pytest.approx(roc_auc_score(target, np.concatenate([real, fake])))
    assert 0 < p_value < 0.05


def test_auc_by_hand():
    assert rank_auc(np.array([1.0, 2.0]), np.array([2.0, 3.0]))[0] == pytest.approx(3.5 / 4)
    assert rank_auc(np.full(5, 2.0), np.full(3, 2.0)) == (0.5, 1.0)


def test_p_values_of_pure_chance_are_not_small():
    generator = np.random.default_rng(2)
    found = [rank_auc(generator.normal(size=30), generator.normal(size=30))[1] for _ in range(300)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_cramers_v_by_hand():
    perfect = cramers_v(np.array([[50, 0], [0, 50]]))
    assert perfect[0] == pytest.approx(1, abs=0.02)
    assert perfect[1] < 1e-6
    assert cramers_v(np.array([[30, 30], [20, 20]])) == (0.0, 1.0)
    assert cramers_v(np.array([[30, 40]])) == (0.0, 1.0)
    # phi squared 0.36, one degree of freedom: (0.36 - 1/99) / (1 - 1/99).
    v, _ = cramers_v(np.array([[40, 10], [10, 40]]))
    assert v == pytest.approx(np.sqrt((0.36 - 1 / 99) / (1 - 1 / 99)))


def test_a_value_per_clip_tells_nothing():
    rows = np.array([[1, 0]] * 40 + [[0, 1]] * 40)
    assert cramers_v(rows) == (0.0, 1.0)


@pytest.mark.parametrize("table", [[[3, 0]], [[0, 3]], np.zeros((0, 2), int)])
def test_one_class_has_no_figure(table):
    with pytest.raises(NoFigure, match=r"no (real|fake) clip"):
        cramers_v(np.array(table))
    with pytest.raises(NoFigure, match="no fake clip"):
        rank_auc(np.ones(3), np.zeros(0))


def test_quantiles_are_those_of_numpy_over_each_split_and_over_all():
    generator = np.random.default_rng(3)
    contents, values = Contents(), {}
    for number, (split, target) in enumerate(itertools.product(SPLITS, (0, 1))):
        values[split, target] = generator.gamma(3, size=20 + number)
        for index, seconds in enumerate(values[split, target]):
            contents.add(clip(index, target, split), reading(float(seconds)))
    rows = {(r["fact"], r["split"], r["class"]): r for r in contents.numbers(SPLITS)}
    row = rows["seconds", "val", "fake"]
    assert row["n"] == 23
    assert row["q05"] == pytest.approx(np.quantile(values["val", 1], 0.05), abs=1e-6)
    whole = np.concatenate([values["train", 0], values["val", 0]])
    assert rows["seconds", "all", "real"]["median"] == pytest.approx(np.median(whole), abs=1e-6)
    assert ("bit_rate", "all", "real") not in rows


@pytest.mark.parametrize(
    "seconds", [[2.0], [0.0, 0.0], [1.0, 1.001], [3.05, 6.0, 4.2] * 30 + [400.0], [0.01, 7200.0]]
)
def test_the_histogram_counts_every_clip_in_few_bins(seconds):
    histogram = taken(seconds, seconds[:1]).histogram(SPLITS)
    assert sum(histogram["real"]) == len(seconds)
    assert sum(histogram["fake"]) == 1
    assert histogram["unlabelled"] == [0] * len(histogram["real"])
    edges = histogram["edges"]
    assert len(edges) == len(histogram["real"]) + 1
    assert len(edges) <= 28
    assert edges[0] <= min(seconds)
    assert histogram["open_end"] == (max(seconds) >= edges[-1])


def test_one_long_clip_does_not_hide_the_others():
    histogram = taken([3.0 + index / 100 for index in range(200)] + [600.0], [4.0]).histogram(SPLITS)
    assert histogram["open_end"]
    assert sum(count > 0 for count in histogram["real"]) > 10


def test_without_a_duration_there_is_no_histogram():
    contents = Contents()
    contents.add(clip(1, 1), reading(None))
    contents.add(clip(2, 0), unread("empty file"))
    assert contents.histogram(SPLITS) is None
    rows, notes = contents.differences(SPLITS)
    assert [row["fact"] for row in rows] == [*NUMBERS, *VALUES]
    assert {row["value"] for row in rows} == {None}
    assert notes["differences.seconds"] == "no real clip that could be opened has it"


@pytest.mark.parametrize(("width", "step"), [(0, 0.01), (0.013, 0.02), (0.1, 0.1), (0.3, 0.5), (6, 10)])
def test_steps_are_round(width, step):
    assert _nice_step(width) == pytest.approx(step)


def test_values_are_counted_per_class_and_absent_ones_are_none():
    contents = Contents()
    for index, (target, rate) in enumerate([(0, 16000), (1, 44100), (1, 44100), (None, None)]):
        facts = {"audio_rate": rate, "video_width": 64, "video_height": 48, "video_fps": 30000 / 1001}
        contents.add(clip(index, target), reading(1.0, **facts))
    tables = contents.values()
    assert tables["audio_rate"] == [
        {"value": "44100", "clips": 2, "real": 0, "fake": 2, "unlabelled": 0},
        {"value": "16000", "clips": 1, "real": 1, "fake": 0, "unlabelled": 0},
        {"value": None, "clips": 1, "real": 0, "fake": 0, "unlabelled": 1},
    ]
    assert [row["value"] for row in tables["resolution"]] == ["64x48"]
    assert [row["value"] for row in tables["video_fps"]] == ["29.97"]
    assert [row["value"] for row in tables["container"]] == [None]


def test_reasons_that_differ_in_a_number_are_one():
    contents = Contents()
    for index, seconds in enumerate((0.5, 1.25)):
        reason = f"truncated: {seconds} s of 2 s of an mp4's sound"
        contents.add(clip(index, 0), Reading(None, reason, None, None, 0, {}))
    contents.add(clip(7, 1), unread("empty file"))
    groups = contents.unreadable()
    assert [(group["track"], group["reason"]) for group in groups] == [
        ("file", "empty file"),
        ("sound", "truncated: N s of N s of an mp4's sound"),
    ]
    assert groups[1]["clips"][1] == {
        "split": "train", "video_name": "1.mp4", "class": "real",
        "reason": "truncated: 1.25 s of 2 s of an mp4's sound",
    }  # fmt: skip
    assert contents.read("train") == {
        "read": 3, "unreadable_file": 1, "unreadable_sound": 2, "unreadable_picture": 0,
    }  # fmt: skip
