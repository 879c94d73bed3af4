"""The whole stage on real tiny clips: a shortcut in sound or picture is named, clean labels stay quiet."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from avfake.dataset.labels import read_labels
from avfake.dataset.predictions import write_predictions, write_unscored
from avfake.errors import UserError
from avfake.features import front_ends
from avfake.files import read_parquet, write_parquet
from avfake.model.detector import build
from avfake.model.saved import save_model
from avfake.params import ExtractParams, FeaturizeParams, load
from avfake.stages import audit, extract
from clips import clip_name, make_clip, pictures, speech, write_clip, write_labels
from workspace import DATA, ROOT, SMALL, set_params

RATE = 16000
SIZES = {"train": 28, "val": 16}
UNREADABLE = "unreadable.mp4"


def silent_start(path: Path, fake: int, seed: int) -> None:
    """Fakes begin at once, real clips after a while; both last 1.2 s."""
    sound = speech(1.2, RATE, seed)
    pause = 0 if fake else round((0.2 + 0.01 * (seed % 7)) * RATE)
    sound = np.concatenate([np.zeros(pause, np.float32), sound])[: len(sound)]
    write_clip(path, sound[None], RATE, pictures(4, 32, seed), fps=5, bit_rate=64_000)


def larger_picture(path: Path, fake: int, seed: int) -> None:
    """Fakes have a larger picture."""
    make_clip(path, 1.0 + 0.05 * (seed % 3), RATE, 1, seed, "speech", size=48 if fake else 32, fps=5)


PLANTS = {"leading_silence_seconds": silent_start, "video_width": larger_picture}


def build_place(folder: Path, fact: str) -> None:
    """Clips, extracted; labels as resplit hands them on; an untrained model and scores by chance."""
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(folder, SMALL | {"extract.n_faces": 0, "data.max_unreadable": 1.0, "audit.n_bootstrap": 50})
    set_params(folder, {"audit.equalised_clips": 8, "audit.device": "cpu", "audit.folds": 2})
    root = folder / DATA
    for number, (split, n) in enumerate(SIZES.items()):
        rows = []
        for place in range(n):
            name, fake = clip_name(split, place), place % 2
            (root / f"{split}set").mkdir(parents=True, exist_ok=True)
            PLANTS[fact](root / f"{split}set" / name, fake, 100 * number + place)
            rows.append((name, fake, "comb" if fake else "real", f"{split}-voice-{place // 4}"))
        write_labels(root / f"{split}_label.txt", rows)
    (root / "valset" / UNREADABLE).write_text("no clip")
    with (root / "val_label.txt").open("a") as file:
        file.write(f"{UNREADABLE},1,comb,val-voice-0\n")
    extract.main()
    table = read_parquet("data/labels/clips.parquet")
    if "home" not in table.column_names:
        table = table.append_column("home", table.column("split"))
    write_parquet(table, "data/resplit/clips.parquet")
    names = sorted(path.name for path in (root / "valset").iterdir())
    scores = np.random.default_rng(0).random(len(names)).tolist()
    write_predictions("data/predictions/prediction.csv", zip(names, scores, strict=True))
    write_unscored("data/predictions/unscored.csv", [])
    write_model(folder / "models")


def write_model(folder: Path) -> None:
    """A detector that never learnt anything, with what model.json must say for it to listen."""
    featurize, settings = load(FeaturizeParams), load(ExtractParams)
    features = {
        "front_end": featurize.front_end, "shape": list(front_ends.shape_of(featurize, settings.sample_rate)),
        "params": featurize.model_dump(), "sample_rate": settings.sample_rate,
        "max_seconds": settings.max_seconds, "min_seconds": settings.min_seconds,
        "version": front_ends.VERSION,
    }  # fmt: skip
    torch.manual_seed(0)
    detector = build("test_resnet", tuple(features["shape"]))
    plain = {"readout": {"stages": [], "bands": 4}, "pooling": "mean"}
    facts = {"backbone": "test_resnet", "features": features, "train": {"threads": 1, **plain}, "prior": 0.5}
    save_model(folder, detector, facts)


def audited() -> tuple[dict, dict]:
    audit.main()
    return tuple(json.loads(Path(f"metrics/{name}.json").read_text()) for name in ("audit", "audit_notes"))


def written() -> dict[str, str]:
    paths = [*Path("data/audit").iterdir(), *Path("metrics").iterdir()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module", params=PLANTS)
def built(request, tmp_path_factory):
    """A folder with a shortcut in it, and which."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        build_place(folder, request.param)
    return folder, request.param


@pytest.fixture
def planted(built, monkeypatch):
    monkeypatch.chdir(built[0])
    return built[1]


def relabel(seed: int) -> None:
    """Labels drawn anew, as many fakes of each voice: what told the classes apart no longer does."""
    labels = read_labels("data/resplit")
    rng = np.random.default_rng(seed)
    target = labels["target"].astype(int).to_numpy().copy()
    for _, rows in labels.groupby("source"):
        places = labels.index.get_indexer(rows.index)
        target[places] = rng.permutation(target[places])
    table = read_parquet("data/resplit/clips.parquet")
    place = table.column_names.index("target")
    write_parquet(
        table.set_column(place, "target", pa.array(target, pa.int8())), "data/resplit/clips.parquet"
    )


def test_a_planted_shortcut_is_named(planted, capsys):
    figures, notes = audited()
    assert figures["failures"] >= 2
    said = capsys.readouterr().out
    assert f"audit: failures: {figures['failures']}\n" in said
    assert f"`{planted}` alone tells real from fake: AUC 1.000" in said
    assert figures[f"fact_{planted}_auc_val"] == 1.0
    assert figures[f"fact_{planted}_auc_test"] is None
    assert figures["shortcut_auc_val"] > 0.9
    # What the plant does not touch: the writer, the track and the sampling are the same for all clips.
    untouched = (
        "container",
        "audio_codec",
        "video_codec",
        "audio_rate",
        "audio_channels",
        "video_fps",
    )
    assert {figures[f"fact_{name}_auc_val"] for name in untouched} == {0.5}
    assert not any(f"`{name}` alone" in text for name in untouched for text in notes["failures"])
    assert figures["n_unreadable"] == 1
    assert "1 of val" in notes["audit.n_unreadable"][0]
    assert (figures["n_train"], figures["n_val"], figures["n_test"]) == (28, 16, 0)
    assert figures["auc_equalised_val"] is not None
    facts = pd.read_csv("data/audit/facts.csv")
    assert len(facts) == 28 + 16
    assert UNREADABLE not in set(facts["video_name"])
    shortcuts = pd.read_csv("data/audit/shortcuts.csv")
    assert list(shortcuts.columns) == ["fact", "split", "auc", "low", "high", "p"]


@pytest.mark.parametrize("built", ["video_width"], indirect=True)
def test_clean_labels_stay_quiet_with_any_number_of_workers(planted):
    relabel(1)
    set_params(Path(), {"parallel.workers": 1})
    figures, notes = audited()
    assert not [text for text in notes["failures"] + notes["warnings"] if "tell" in text]
    assert figures[f"fact_{planted}_auc_val"] < 0.8
    first = written()
    set_params(Path(), {"parallel.workers": 2})
    audit.main()
    assert written() == first


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    with pytest.raises(UserError, match="data/extracted: no such file or folder") as caught:
        audit.main()
    assert "dvc repro audit" in caught.value.remedy
