import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from avfake.dataset.features import FeatureSet
from avfake.dataset.shards import bucket_of, shard_name, write_shard
from avfake.errors import UserError
from avfake.features import baseline_image
from avfake.features.front_ends import compute
from avfake.files import write_json
from avfake.media.clip import extract_clip, unreadable
from avfake.params import ExtractParams, FeaturizeParams, MemoParams, load
from avfake.stages import featurize
from clips import make_clip
from workspace import ROOT

BUCKETS = 2
SECONDS = {"train/a.mp4": 0.4, "train/ü b.mp4": 5.0, "val/c.mp4": 3.5, "test/d.mp4": 1.0}


def feature_params(*front_end: str) -> FeaturizeParams:
    params = load(FeaturizeParams, ROOT / "params.yaml")
    return params.model_copy(update={"front_end": list(front_end or ["log_mel"])})


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> Path:
    """Shards of four clips, and of one that cannot be read."""
    folder = tmp_path_factory.mktemp("extracted")
    params = load(ExtractParams, ROOT / "params.yaml").model_copy(update={"n_faces": 0, "buckets": BUCKETS})
    shards: dict[str, list] = {}
    for place, seconds in SECONDS.items():
        clip = make_clip(folder / "clips" / place, seconds=seconds, kind="speech", video=False)
        split, name = place.split("/")
        row = {"video_name": name, "clip_sha256": "00", **vars(extract_clip(clip, params))}
        shards.setdefault(f"{split}/{shard_name(bucket_of(name, BUCKETS))}", []).append(row)
    broken = {"video_name": "e.mp4", "clip_sha256": None, **vars(unreadable("empty file", params))}
    shards.setdefault(f"val/{shard_name(bucket_of('e.mp4', BUCKETS))}", []).append(broken)
    for shard, rows in shards.items():
        write_shard(rows, folder / f"{shard}.parquet")
    write_json(folder / "extract.json", {"version": 1, "params": params.model_dump()})
    return folder


def run(extracted: Path, folder: Path, *front_end: str, workers: int = 1, memo: str = "memo") -> FeatureSet:
    memo_params = MemoParams(folder=str(folder / memo), max_gib=1.0)
    featurize.run(feature_params(*front_end), memo_params, workers, extracted, folder / "features")
    return FeatureSet(folder / "features")


def tree(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_windows_of_every_clip(extracted, tmp_path, capsys):
    features = run(extracted, tmp_path, workers=2)
    assert capsys.readouterr().out == "featurize: 5 clips, 4 computed, 0 from the memo, 1 without windows\n"
    first = tree(features.folder)
    assert list(zip(features.index["split"], features.index["video_name"], strict=True)) == [
        ("train", "a.mp4"), ("train", "ü b.mp4"), ("val", "c.mp4"), ("val", "e.mp4"), ("test", "d.mp4"),
    ]  # fmt: skip
    assert features.index["reason"].tolist() == [None, None, None, "empty file", None]
    assert features.index["count"].tolist()[3] == 0
    assert features.windows(3).shape == (0, *features.shape)
    settings = load(ExtractParams, ROOT / "params.yaml").model_copy(update={"n_faces": 0})
    for row, place in ((0, "train/a.mp4"), (1, "train/ü b.mp4"), (2, "val/c.mp4"), (4, "test/d.mp4")):
        clip = extract_clip(extracted / "clips" / place, settings)
        pcm = np.frombuffer(clip.pcm, "<i2")
        expected = compute(pcm, clip.sample_rate, feature_params(), clip.pcm_shift)
        np.testing.assert_array_equal(features.windows(row), expected)
    assert isinstance(features.windows(0), np.memmap)
    assert len(features) == 5
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(features)).windows(1), features.windows(1))

    info = json.loads((features.folder / "features.json").read_text(encoding="utf-8"))
    assert FeaturizeParams.model_validate(info["params"]) == feature_params()
    assert (info["front_end"], tuple(info["shape"]), info["sample_rate"]) == (
        ["log_mel"],
        features.shape,
        22050,
    )

    run(extracted, tmp_path, workers=1)
    assert "0 computed, 4 from the memo" in capsys.readouterr().out
    assert tree(features.folder) == first
    run(extracted, tmp_path, workers=1, memo="another")
    assert tree(features.folder) == first


def test_baseline_images_are_those_of_the_public_function(extracted, tmp_path):
    features = run(extracted, tmp_path, "baseline_image")
    assert features.shape == (1, 256, 256)
    for row, place in ((0, "train/a.mp4"), (1, "train/ü b.mp4")):
        np.testing.assert_array_equal(
            features.windows(row)[0, 0], baseline_image(extracted / "clips" / place)
        )


def test_a_stack_has_a_channel_per_front_end_and_windows_of_its_own_in_the_memo(extracted, tmp_path, capsys):
    stack = ("cqt", "log_mel")
    run(extracted, tmp_path, "log_mel")
    features = run(extracted, tmp_path, *stack)
    assert "4 computed, 0 from the memo" in capsys.readouterr().out.splitlines()[1]
    assert features.shape == (2, 128, 256)
    assert features.info["front_end"] == list(stack)
    clip = extract_clip(extracted / "clips/val/c.mp4", load(ExtractParams, ROOT / "params.yaml"))
    for channel, name in enumerate(stack):
        pcm = np.frombuffer(clip.pcm, "<i2")
        expected = compute(pcm, clip.sample_rate, feature_params(name), clip.pcm_shift)
        np.testing.assert_array_equal(features.windows(2)[:, channel], expected[:, 0])


def test_a_sample_rate_that_the_front_end_cannot_use_stops_the_stage(tmp_path):
    params = load(ExtractParams, ROOT / "params.yaml").model_copy(update={"sample_rate": 16000})
    write_json(tmp_path / "extracted" / "extract.json", {"version": 1, "params": params.model_dump()})
    with pytest.raises(UserError, match="16000 Hz") as caught:
        run(tmp_path / "extracted", tmp_path, "baseline_image")
    assert "dvc exp run -S extract.sample_rate=22050" in caught.value.remedy
    assert not (tmp_path / "features").exists()
