import dataclasses

import numpy as np
import pandas as pd
import pytest

from avfake.dataset.features import FeatureSet
from avfake.errors import UserError
from avfake.model.batches import Preparation, draw_epoch, epoch_sizes, read_batches
from avfake.model.clips import Clips, open_inputs, seen_generators, select
from avfake.model.epoch import batch_bounds
from toy_features import make_workspace
from train_params import train_params


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def inputs(folder):
    return open_inputs(folder / "data/features", folder / "data/labels")


BOTH_MIRRORS = {"flip_time": True, "flip_frequency": True}


def clips_of(counts: list[int]) -> Clips:
    n = len(counts)
    return Clips(
        [str(i) for i in range(n)],
        np.arange(n),
        np.array(counts),
        np.arange(n) % 2,
        [None] * n,
        [None] * n,
        [frozenset()] * n,
    )


def draw(counts: list[int], epoch: int, augmentation: dict | None = None, **values: object):
    return draw_epoch(clips_of(counts), train_params(augmentation, **values), epoch)


def pairs(epoch):
    return list(zip(epoch.clip.tolist(), epoch.window.tolist(), strict=True))


def test_an_epoch_follows_from_seed_and_number():
    one, same, other = (draw([5, 1, 3, 9], epoch, BOTH_MIRRORS, seed=7) for epoch in (1, 1, 2))
    for name in ("clip", "window", "flip_time", "flip_frequency"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert pairs(one) != pairs(other)
    assert pairs(one) != pairs(draw([5, 1, 3, 9], 1, BOTH_MIRRORS, seed=8))


def test_windows_of_a_clip_are_different_and_exist():
    counts = [5, 1, 3, 2]
    for number in range(20):
        epoch = draw(counts, number)
        assert np.bincount(epoch.clip).tolist() == [2, 1, 2, 2]
        assert len(set(pairs(epoch))) == len(epoch)
        assert all(window < counts[clip] for clip, window in pairs(epoch))


def test_every_window_gets_its_turn():
    seen = {int(w) for n in range(50) for w in draw([6, 6], n, windows_per_clip=1).window}
    assert seen == set(range(6))


def test_mirrors_only_where_asked_for():
    epoch = draw([1] * 200, 1, {"flip_time": True})
    assert 50 < epoch.flip_time.sum() < 150
    assert not epoch.flip_frequency.any()


def test_a_clip_that_is_drawn_again_shows_other_windows_as_long_as_there_are_any():
    # One real clip against three fakes is drawn twice.
    clips = dataclasses.replace(clips_of([4, 5, 5, 5]), targets=np.array([0, 1, 1, 1]))
    epoch = draw_epoch(clips, train_params(balance="class"), 1)
    assert sorted(epoch.window[epoch.clip == 0]) == [0, 1, 2, 3]
    assert len(epoch) == epoch_sizes(clips, train_params(balance="class"))[0] == 8
    clips = dataclasses.replace(clips, counts=np.array([3, 5, 5, 5]))
    repeated = draw_epoch(clips, train_params(balance="class"), 1)
    assert sorted(np.bincount(repeated.window[repeated.clip == 0])) == [1, 1, 2]


@pytest.mark.parametrize("augmentation", [{"noise_db": 3.0}, {"mixup": 0.3}])
def test_a_batch_is_prepared_alike_whenever_it_is_asked_for(augmentation):
    params = train_params(augmentation).augmentation
    info = {"front_end": ["log_mel"], "params": {"normalise": "peak", "dynamic_range": 80.0}}
    windows = np.arange(4 * 64, dtype=np.uint8).reshape(4, 1, 8, 8)
    targets = np.array([0, 1, 0, 1])
    first = Preparation(params, info, 0)(windows, targets, 2, 5)
    again = Preparation(params, info, 0)(windows, targets, 2, 5)
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)
    assert first[0].dtype == np.float32
    assert first[1].dtype == (np.float32 if "mixup" in augmentation else np.int64)
    for seed, epoch, number in ((1, 2, 5), (0, 3, 5), (0, 2, 6)):
        other = Preparation(params, info, seed)(windows, targets, epoch, number)
        assert not np.array_equal(first[0], other[0])
    assert windows.ravel().tolist() == list(range(256))


def test_without_augmentation_a_batch_is_passed_on_itself():
    windows, targets = np.zeros((2, 1, 4, 4), np.uint8), np.array([0, 1])
    prepared = Preparation(train_params(BOTH_MIRRORS).augmentation, {}, 0)(windows, targets, 1, 0)
    assert prepared[0] is windows
    assert prepared[1] is targets


@pytest.mark.parametrize(
    ("n", "size", "lengths"),
    [(8, 4, [4, 4]), (10, 4, [4, 4, 2]), (9, 4, [4, 5]), (5, 4, [5]), (1, 4, [1]), (3, 1, [1, 2])],
)
def test_no_batch_of_one_is_left_over(n, size, lengths):
    bounds = batch_bounds(n, size)
    assert [end - start for start, end in bounds] == lengths
    assert [i for start, end in bounds for i in range(start, end)] == list(range(n))


def test_batches_hold_the_windows_that_were_drawn(inputs):
    features, labels = inputs
    clips = select(features.index, labels, "train")
    epoch = draw_epoch(clips, train_params(BOTH_MIRRORS), 1)
    batches = list(read_batches(features, clips, epoch, 5))
    pictures = np.concatenate([batch for batch, _ in batches])
    targets = np.concatenate([batch for _, batch in batches])
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(targets, clips.targets[epoch.clip])
    for place in range(len(epoch)):
        picture = features.windows(int(clips.rows[epoch.clip[place]]))[epoch.window[place]]
        if epoch.flip_time[place]:
            picture = np.flip(picture, -1)
        if epoch.flip_frequency[place]:
            picture = np.flip(picture, -2)
        np.testing.assert_array_equal(pictures[place], picture)


def test_clips_without_window_or_label_are_left_out(inputs):
    features, labels = inputs
    val = select(features.index, labels, "val")
    assert val.names == [f"val-{i:02d}.mp4" for i in range(8)]  # the ninth has no window
    assert [len(features.windows(int(row))) for row in val.rows] == val.counts.tolist()
    labels = labels.copy()
    labels.loc[labels["video_name"] == "val-03.mp4", "target"] = pd.NA
    assert "val-03.mp4" not in select(features.index, labels, "val").names


def test_sources_are_those_of_the_labels(inputs):
    features, labels = inputs
    assert select(features.index, labels, "train").sources == [None] * 16
    labels = labels.assign(source=[f"speaker of {name}" for name in labels["video_name"]])
    val = select(features.index, labels, "val")
    assert val.sources == [f"speaker of {name}" for name in val.names]


def test_seen_generators_are_those_of_fakes(inputs):
    features, labels = inputs
    assert seen_generators(select(features.index, labels, "train")) == ["comb"]


@pytest.mark.parametrize(("split", "target", "missing"), [("train", 0, "fake"), ("val", 1, "real")])
def test_one_class_only(inputs, split, target, missing):
    features, labels = inputs
    labels = labels.copy()
    labels.loc[labels["split"] == split, "target"] = target
    with pytest.raises(UserError, match=f"split `{split}`: no labelled {missing} clip"):
        select(features.index, labels, split)


def test_inputs_that_are_not_there(tmp_path, folder):
    with pytest.raises(UserError) as caught:
        open_inputs(tmp_path, tmp_path)
    assert "dvc repro featurize" in caught.value.remedy
    with pytest.raises(UserError) as caught:
        open_inputs(folder / "data/features", tmp_path)
    assert "dvc repro extract" in caught.value.remedy
    assert isinstance(open_inputs(folder / "data/features", folder / "data/labels")[0], FeatureSet)
