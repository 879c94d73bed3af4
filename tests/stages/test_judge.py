"""A clip judged: the score of `predict`, and what validation says of it; by threads and by processes."""

import csv
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import avfake
from avfake import scoring
from avfake.dataset.sample.picture import photographs, still
from avfake.errors import UserError
from avfake.media.clip import extract_clip
from avfake.media.errors import ClipError
from avfake.model.visual import Sight
from avfake.result import NotScored, Result
from avfake.scoring import Scorer
from avfake.stages import decide, evaluate, extract, featurize, predict, resplit, train
from clips import make_clip, make_root, speech, text, write_clip
from images import face, write_image
from toy_detector import make_model
from workspace import DATA, ROOT, SMALL, set_params

RATE = 16000


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder in which the stages ran from clips to the decision; one validation clip cannot be read."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(folder, SMALL | {"train.epochs": 2, "extract.n_faces": 0, "data.max_unreadable": 1.0})
    make_root(folder / DATA, n_train=4, n_val=6, n_test=4, seconds=1.3)
    names = sorted(path.name for path in (folder / DATA / "valset").iterdir())
    text(folder / DATA / "valset" / names[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in (extract, featurize, resplit, train, predict, decide, evaluate):
            stage.main()
    return folder


@pytest.fixture
def folder(built, monkeypatch):
    monkeypatch.chdir(built)
    return built


def predictions(name: str) -> dict[str, str]:
    with (Path("data/predictions") / name).open(newline="") as file:
        return {row["video_name"]: row["score"] for row in csv.DictReader(file)}


def targets(split: str) -> dict[str, int]:
    with Path(f"{DATA}/{split}_label.txt").open(newline="") as file:
        return {row["video_name"]: int(row["target"]) for row in csv.DictReader(file)}


def clips(folder: Path) -> list[Path]:
    return sorted((folder / DATA / "testset").iterdir())


def test_a_judged_clip_has_the_score_of_predict_and_the_threshold_of_evaluate(folder):
    scorer = Scorer("models", "cpu")
    threshold = json.loads(Path("metrics/evaluate.json").read_text())["threshold"]
    assert threshold is not None
    for name, expected in predictions("prediction_test.csv").items():
        path = folder / DATA / "testset" / name
        result = scorer.judge(path)
        assert f"{result.score:.6f}" == expected
        assert result.score == scorer.score(path) == avfake.score(path)
        assert result.threshold == threshold
        assert result.label == ("fake" if float(expected) >= threshold else "real")
        assert 0 < result.probability < 1
        assert result.video_name == name
        assert result.model.startswith(json.loads(Path("models/model.json").read_text())["sha256"][:12])
        assert result.model.endswith(avfake.__version__)
        assert result.warnings == []


def test_the_expected_false_alarms_are_those_of_the_real_clips_that_have_a_score(folder):
    unread = sorted(targets("val"))[0]
    of_real = [
        float(score)
        for name, score in predictions("prediction.csv").items()
        if targets("val")[name] == 0 and name != unread
    ]
    scorer = Scorer("models", "cpu")
    assert scorer.decision.n_real == len(of_real) >= 2
    for name in predictions("prediction.csv").keys() - {unread}:
        result = scorer.judge(folder / DATA / "valset" / name)
        assert result.expected_fpr == np.mean([score >= round(result.score, 6) for score in of_real])


def test_windows_cover_the_sound_and_make_the_score(folder):
    path = clips(folder)[0]
    result = Scorer("models", "cpu").judge(path)
    assert result.windows[0]["begin"] == 0
    assert result.windows[-1]["end"] == pytest.approx(result.seconds)
    assert result.score == pytest.approx(np.mean([window["score"] for window in result.windows]))
    assert result.seconds == pytest.approx(1.3, abs=0.2)


def test_json_has_every_field_and_six_decimals(folder):
    result = Scorer("models", "cpu").judge(clips(folder)[0])
    made = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert list(made) == list(Result.__dataclass_fields__)
    assert made["score"] == round(result.score, 6)
    assert made["windows"][0].keys() == {"begin", "end", "score"}


def test_a_row_that_another_process_read_is_judged_alike(folder):
    scorer = Scorer("models", "cpu")
    path = clips(folder)[1]
    assert scorer.judge_row(extract_clip(path, scorer.extract), path.name) == scorer.judge(path)


def test_threads_share_a_scorer_and_get_the_figures_of_one(folder):
    scorer = Scorer("models", "cpu")
    paths = clips(folder) * 4
    expected = [scorer.judge(path) for path in clips(folder)] * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(scorer.judge, paths)) == expected


def test_the_function_loads_one_model_for_threads_that_ask_at_once(folder, monkeypatch):
    loaded = []
    monkeypatch.setattr(scoring, "Scorer", lambda model: loaded.append(model) or Scorer(model, "cpu"))
    scoring._scorer.cache_clear()
    gate = threading.Barrier(6)

    def ask(path: Path) -> float:
        gate.wait()
        return avfake.score(path)

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(ask, [clips(folder)[0]] * 6))
    scoring._scorer.cache_clear()
    assert (len(found), len(loaded)) == (1, 1)


def test_processes_change_no_figure_and_a_broken_clip_costs_itself(folder, tmp_path):
    scorer = Scorer("models", "cpu")
    paths = [*clips(folder), text(tmp_path / "text.mp4"), tmp_path / "none.mp4", tmp_path, *clips(folder)]
    alone = list(scorer.judge_all(paths))
    assert [type(item) for item in alone[4:7]] == [NotScored] * 3
    assert [item.reason for item in alone[5:7]] == ["no such file", "not a file"]
    assert list(scorer.judge_all(paths, jobs=2)) == alone


def test_a_folder_without_a_decision_scores_as_before_and_says_nothing_more(folder, tmp_path):
    for name in ("model.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / "models" / name).read_bytes())
    bare = Scorer(tmp_path, "cpu").judge(clips(folder)[0])
    whole = Scorer("models", "cpu").judge(clips(folder)[0])
    assert (bare.label, bare.threshold, bare.probability, bare.expected_fpr) == (None,) * 4
    assert (bare.score, bare.windows) == (whole.score, whole.windows)


def test_a_decision_of_other_weights_stops_judging_and_not_scoring(folder, tmp_path):
    for path in (folder / "models").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    facts = json.loads((tmp_path / "decision.json").read_text())
    (tmp_path / "decision.json").write_text(json.dumps(facts | {"model_sha256": "0" * 64}))
    scorer = Scorer(tmp_path, "cpu")
    assert 0 <= scorer.score(clips(folder)[0]) <= 1
    with pytest.raises(UserError, match="belongs to weights"):
        scorer.judge(clips(folder)[0])


def test_a_clip_unlike_those_of_training_is_judged_with_warnings(folder, tmp_path):
    path = make_clip(tmp_path / "short.flac", seconds=0.5, kind="speech", video=False, audio_codec="flac")
    warnings = Scorer("models", "cpu").judge(path).warnings
    assert warnings[0].startswith("0.50 s of sound: shorter than any clip in training")
    assert warnings[1] == "audio codec flac: never seen in training, which had aac"


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("flac", "flac"),
        ("mp3", "mp3"),
        ("ogg", "libopus"),
        ("opus", "libopus"),
        ("m4a", "aac"),
        ("aac", "aac"),
    ],
)
def test_a_sound_file_of_any_usual_format_is_scored(folder, tmp_path, suffix, codec):
    sound = speech(2.0, 48000, 3)[None]
    path = write_clip(tmp_path / f"sound.{suffix}", sound, 48000, [], audio_codec=codec)
    result = Scorer("models", "cpu").judge(path)
    assert 0 <= result.score <= 1
    assert result.seconds == pytest.approx(2.0, abs=0.1)


def test_a_still_image_is_judged_by_a_detector_that_looks(tmp_path):
    sight = Sight("picture", "test_resnet", 32, None, "attention")
    scorer = Scorer(make_model(tmp_path / "picture", sight=sight), "cpu")
    path = write_image(tmp_path / "face.png", still(photographs()[0], 192, 3)[0])
    result = scorer.judge(path)
    assert (result.windows, result.seconds, result.warnings) == ([], 0.0, [])
    assert result.score == scorer.score(path)
    listens = Scorer(make_model(tmp_path / "sound"), "cpu")
    with pytest.raises(ClipError, match="a still image has no sound"):
        listens.judge(path)


def test_a_detector_of_both_says_which_stream_was_missing(tmp_path):
    sight = Sight("both", "test_resnet", 32, None, "attention")
    scorer = Scorer(make_model(tmp_path / "both", sight=sight), "cpu")
    image = write_image(tmp_path / "face.jpg", face(0, 192))
    sound = write_clip(tmp_path / "sound.wav", speech(2.0, RATE, 1)[None], RATE, [], audio_codec="pcm_s16le")
    picture = still(photographs()[0], 192, 3)[0]
    whole = write_clip(tmp_path / "whole.mp4", speech(2.0, RATE, 1)[None], RATE, [picture] * 20)
    assert scorer.judge(image).warnings == [
        "no sound (a still image has no sound): judged by the picture alone"
    ]
    assert scorer.judge(sound).warnings == ["no face (no video stream): judged by the sound alone"]
    result = scorer.judge(whole)
    assert result.warnings == []
    assert len(result.windows) == len(scorer.looks(whole).windows)
    assert result.score == scorer.score(whole)


def test_as_many_threads_as_in_training_unless_told_otherwise(folder):
    assert json.loads(Path("models/model.json").read_text())["train"]["threads"] == 1
    assert Scorer("models", "cpu").threads == 1
    assert Scorer("models", "cpu", threads=2).threads == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"backend": "tea leaves"}, "`tea leaves` is unknown"), ({"threads": 0}, "too few")],
)
def test_a_wrong_argument_is_named(folder, arguments, message):
    with pytest.raises(UserError, match=message):
        Scorer("models", "cpu", **arguments)
