"""Which windows and faces are looked at together, in prediction and in training."""

import numpy as np
import pandas as pd
import pytest
import torch

from avfake.errors import UserError
from avfake.model.batches import Preparation, draw_epoch, read_batches
from avfake.model.clips import Clips
from avfake.model.epoch import plain
from avfake.model.offset import OffsetHead, make_offset_head, offset_loss
from avfake.model.packed import examples, pairs_of, read_clip
from avfake.model.paired import pair_epoch, read_pairs, timed_pairs
from avfake.model.streams import MISSING, PairArrays, in_time, pair_up, window_begins
from avfake.params import TrainParams
from train_params import train_params

# A window is one second long, and the next one begins half a second later.
INFO = {
    "front_end": ["log_mel"], "sample_rate": 1000, "n_faces": 4, "face_size": 4,
    "params": {"hop_length": 10, "window_frames": 100, "window_hop": 50, "normalise": "peak",
               "dynamic_range": 80.0, "trim_db": None},
}  # fmt: skip
SHAPE = (1, 8, 100)
DISTURBED = {"share": 0.5, "disturbances": ["gain"], "most": 1}


class Toy:
    """Features in memory, in the place of a FeatureSet; a face's colour is its second, times 10."""

    info, shape = INFO, SHAPE

    def __init__(self, counts: list[int], times: list[list[float]]) -> None:
        self.index = pd.DataFrame({"count": counts})
        self._times = times
        self.face_counts = np.array([len(own) for own in times])

    def __len__(self) -> int:
        return len(self._times)

    def windows(self, row: int) -> np.ndarray:
        levels = np.arange(self.index["count"][row], dtype=np.uint8)[:, None, None, None]
        return np.broadcast_to(10 * row + levels, (len(levels), *SHAPE)).copy()

    def face_times(self, row: int) -> np.ndarray:
        return np.array(self._times[row], np.float64)

    def faces(self, row: int) -> np.ndarray:
        colours = np.array([10 * time for time in self._times[row]], np.uint8)
        return np.broadcast_to(colours[:, None, None, None], (len(colours), 4, 4, 3)).copy()


FEATURES = Toy([3, 0, 2, 4], [[0.4, 2.1, 0.6], [0.1, 0.2], [], [0.25, 1.3]])
CLIPS = Clips(
    list("abcd"),
    np.arange(4),
    examples(FEATURES, "both"),
    np.array([0, 1, 0, 0]),
    [None] * 4,
    [None] * 4,
    [frozenset()] * 4,
)


def both(**values: object) -> TrainParams:
    return train_params(modality="both", **{"windows_per_clip": 9} | values)


def drawn(params: TrainParams, epoch: int = 1):
    return pair_epoch(draw_epoch(CLIPS, params, epoch), FEATURES, CLIPS, params, epoch)


def test_each_window_has_the_nearest_face_and_no_face_is_left_out():
    begins = window_begins(INFO, 3)
    np.testing.assert_allclose(begins, [[0, 0], [0.5, 0.5], [0.5, 1.0]])
    pairs = pair_up(begins, np.array([0.4, 2.1, 0.6]), 1.0)
    # middles 0.5, 1.0 and 1.25 s: two windows take the third face, and the second face takes the last window
    assert pairs.tolist() == [[0, 0], [1, 2], [2, 1], [2, 2]]


@pytest.mark.parametrize(
    ("n", "times", "pairs"),
    [
        (0, [0.1, 0.2], [[MISSING, 0], [MISSING, 1]]),
        (2, [], [[0, MISSING], [1, MISSING]]),
        (0, [], []),
        (1, [0.1, 9.0], [[0, 0], [0, 1]]),
    ],
)
def test_clips_with_one_stream_or_none(n, times, pairs):
    assert pair_up(window_begins(INFO, n), np.array(times), 1.0).tolist() == pairs


def test_what_counts_as_an_example():
    assert examples(FEATURES, "sound") is None
    assert examples(FEATURES, "picture").tolist() == [3, 2, 0, 2]
    assert examples(FEATURES, "both").tolist() == [4, 2, 2, 4]
    assert pairs_of(FEATURES, 0, "picture").tolist() == [[MISSING, 0], [MISSING, 1], [MISSING, 2]]
    assert len(read_clip(FEATURES, 0, "sound")) == 3
    assert len(read_clip(FEATURES, 0, "picture").windows) == 0


def test_features_without_faces():
    toy = Toy([1], [[]])
    toy.info = INFO | {"n_faces": 0}
    with pytest.raises(UserError, match="hold no faces") as caught:
        examples(toy, "both")
    assert "extract.n_faces" in caught.value.remedy


def test_the_last_window_may_begin_earlier_than_its_place_says():
    inside, outside = in_time(INFO, 3, np.array([0.6, 1.2, 1.8]))
    assert inside.tolist() == [[True, False, False], [True, True, False], [False, True, False]]
    assert outside.tolist() == [[False, True, True], [False, False, True], [False, False, False]]


def test_an_epoch_sees_every_pair_once_as_prediction_does():
    epoch = drawn(both())
    seen = sorted(zip(epoch.clip.tolist(), epoch.window.tolist(), epoch.face.tolist(), strict=True))
    expected = [(clip, *pair) for clip in range(4) for pair in pairs_of(FEATURES, clip, "both").tolist()]
    assert seen == sorted(expected)
    again = drawn(both())
    np.testing.assert_array_equal(epoch.face, again.face)
    np.testing.assert_array_equal(epoch.flip_face, again.flip_face)


def test_a_batch_holds_what_was_drawn_and_what_is_mirrored():
    params = both()
    epoch = drawn(params)
    (batch, targets), *rest = read_batches(FEATURES, CLIPS, epoch, 100)
    assert rest == []
    assert isinstance(batch, PairArrays)
    assert targets.tolist() == CLIPS.targets[epoch.clip].tolist()
    for place in range(len(epoch)):
        row = int(epoch.clip[place])
        window, face = batch.window_of[place], batch.face_of[place]
        assert (window == MISSING) == (epoch.window[place] == MISSING)
        assert (face == MISSING) == (epoch.face[place] == MISSING)
        if window != MISSING:
            assert (batch.windows[window] == 10 * row + epoch.window[place]).all()
        if face != MISSING:
            assert (batch.faces[face] == FEATURES.faces(row)[epoch.face[place]]).all()
    assert 0 < epoch.flip_face.sum() < len(epoch)
    assert not plain(epoch).flip_face.any()


def test_a_mirrored_face_is_mirrored():
    toy = Toy([0], [[0.1]])
    ramp = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    toy.faces = lambda _: ramp
    params = train_params(modality="picture", windows_per_clip=1)
    one = Clips(["a"], np.array([0]), np.array([1]), np.array([0]), [None], [None], [frozenset()])
    seen = set()
    for number in range(1, 12):
        epoch = pair_epoch(draw_epoch(one, params, number), toy, one, params, number)
        face = read_pairs(toy, one, epoch, 0, 1).faces[0]
        np.testing.assert_array_equal(face, ramp[0, :, ::-1] if epoch.flip_face[0] else ramp[0])
        seen.add(bool(epoch.flip_face[0]))
    assert seen == {True, False}


def test_modality_dropout_blots_out_one_stream_of_a_whole_clip():
    params = both(modality_dropout=0.5)
    lost = {"window": 0, "face": 0, "none": 0}
    for number in range(1, 80):
        epoch = drawn(params, number)
        for clip in (0, 3):
            own = epoch.clip == clip
            gone = [(part[own] == MISSING) for part in (epoch.window, epoch.face)]
            assert all(part.all() or not part.any() for part in gone)
            assert not (gone[0] & gone[1]).any()
            lost["window" if gone[0].any() else "face" if gone[1].any() else "none"] += 1
        for clip in (1, 2):  # nothing is taken from what has one stream
            own = epoch.clip == clip
            assert ((epoch.window[own] == MISSING) != (epoch.face[own] == MISSING)).all()
    assert 55 < lost["none"] < 103
    assert min(lost["window"], lost["face"]) > 20


def test_augmentation_changes_windows_and_leaves_faces():
    params = both(augmentation={"noise_db": 5.0})
    (batch, targets), *_ = read_batches(FEATURES, CLIPS, drawn(params), 100)
    prepared, same = Preparation(params.augmentation, INFO, 0)(batch, targets, 1, 0)
    assert prepared.windows.dtype == np.float32
    assert not np.array_equal(prepared.windows, batch.windows)
    np.testing.assert_array_equal(prepared.faces, batch.faces)
    np.testing.assert_array_equal(same, targets)


def test_the_offset_head_compares_moments_of_real_clips():
    params = both(offset_head=1.0)
    epoch = drawn(params)
    changes = np.flatnonzero(np.diff(epoch.clip))
    assert len(changes) == len(CLIPS) - 1  # a clip's pairs follow each other
    timed = timed_pairs(FEATURES, CLIPS, epoch, 0, len(epoch))
    assert {0, 1} == set(timed[:, 2].tolist())
    for sound, face, together in timed.tolist():
        rows = epoch.clip[sound], epoch.clip[face]
        assert CLIPS.targets[list(rows)].tolist() == [0, 0]
        inside, outside = in_time(INFO, int(FEATURES.index["count"][rows[0]]), FEATURES.face_times(rows[0]))
        window = epoch.window[sound]
        if together:
            assert sound == face
            assert inside[window, epoch.face[face]]
        else:
            assert rows[0] != rows[1] or outside[window, epoch.face[face]]
    same_clip = [row for row in timed.tolist() if not row[2] and epoch.clip[row[0]] == epoch.clip[row[1]]]
    assert same_clip  # where a clip has another moment, it is taken


def test_the_offset_loss_teaches_what_belongs_together():
    torch.manual_seed(0)
    head, sound = OffsetHead(16, 16), torch.randn(8, 16)
    seen = type("Seen", (), {"sound": sound, "picture": sound.clone()})()
    timed = np.array([[i, i, 1] for i in range(8)] + [[i, (i + 3) % 8, 0] for i in range(8)])
    optimiser = torch.optim.Adam(head.parameters(), 0.02)
    first = offset_loss(head, seen, timed).item()
    for _ in range(60):
        optimiser.zero_grad()
        loss = offset_loss(head, seen, timed)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2 < first
    assert offset_loss(head, seen, np.zeros((0, 3), np.int64)).item() == 0


def test_windows_that_do_not_tell_their_seconds():
    for info in (INFO | {"front_end": ["baseline_image"]}, INFO | {"params": {"trim_db": 60.0}}):
        with pytest.raises(UserError, match=r"train\.offset_head") as caught:
            make_offset_head(torch.nn.Module(), info, 0)
        assert "trim_db" in caught.value.remedy


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modality_dropout": 0.1}, "modality_dropout needs both streams"),
        ({"modality": "picture", "offset_head": 0.1}, "offset_head needs both streams"),
        ({"modality": "both", "augmentation": {"mixup": 0.2}}, "mixup and cutmix"),
        ({"modality": "both", "frozen_head": "linear"}, "frozen_head"),
        ({"modality": "picture", "augmentation": {"waveform": DISTURBED}}, "disturbs sound"),
    ],
)
def test_choices_that_contradict_each_other(values, message):
    with pytest.raises(ValueError, match=message):
        train_params(**values)
