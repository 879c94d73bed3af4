"""The faces that `featurize` packs beside the windows."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from avfake.dataset.features import FeatureSet
from avfake.dataset.shards import write_shard
from avfake.files import write_json
from avfake.media.pcm import to_pcm
from avfake.params import ExtractParams, FeaturizeParams, MemoParams, load
from avfake.stages import featurize
from workspace import ROOT

SIZE = 16
FACES = {"a.mp4": 2, "b.mp4": 0, "c.mp4": 3, "silent.mp4": 1, "broken.mp4": 0}
SHARDS = {
    "train/shard-00": ["a.mp4", "b.mp4", "c.mp4"],
    "val/shard-00": ["silent.mp4"],
    "val/shard-01": ["broken.mp4"],
}


def crops(name: str) -> np.ndarray:
    random = np.random.default_rng(list(FACES).index(name))
    return random.integers(0, 256, (FACES[name], SIZE, SIZE, 3)).astype(np.uint8)


def row(name: str) -> dict:
    heard = name not in ("silent.mp4", "broken.mp4")
    pcm, shift = to_pcm(np.random.default_rng(0).normal(0, 0.1, 8000 if heard else 0).astype(np.float32))
    error = "empty file" if name == "broken.mp4" else None
    return {
        "video_name": name, "clip_sha256": "00", "error": error,
        "audio_error": None if heard else error or "no audio stream", "video_error": error,
        "sample_rate": 22050, "pcm": pcm.tobytes() if heard else b"", "pcm_shift": shift,
        "n_faces": FACES[name], "faces": crops(name).tobytes(),
        "face_times": [0.5 + number for number in range(FACES[name])], "facts": "{}",
    }  # fmt: skip


def extracted(folder: Path, **settings) -> Path:
    params = load(ExtractParams, ROOT / "params.yaml").model_copy(
        update={"n_faces": 3, "face_size": SIZE, **settings}
    )
    for shard, names in SHARDS.items():
        rows = [row(name) for name in names]
        if params.n_faces == 0:
            rows = [item | {"n_faces": 0, "faces": b"", "face_times": []} for item in rows]
        write_shard(rows, folder / f"{shard}.parquet")
    write_json(folder / "extract.json", {"version": 1, "params": params.model_dump()})
    return folder


def run(source: Path, folder: Path) -> FeatureSet:
    memo = MemoParams(folder=str(folder / "memo"), max_gib=1.0)
    featurize.run(load(FeaturizeParams, ROOT / "params.yaml"), memo, 1, source, folder / "features")
    return FeatureSet(folder / "features")


def windows_of(features: FeatureSet) -> dict[str, str]:
    return {
        str(path.relative_to(features.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(features.folder.rglob("shard-??.npy"))
    }


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> FeatureSet:
    folder = tmp_path_factory.mktemp("faces")
    return run(extracted(folder / "extracted"), folder)


def test_every_clip_has_its_own_faces_and_their_times(features):
    names = features.index["video_name"].tolist()
    assert names == ["a.mp4", "b.mp4", "c.mp4", "broken.mp4", "silent.mp4"]
    assert features.face_counts.tolist() == [FACES[name] for name in names]
    assert features.face_counts.dtype == np.int64
    assert features.index["face_reason"].tolist() == [None, "no face found", None, "empty file", None]
    assert (features.face_size, features.info["n_faces"]) == (SIZE, 3)
    for place, name in enumerate(names):
        np.testing.assert_array_equal(features.faces(place), crops(name))
        assert (features.faces(place).dtype, features.faces(place).shape[1:]) == (np.uint8, (SIZE, SIZE, 3))
        assert features.face_times(place).tolist() == [0.5 + number for number in range(FACES[name])]
    assert features.index["count"].tolist()[3:] == [0, 0]  # a face is no window
    for read in (features.faces, features.face_times):
        assert isinstance(read(2), np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            read(2)[0] = 0


def test_a_copy_in_another_process_maps_the_files_anew(features):
    features.faces(0)
    sent = pickle.dumps(features)
    assert len(sent) < 10_000
    np.testing.assert_array_equal(pickle.loads(sent).faces(2), crops("c.mp4"))


def test_without_faces_there_are_none_and_the_windows_are_the_same_bytes(features, tmp_path, capsys):
    blind = run(extracted(tmp_path / "extracted", n_faces=0), tmp_path)
    assert "faces" not in capsys.readouterr().out
    assert windows_of(blind) == windows_of(features)
    assert not [*blind.folder.rglob("*.faces.npy"), *blind.folder.rglob("*.times.npy")]
    assert (blind.face_size, blind.info["n_faces"]) == (None, 0)
    assert blind.face_counts.tolist() == [0] * 5
    assert set(blind.index["face_reason"]) == {"extract.n_faces is 0"}
    assert len(blind.faces(0)) == len(blind.face_times(0)) == 0
