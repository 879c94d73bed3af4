"""Sound that is disturbed anew in every epoch of a training."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avfake.disturb import drawn
from avfake.errors import UserError
from avfake.features import front_ends
from avfake.media.errors import ClipError
from avfake.media.pcm import to_pcm
from avfake.model import waveform
from avfake.model.batches import draw_epoch
from avfake.model.checkpoint import Checkpoint
from avfake.model.clips import open_inputs, select_training
from avfake.model.streams import MISSING
from avfake.model.validation import Data
from avfake.parallel import Crew
from avfake.params import FeaturizeParams, TrainParams
from avfake.stages import train
from toy_sound import RATE, make_workspace
from train_params import train_params
from workspace import hashes, set_params

OUTPUTS = ("models", "data/training")
SHARE = "train.augmentation.waveform.share"
FEW = ["noise", "speed", "low_pass"]


class Here(Crew):
    """Works in this process: as fast as tests like it."""

    def map(self, function, items):
        return map(function, items)


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(waveform, "Crew", Here)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def folder(place, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    for name in ("extracted", "features", "labels", "resplit"):
        (tmp_path / "data" / name).symlink_to(place / "data" / name)
    (tmp_path / "params.yaml").write_text((place / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    set_params(tmp_path, {SHARE: 0.5, "train.augmentation.waveform.disturbances": FEW})
    return tmp_path


def read_data() -> Data:
    features, labels = open_inputs("data/features", "data/resplit")
    return Data(features, *select_training(features.index, labels))


def params_of(share: float, **values: object) -> TrainParams:
    given = {"waveform.share": share, "waveform.most": 1, "waveform.disturbances": FEW}
    return train_params(given, windows_per_clip=2, **values)


def windows_heard(data: Data, params: TrainParams, epoch: int, scratch: Path) -> dict[tuple, np.ndarray]:
    """(clip, window) -> what stands in for it."""
    order = draw_epoch(data.train, params, epoch)
    disturbed = params.augmentation.waveform
    with waveform.Waveforms(data.features, data.train, disturbed, params.seed, scratch) as waveforms:
        heard = waveforms.heard(order, epoch)
        made = [heard(place) for place in range(len(order))]
    keys = zip(order.clip.tolist(), order.window.tolist(), strict=True)
    return {key: window for key, window in zip(keys, made, strict=True) if window is not None}


def test_clips_and_strengths_follow_from_seed_epoch_and_clip(folder, here, tmp_path):
    data, half = read_data(), params_of(0.5)
    first, second = (windows_heard(data, half, epoch, tmp_path) for epoch in (1, 2))
    again = windows_heard(data, half, 1, tmp_path)
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[key], again[key]) for key in first)
    clips = {clip for clip, _ in first}
    assert 2 <= len(clips) <= 10
    assert clips != {clip for clip, _ in second}
    # All of a clip's windows are disturbed, or none.
    assert {key for key in first if key[0] in clips} == first.keys()
    # More clips with a larger share, and the same sound for those that there were.
    all_of_them = windows_heard(data, params_of(1.0), 1, tmp_path)
    assert {clip for clip, _ in all_of_them} == set(range(len(data.train)))
    assert all(np.array_equal(all_of_them[key], first[key]) for key in first)
    # Another clip in the split changes nothing for these.
    kept = np.arange(len(data.train)) != 0
    fewer = replace(data, train=data.train.take(kept))
    one_less = windows_heard(fewer, params_of(1.0), 1, tmp_path)
    both = {(clip + 1, window) for clip, window in one_less} & all_of_them.keys()
    assert both
    for clip, window in both:
        key = (clip - 1, window)
        assert np.array_equal(one_less[key], all_of_them[clip, window])
    other_seed = windows_heard(data, params_of(1.0, seed=1), 1, tmp_path)
    assert any(not np.array_equal(other_seed[key], all_of_them[key]) for key in other_seed.keys() & both)


def test_a_disturbed_window_is_the_front_end_of_the_disturbed_sound(folder, here, tmp_path, monkeypatch):
    """And of a sound that became longer, the window at the same share of its length."""
    seen = []

    def longer(clean, names, most, rng, rate):
        seen.append((clean, names, most, rate, rng.random()))
        return np.concatenate([clean, clean])

    monkeypatch.setattr(waveform.drawn, "disturbed", longer)
    data = read_data()
    made = windows_heard(data, params_of(1.0), 1, tmp_path)
    assert len({number for *_, number in seen}) == len(seen) == len(data.train)
    assert {(tuple(names), most, rate) for _, names, most, rate, _ in seen} == {(tuple(FEW), 1, RATE)}
    front_end = FeaturizeParams.model_validate(data.features.info["params"])
    expected = {}
    for clip, row in enumerate(data.train.rows.tolist()):
        clean = next(
            clean
            for clean, *_ in seen
            if np.array_equal(windows_of(clean, front_end), data.features.windows(row))
        )
        expected[clip] = windows_of(np.concatenate([clean, clean]), front_end)
    for (clip, window), picture in made.items():
        count = int(data.train.counts[clip])
        assert np.array_equal(picture, expected[clip][window * len(expected[clip]) // count])


def windows_of(sound: np.ndarray, front_end: FeaturizeParams) -> np.ndarray:
    levels, shift = to_pcm(sound)
    return front_ends.compute(levels, RATE, front_end, shift)


def test_a_pair_without_sound_is_not_asked_for(folder, here, tmp_path):
    """Nor is the sound looked for of a clip that a detector with eyes learns on and that has none."""
    data, params = read_data(), params_of(1.0)
    whole = draw_epoch(data.train, params, 1)
    deaf = int(whole.clip[0])
    data.features.index.loc[data.train.rows[deaf], "count"] = 0
    order = replace(whole, window=np.where(whole.clip == deaf, MISSING, whole.window))
    with waveform.Waveforms(
        data.features, data.train, params.augmentation.waveform, 0, tmp_path
    ) as waveforms:
        assert deaf not in {data.train.names.index(name) for _, name in waveforms._places}
        heard = waveforms.heard(order, 1)
        made = {place for place in range(len(order)) if heard(place) is not None}
    assert made == set(np.flatnonzero(whole.clip != deaf).tolist())


def test_a_clip_that_cannot_be_disturbed_stays_as_it_is(folder, here, tmp_path, monkeypatch):
    def refuse(*_):
        raise ClipError("silent")

    monkeypatch.setattr(waveform.drawn, "disturbed", refuse)
    assert windows_heard(read_data(), params_of(1.0), 1, tmp_path) == {}


def test_share_0_reads_and_starts_nothing(folder, monkeypatch):
    (folder / "data/extracted").unlink()
    monkeypatch.setattr("avfake.parallel._pool", None)
    set_params(folder, {SHARE: 0.0, "train.epochs": 1})
    train.main()
    assert (folder / "models/model.json").exists()
    assert not list(folder.glob(".memo/**/sound*"))


def test_the_stage_with_processes_gives_what_one_process_gives(folder, monkeypatch):
    set_params(folder, {"train.epochs": 1})
    train.main()
    several = hashes(folder, *OUTPUTS)
    assert (
        json.loads(Path("models/model.json").read_text())["train"]["augmentation"]["waveform"]["share"] == 0.5
    )
    assert not list(folder.glob(".memo/**/sound*"))
    monkeypatch.setattr(waveform, "Crew", Here)
    train.main()
    assert hashes(folder, *OUTPUTS) == several


def test_an_interrupted_training_ends_with_the_same_bytes(folder, here, monkeypatch, capsys):
    set_params(folder, {"train.averaging": "swa", "train.swa_start": 0.0, "train.balance": "class"})
    train.main()
    undisturbed = hashes(folder, *OUTPUTS)
    save = Checkpoint.save

    def end(checkpoint: Checkpoint, state: dict) -> None:
        save(checkpoint, state)
        if len(state["rows"]) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", end)
        with pytest.raises(KeyboardInterrupt):
            train.main()
    train.main()
    assert "resumed after epoch 1 of 2" in capsys.readouterr().out
    assert hashes(folder, *OUTPUTS) == undisturbed


def test_the_fingerprint_follows_sound_and_code(folder, monkeypatch):
    features = read_data().features
    some = params_of(0.5).augmentation.waveform
    assert waveform.sound_hash(features, params_of(0.0).augmentation.waveform) is None
    first = waveform.sound_hash(features, some)
    assert first == waveform.sound_hash(features, some)
    monkeypatch.setattr(drawn, "__file__", __file__)
    assert waveform.sound_hash(features, some) != first


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        train.main()
    assert not (folder / "models").exists()
    return f"{caught.value.message}\n{caught.value.remedy}"


def test_an_unknown_disturbance(folder):
    set_params(folder, {"train.augmentation.waveform.disturbances": ["aac", "mp4"]})
    assert "waveform.disturbances: unknown disturbance `mp4`" in refused(folder)


def test_a_frozen_backbone_has_no_epochs(folder):
    set_params(folder, {"train.frozen_head": "linear"})
    assert "a frozen backbone has none" in refused(folder)


def test_sound_that_is_not_there(folder):
    (folder / "data/extracted").unlink()
    assert "dvc repro extract" in refused(folder)


def test_sound_of_other_clips(folder, place):
    (folder / "data/extracted").unlink()
    (folder / "data/extracted/train").mkdir(parents=True)
    source = place / "data/extracted/val/shard-00.parquet"
    (folder / "data/extracted/train/shard-00.parquet").write_bytes(source.read_bytes())
    assert "no sound of train-00.mp4" in refused(folder)


def test_features_of_another_version(folder):
    info = json.loads(Path("data/features/features.json").read_text())
    features = read_data().features
    features.info["version"] = "0"
    assert info["version"] != "0"
    with pytest.raises(UserError, match="made with front ends 0"):
        waveform.Waveforms(features, read_data().train, params_of(0.5).augmentation.waveform, 0, folder)
