"""Clips with and without sound and faces, scored, disturbed and explained from the file."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from avfake.audit import equalise
from avfake.cli.explain import explain
from avfake.cli.score import SOME_UNREADABLE
from avfake.dataset.sample.picture import photographs, still
from avfake.dataset.shards import write_shard
from avfake.disturb.conditions import CONDITIONS
from avfake.disturb.measure import Task, measure, model_key
from avfake.explain.faces import explain_streams
from avfake.media.clip import extract_clip
from avfake.media.errors import ClipError
from avfake.model.streams import MISSING
from avfake.model.visual import Sight
from avfake.params import AuditParams, MemoParams, load
from avfake.scoring import Scorer
from clips import speech, write_clip
from toy_detector import make_model
from workspace import ROOT

RATE = 22050
BOTH = Sight("both", "test_resnet", 32, None, "attention")
PICTURE = dataclasses.replace(BOTH, modality="picture")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips with a face and speech, one of the two, and neither; detectors of both and of the picture."""
    folder = tmp_path_factory.mktemp("sight")
    face, _ = still(photographs()[0], 192, 3)
    blank = [np.full_like(face, 90)] * 20
    voice = speech(2.0, RATE, 0)[None].astype(np.float32)
    write_clip(folder / "whole.mp4", voice, RATE, [face] * 20)
    write_clip(folder / "mute.mp4", None, RATE, [face] * 20)
    write_clip(folder / "faceless.mp4", voice, RATE, blank)
    write_clip(folder / "nothing.mp4", None, RATE, blank)
    make_model(folder / "both", sight=BOTH)
    make_model(folder / "picture", sight=PICTURE)
    make_model(folder / "sound")
    return folder


def reason(scorer: Scorer, path: Path) -> str:
    with pytest.raises(ClipError) as caught:
        scorer.score(path)
    return caught.value.reason


def test_a_clip_is_scored_if_it_has_a_stream_that_the_detector_looks_at(folder):
    scorers = {name: Scorer(folder / name, "cpu") for name in ("both", "picture", "sound")}
    clips = {name: folder / f"{name}.mp4" for name in ("whole", "mute", "faceless", "nothing")}
    found = {name: scorers["both"].score(clips[name]) for name in ("whole", "mute", "faceless")}
    assert len(set(found.values())) == 3
    assert reason(scorers["both"], clips["nothing"]) == "no audio stream; no face found"
    assert scorers["picture"].score(clips["whole"]) > 0
    assert reason(scorers["picture"], clips["faceless"]) == "no face found"
    assert reason(scorers["sound"], clips["mute"]) == "no audio stream"
    looks = {name: scorers["both"].looks(clips[name]) for name in ("whole", "mute", "faceless")}
    assert (looks["whole"].pairs != MISSING).all()
    assert (looks["mute"].pairs[:, 0] == MISSING).all()
    assert (looks["faceless"].pairs[:, 1] == MISSING).all()
    assert len(looks["whole"].faces) == 4


def measured(folder: Path, model: str, clip: str, names: tuple[str, ...]) -> dict[str, float | None]:
    scorer = Scorer(folder / model, "cpu")
    task = Task(
        folder / clip, names, folder / model, model_key(scorer), "cpu", 32, 0,
        MemoParams(folder=str(folder / "memo"), max_gib=1.0),
    )  # fmt: skip
    done = measure(task)
    assert done.error is None
    assert [score.condition for score in done.scores] == ["clean", *names]
    return {score.condition: score.score for score in done.scores}


def test_each_stream_is_disturbed_with_the_other_as_it_is(folder):
    names = ("lowpass_4k", "blur")
    assert set(names) <= set(CONDITIONS)
    whole = measured(folder, "both", "whole.mp4", names)
    assert whole["clean"] == pytest.approx(
        Scorer(folder / "both", "cpu").score(folder / "whole.mp4"), abs=1e-6
    )
    assert len(set(whole.values())) == 3
    mute = measured(folder, "both", "mute.mp4", names)
    assert mute["lowpass_4k"] is None
    assert mute["blur"] != mute["clean"]
    deaf = measured(folder, "picture", "whole.mp4", names)
    assert deaf["lowpass_4k"] == deaf["clean"] != deaf["blur"]
    assert measured(folder, "sound", "whole.mp4", names)["clean"] not in (whole["clean"], deaf["clean"])


def run(*arguments: object):
    app = typer.Typer()
    app.command()(explain)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_an_explanation_says_which_face_and_which_part_of_it(folder, tmp_path):
    paths = [folder / f"{name}.mp4" for name in ("whole", "mute", "faceless", "nothing")]
    done = run(*paths, "--model", folder / "both", "--out", tmp_path, "--device", "cpu")
    assert done.exit_code == SOME_UNREADABLE, done.output
    found = {path.stem: json.loads((tmp_path / f"{path.name}.json").read_text()) for path in paths[:3]}
    scorer = Scorer(folder / "both", "cpu")
    for path in paths[:3]:
        assert found[path.stem]["score"] == pytest.approx(scorer.score(path), abs=1e-6)
    assert (found["mute"]["sound"], found["faceless"]["picture"]) == (None, None)
    faces = found["whole"]["picture"]["faces"]
    assert [face["time"] for face in faces] == sorted(face["time"] for face in faces)
    for face in faces:
        assert np.array(face["cells"]).ndim == 2
        assert face["regions"]
        for part in face["regions"]:
            assert 0 <= part["left"] < part["right"] <= 1
            assert 0 <= part["top"] < part["bottom"] <= 1
    assert found["whole"]["sound"]["heat"]["regions"]
    heights = {
        path.stem: Image.open(io.BytesIO((tmp_path / f"{path.name}.png").read_bytes())).height
        for path in paths[:3]
    }
    assert heights["whole"] == heights["mute"] + heights["faceless"]
    assert "face at" in done.output


def test_windows_and_faces_have_the_mean_over_their_pairs(folder):
    scorer = Scorer(folder / "both", "cpu")
    made = explain_streams(scorer, folder / "whole.mp4")
    pairs = scorer.look(extract_clip(folder / "whole.mp4", scorer.extract)).pairs
    assert len(made.sound.window_scores) == len(set(pairs[:, 0].tolist()))
    assert len(made.picture.face_scores) == len(set(pairs[:, 1].tolist()))
    weights = np.bincount(pairs[:, 1])
    assert made.score == pytest.approx((made.picture.face_scores * weights).sum() / weights.sum())
    weights = np.bincount(pairs[:, 0])
    assert made.score == pytest.approx((made.sound.window_scores * weights).sum() / weights.sum())
    assert made.picture.heat.maps.shape == (4, 32, 32)
    assert made.sound.heat.map.shape[1] == made.sound.line.n_frames


def test_equal_sound_is_scored_with_the_faces_as_they_are(folder, tmp_path, monkeypatch):
    scorer = Scorer(folder / "both", "cpu")
    row = dataclasses.asdict(extract_clip(folder / "whole.mp4", scorer.extract))
    names = [f"{number}.mp4" for number in range(4)]
    rows = [{"video_name": name, "clip_sha256": "0", **row} for name in names]
    write_shard(rows, tmp_path / "val/shard-00.parquet")
    of_sound = {"sound_seconds": 2.0, "leading_silence_seconds": 0.0, "trailing_silence_seconds": 0.0}
    table = pd.DataFrame({
        "split": "val", "home": "val", "video_name": names, "target": [0, 1, 0, 1], "source": None,
        "generator": None, "cutoff_hz": 4000.0, **of_sound,
    })  # fmt: skip
    seen = []
    monkeypatch.setattr(equalise, "clip_score", lambda _, looks, *__: seen.append(looks) or len(seen) / 9)
    for name in ("both", "picture"):
        path = folder / name / "model.json"
        facts = json.loads(path.read_text())
        facts["train"]["threads"] = 1
        path.write_text(json.dumps(facts))
    params = load(AuditParams, ROOT / "params.yaml").model_copy(update={"device": "cpu", "n_bootstrap": 50})
    made = equalise.equalise(table, tmp_path, folder / "both", params)
    assert isinstance(made["val"], equalise.Equalised)
    whole = scorer.looks(folder / "whole.mp4")
    assert len(seen) == 8
    for clean, after in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_array_equal(clean.windows, whole.windows)
        np.testing.assert_array_equal(clean.pairs, whole.pairs)
        assert not np.array_equal(after.windows, whole.windows)
        np.testing.assert_array_equal(after.faces, whole.faces)
    deaf = equalise.equalise(table, tmp_path, folder / "picture", params)["val"]
    assert "does not listen" in deaf.reason
