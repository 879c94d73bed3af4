"""Sound in memory is scored as a file is, and a clip's scores are kept."""

from pathlib import Path

import numpy as np
import pytest

from avfake.disturb import measure as module
from avfake.disturb.conditions import CONDITIONS, PictureCondition
from avfake.disturb.listener import Listener
from avfake.disturb.measure import Task, measure, model_key
from avfake.disturb.sound import RATE
from avfake.media.audio import read_audio, resampled
from avfake.media.errors import ClipError
from avfake.model import inference
from avfake.params import MemoParams
from avfake.scoring import Scorer
from clips import make_clip, speech
from toy_detector import make_model

CASES = {
    "stereo.mp4": {"rate": 44100, "channels": 2},
    "mono.mp4": {"rate": 16000, "channels": 1},
    "long.mkv": {"rate": 48000, "channels": 6, "seconds": 3.3},
    "short.wav": {"rate": 8000, "channels": 1, "seconds": 0.3, "video": False, "audio_codec": "pcm_s16le"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two detectors, and clips of several kinds."""
    folder = tmp_path_factory.mktemp("listener")
    make_model(folder / "models")
    make_model(folder / "low", sample_rate=16000, max_seconds=2.0)
    for seed, (name, arguments) in enumerate(CASES.items()):
        make_clip(folder / name, kind="speech", seed=seed, **{"seconds": 1.4} | arguments)
    return folder


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return Scorer(folder / "models", "cpu")


def task(
    folder: Path, name: str = "stereo.mp4", conditions: tuple[str, ...] = ("noise_5db",), **more
) -> Task:
    memo = MemoParams(folder=str(more["memo"]), max_gib=1.0)
    return Task(
        folder / name, conditions, folder / "models", "key of the model", "cpu", 32, more.get("seed", 0), memo
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", ["models", "low"])
def test_the_clean_score_is_that_of_the_file(folder: Path, name: str, model: str) -> None:
    scorer = Scorer(folder / model, "cpu")
    listener = Listener(scorer, 32)
    score = listener.score(listener.read(folder / name))
    assert f"{score:.6f}" == f"{scorer.score(folder / name):.6f}"


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_resampling_is_the_readers(folder: Path, rate: int) -> None:
    for name in CASES:
        sound = read_audio(folder / name, RATE)
        assert np.array_equal(resampled(sound, rate), read_audio(folder / name, rate))


@pytest.mark.parametrize(
    "name", [key for key, item in CONDITIONS.items() if isinstance(item, PictureCondition)]
)
def test_a_disturbed_picture_leaves_the_score_of_a_detector_that_listens(
    folder: Path, scorer: Scorer, name: str
) -> None:
    listener = Listener(scorer, 32)
    path = folder / "stereo.mp4"
    condition = CONDITIONS[name]
    assert isinstance(condition, PictureCondition)
    assert listener.score_rewritten(path, condition) == listener.score(listener.read(path))


def test_equal_windows_are_scored_once(scorer: Scorer, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(
        "avfake.disturb.listener.clip_score", lambda *given: calls.append(1) or inference.clip_score(*given)
    )
    listener = Listener(scorer, 32)
    sound = speech(1.2, RATE, seed=1)
    first = listener.score(sound)
    assert listener.score(sound.copy()) == first
    assert listener.score(sound[::-1].copy()) != first
    assert len(calls) == 2


def test_too_short_or_too_long(folder: Path) -> None:
    listener = Listener(Scorer(folder / "low", "cpu"), 32)
    for n in (0, 100):
        with pytest.raises(ClipError, match="s of sound"):
            listener.score(np.zeros(n, np.float32))
    long = speech(3.0, RATE, seed=1)
    assert listener.score(long) == listener.score(long[: 2 * RATE])


def test_scores_of_a_clip_come_in_order_and_a_second_time_from_the_memo(folder: Path, tmp_path) -> None:
    names = ("noise_5db", "first_1s", "amr_nb", "h264_crf40")
    first = measure(task(folder, conditions=names, memo=tmp_path))
    assert [score.condition for score in first.scores] == ["clean", *names]
    assert first.error is None
    assert first.fresh == 5
    again = measure(task(folder, conditions=names[::-1], memo=tmp_path))
    assert again.fresh == 0
    assert {score.condition: score for score in again.scores} == {
        item.condition: item for item in first.scores
    }
    more = measure(task(folder, conditions=(*names, "reverb"), memo=tmp_path))
    assert more.fresh == 1


def test_the_memo_knows_what_a_score_depends_on(folder: Path, tmp_path, monkeypatch) -> None:
    conditions = ("noise_5db", "lowpass_4k")
    before = measure(task(folder, conditions=conditions, memo=tmp_path))
    other_seed = measure(task(folder, conditions=conditions, memo=tmp_path, seed=1))
    assert other_seed.fresh == 1  # only the noise is drawn
    assert other_seed.scores[1] != before.scores[1]
    assert other_seed.scores[::2] == before.scores[::2]
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    assert measure(task(folder, conditions=conditions, memo=tmp_path)).fresh == 3


def test_a_clip_that_breaks_midway_keeps_what_was_done(folder: Path, tmp_path, monkeypatch) -> None:
    def killed(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(Listener, "score_rewritten", killed)
    with pytest.raises(KeyboardInterrupt):
        measure(task(folder, conditions=("gain_up_6db", "blur"), memo=tmp_path))
    monkeypatch.undo()
    assert measure(task(folder, conditions=("gain_up_6db", "blur"), memo=tmp_path)).fresh == 1


def test_what_a_clip_cannot_have_has_a_reason(folder: Path, tmp_path) -> None:
    make_clip(folder / "silent.mp4", kind="silence")
    for name, condition, reason in (
        ("short.wav", "blur", "no video stream"),
        ("silent.mp4", "noise_20db", "silent throughout"),
    ):
        made = measure(task(folder, name, (condition, "gain_up_6db"), memo=tmp_path))
        assert made.scores[1].score is None
        assert reason in str(made.scores[1].reason)
        assert made.scores[2].score is not None
        assert measure(task(folder, name, (condition, "gain_up_6db"), memo=tmp_path)).fresh == 0


def test_a_clip_that_cannot_be_read_has_no_score_at_all(folder: Path, tmp_path) -> None:
    (folder / "text.mp4").write_text("no clip")
    make_clip(folder / "mute.mp4", audio=False)
    (folder / "folder.mp4").mkdir()
    for name, reason in (
        ("text.mp4", "not a media"),
        ("mute.mp4", "no audio"),
        ("none.mp4", "no such file"),
        ("folder.mp4", "cannot be opened"),
    ):
        made = measure(task(folder, name, memo=tmp_path))
        assert made.scores == ()
        assert reason in str(made.error)


def test_the_key_of_a_model_is_that_of_weights_and_front_end(folder: Path, scorer: Scorer, tmp_path) -> None:
    same, other = Scorer(make_model(tmp_path / "a"), "cpu"), Scorer(make_model(tmp_path / "b", seed=1), "cpu")
    assert model_key(same) == model_key(scorer)
    assert len({model_key(item) for item in (scorer, other, Scorer(folder / "low", "cpu"))}) == 3
