import numpy as np
import pandas as pd
import pytest

from avfake.dataset.features import FeatureSet
from avfake.errors import UserError
from avfake.model.batches import batch_bounds, draw_epoch, read_batches
from avfake.model.clips import Clips, open_inputs, seen_generators, select
from toy_features import make_workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def inputs(folder):
    return open_inputs(folder / "data/features", folder / "data/labels")


def clips_of(counts: list[int]) -> Clips:
    n = len(counts)
    return Clips([str(i) for i in range(n)], np.arange(n), np.array(counts), np.arange(n) % 2, [None] * n)


def test_an_epoch_follows_from_seed_and_number():
    clips = clips_of([5, 1, 3, 9])
    one, same, other = (draw_epoch(clips, 2, True, True, 7, epoch) for epoch in (1, 1, 2))
    for name in ("clip", "window", "flip_time", "flip_frequency"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert list(zip(one.clip, one.window, strict=True)) != list(zip(other.clip, other.window, strict=True))
    third = draw_epoch(clips, 2, True, True, 8, 1)
    assert list(zip(one.clip, one.window, strict=True)) != list(zip(third.clip, third.window, strict=True))


def test_windows_of_a_clip_are_different_and_exist():
    counts = [5, 1, 3, 2]
    for number in range(20):
        epoch = draw_epoch(clips_of(counts), 2, False, False, 0, number)
        assert np.bincount(epoch.clip).tolist() == [2, 1, 2, 2]
        pairs = list(zip(epoch.clip, epoch.window, strict=True))
        assert len(set(pairs)) == len(pairs)
        assert all(window < counts[clip] for clip, window in pairs)


def test_every_window_gets_its_turn():
    seen = {int(w) for n in range(50) for w in draw_epoch(clips_of([6]), 1, False, False, 0, n).window}
    assert seen == set(range(6))


def test_mirrors_only_where_asked_for():
    epoch = draw_epoch(clips_of([1] * 200), 1, True, False, 0, 1)
    assert 50 < epoch.flip_time.sum() < 150
    assert not epoch.flip_frequency.any()


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
    epoch = draw_epoch(clips, 2, True, True, 0, 1)
    batches = list(read_batches(features, clips, epoch, 5))
    pictures = np.concatenate([batch for batch, _ in batches])
    targets = np.concatenate([batch for _, batch in batches])
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(targets, clips.targets[epoch.clip])
    for place in range(len(epoch)):
        picture = features.windows(int(clips.rows[epoch.clip[place]]))[epoch.window[place]]
        if epoch.flip_time[place]:
            picture = np.fliplr(picture)
        if epoch.flip_frequency[place]:
            picture = np.flipud(picture)
        np.testing.assert_array_equal(pictures[place], picture)


def test_clips_without_window_or_label_are_left_out(inputs):
    features, labels = inputs
    val = select(features.index, labels, "val")
    assert val.names == [f"val-{i:02d}.mp4" for i in range(8)]  # the ninth has no window
    assert [len(features.windows(int(row))) for row in val.rows] == val.counts.tolist()
    labels = labels.copy()
    labels.loc[labels["video_name"] == "val-03.mp4", "target"] = pd.NA
    assert "val-03.mp4" not in select(features.index, labels, "val").names


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
