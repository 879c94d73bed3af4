"""`avfake explain` on clips: the score is that of `avfake score`, and a planted place is found."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

import avfake
from avfake.cli.explain import Split, explain
from avfake.cli.score import SOME_UNREADABLE
from avfake.dataset.predictions import FILES, Unscored, write_predictions, write_unscored
from avfake.explain.clip import explain as explain_clip
from avfake.explain.result import numbers
from avfake.explain.worst import worst
from avfake.model.ensemble import Ensemble
from avfake.params import EvaluateParams, load
from clips import make_clip, make_root, tone, write_clip
from toy_detector import make_model, make_place, write_resplit
from workspace import DATA, ROOT, set_params

HERTZ = 3000.0


class Bright(nn.Module):
    """Mean brightness of each block of 4 bands and 8 frames, and nothing else."""

    num_features = 1

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.AvgPool2d((4, 8))
        self.weight = nn.Parameter(torch.zeros(1))

    def forward_features(self, images: Tensor) -> Tensor:
        return self.blocks(images.mean(1, keepdim=True))


class Listens(nn.Module):
    """A detector that calls bright windows fake."""

    pooling = "mean"

    def __init__(self) -> None:
        super().__init__()
        self.audio = nn.Module()
        self.audio.backbone = Bright()

    def forward(self, windows: Tensor) -> Tensor:
        images = windows.float() / 255
        brightness = 40 * self.audio.backbone.blocks(images.mean(1, keepdim=True)).mean((1, 2, 3))
        return torch.stack([torch.zeros_like(brightness), brightness - 2], 1)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = make_place(tmp_path_factory.mktemp("explain"), n_val=6, n_test=2)
    set_params(folder, {"evaluate.threshold_rule": "eer"})
    return folder


@pytest.fixture
def folder(built, monkeypatch):
    monkeypatch.chdir(built)
    return built


def names(split: str) -> list[str]:
    return sorted(path.name for path in (Path(DATA) / f"{split}set").iterdir())


def targets(split: str) -> dict[str, int]:
    with (Path(DATA) / f"{split}_label.txt").open(newline="") as file:
        return {row["video_name"]: int(row["target"]) for row in csv.DictReader(file)}


def run(*arguments: object):
    import typer

    app = typer.Typer()
    app.command()(explain)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_score_is_that_of_avfake_score_to_the_last_bit(folder):
    scorer = avfake.Scorer("models", "cpu")
    for name in names("val")[:3]:
        path = Path(DATA) / "valset" / name
        sound = explain_clip(scorer, path)
        assert sound.score == scorer.score(path)
        assert len(sound.window_scores) == len(scorer.windows(path))
        assert sound.heat.map.shape == (scorer.model.shape[-2], sound.line.n_frames)
        assert np.isfinite(sound.heat.map).all()
        assert sound.heat.map.std() > 0


def test_of_an_ensemble_the_heat_is_the_mean_of_its_members_heats(folder, tmp_path):
    scorers = [avfake.Scorer(make_model(tmp_path / str(seed), seed=seed), "cpu") for seed in (0, 1)]
    whole = avfake.Scorer(tmp_path / "0", "cpu")
    detector = Ensemble([one.model.detector for one in scorers]).eval()
    whole.model = whole.engine.model = replace(whole.model, detector=detector)
    path = Path(DATA) / "valset" / names("val")[0]
    sound, *each = (explain_clip(scorer, path) for scorer in (whole, *scorers))
    mean = np.mean([one.heat.map for one in each], axis=0)
    np.testing.assert_allclose(sound.heat.map, mean, atol=1e-5 * np.abs(mean).max())
    assert sound.heat.layer == each[0].heat.layer
    assert sound.score == pytest.approx(np.mean([one.score for one in each]), abs=1e-7)
    assert sound.score == pytest.approx(whole.score(path), abs=1e-7)


def planted(folder: Path, begin: float, end: float, seconds: float) -> Path:
    """A clip of silence with a tone in it."""
    rate = 22050
    sound = np.zeros(round(seconds * rate), np.float32)
    sound[round(begin * rate) : round(end * rate)] = tone(end - begin, rate, HERTZ)
    return write_clip(folder / "planted.wav", sound[None], rate, [], audio_codec="pcm_s16le")


def listener(folder: Path, **featurize: object) -> avfake.Scorer:
    """A scorer whose detector hears what is bright, with other settings of `featurize`."""
    scorer = avfake.Scorer(make_model(folder / "models"), "cpu")
    scorer.model = scorer.engine.model = replace(scorer.model, detector=Listens().eval())
    scorer.featurize = scorer.featurize.model_copy(update=featurize)
    return scorer


def test_a_planted_tone_is_found_at_its_second_and_in_its_band(tmp_path):
    path = planted(tmp_path, 2.0, 2.5, 4.0)
    sound = explain_clip(listener(tmp_path), path)
    assert sound.seconds == 4.0
    heat = sound.heat.map
    row, frame = np.unravel_index(heat.argmax(), heat.shape)
    assert 2.0 <= sound.line.edges[frame] <= 2.5
    (axis,) = sound.axes
    # a cell of the map is four bands high
    assert axis.edges[max(row - 4, 0)] <= HERTZ <= axis.edges[min(row + 5, len(heat))]
    begin, end = sound.line.spans()[sound.window_scores.argmax()]
    assert begin < 2.5
    assert end > 2.0


def test_seconds_are_those_of_the_clip_where_silence_was_trimmed_and_front_ends_are_stacked(tmp_path):
    scorer = listener(tmp_path, trim_db=40.0, front_end=["log_mel", "log_linear", "lfcc", "cqt"])
    small = {
        "log_linear": {"n_bands": 32},
        "lfcc": {"n_bands": 32, "n_coefficients": 16},
        "cqt": {"n_bins": 32, "bins_per_octave": 4},
    }
    scorer.featurize = scorer.featurize.model_copy(
        update={key: getattr(scorer.featurize, key).model_copy(update=value) for key, value in small.items()}
    )
    path = planted(tmp_path, 1.5, 3.0, 4.0)
    sound = explain_clip(scorer, path)
    assert sound.score == scorer.score(path)
    # frames of four hops reach over the edge of the tone
    np.testing.assert_allclose(sound.line.edges[[0, -1]], [1.5, 3.0], atol=0.05)
    found = numbers(path, scorer.model.facts, sound)
    assert [band["front_end"] for band in found["sound"]["heat"]["bands"][0]] == scorer.featurize.front_end
    assert sound.levels.shape == (4, 32, sound.line.n_frames)
    for channel, axis in enumerate(sound.axes):
        if axis.edges is not None:
            row = int(sound.levels[channel].mean(axis=1).argmax())
            assert axis.edges[max(row - 1, 0)] <= HERTZ <= axis.edges[min(row + 2, 32)], axis.front_end
    assert sound.axes[2].names[16] == "coefficient 0, delta"


def test_pictures_and_numbers_are_written_and_are_the_same_again(folder, tmp_path):
    clip = Path(DATA) / "valset" / names("val")[0]
    done = run(clip, "--out", tmp_path / "a", "--device", "cpu")
    assert done.exit_code == 0, done.output
    again = run(clip, "--out", tmp_path / "b", "--device", "cpu", "--json")
    assert again.exit_code == 0
    found = json.loads(again.stdout)
    assert f"score {avfake.score(clip):.6f}, the mean of " in done.stdout
    assert found["score"] == round(avfake.score(clip), 6)
    assert found["sound"]["curve"][-1]["end"] == found["sound"]["heard"][1] == found["sound"]["seconds"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        f"{clip.name}.json",
        f"{clip.name}.png",
    ]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert found == json.loads((tmp_path / "a" / f"{clip.name}.json").read_text())


def predict(scores: dict[str, dict[str, float]], unscored: list[Unscored]) -> None:
    for split, rows in scores.items():
        write_predictions(Path("data/predictions") / FILES[split], rows.items())
    write_unscored("data/predictions/unscored.csv", unscored)


def of_class(split: str, target: int) -> list[str]:
    return sorted(name for name, value in targets(split).items() if value == target)


def scores_with_wrong_ones() -> dict[str, float]:
    """Two clips of each class are on the wrong side of every sensible threshold."""
    real = zip(of_class("val", 0), (0.9, 0.95, 0.1), strict=True)
    fake = zip(of_class("val", 1), (0.2, 0.05, 0.99), strict=True)
    return {**dict(real), **dict(fake)}


def test_the_worst_of_validation_and_nothing_of_the_test(folder, tmp_path):
    accepted, alarms = of_class("val", 1)[:2], of_class("val", 0)[:2]
    predict({"val": scores_with_wrong_ones()}, [Unscored("val", alarms[1], "no sound")])
    done = run("--worst", 1, "--out", tmp_path, "--device", "cpu")
    assert done.exit_code == 0, done.output
    # the worse of the two false accepts; the worse of the two false alarms could not be read
    expected = [accepted[1], alarms[0]]
    written = [f"{name}.{end}" for name in expected for end in ("png", "json")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*written, "worst_val.html"])
    page = (tmp_path / "worst_val.html").read_text()
    assert page.index(f"<h3>{expected[0]}</h3>") < page.index(f"<h3>{expected[1]}</h3>")
    assert "Fakes that pass as real: 2" in page
    assert "Real clips called fake: 1" in page
    assert "1 more on the wrong side" in page
    assert not any(name in page for name in (accepted[0], alarms[1], *names("test")))
    # the scores above are no model's
    assert page.count("is of another model, or averages views") == 2


def test_the_test_is_read_only_when_asked_for(folder, tmp_path):
    predict({"val": scores_with_wrong_ones(), "test": dict.fromkeys(names("test"), 0.99)}, [])
    done = run("--worst", 3, "--split", Split.TEST, "--out", tmp_path, "--device", "cpu")
    assert done.exit_code == 0, done.output
    real = of_class("test", 0)
    page = (tmp_path / "worst_test.html").read_text()
    assert f"Real clips called fake: {len(real)}" in page
    assert all(f"<h3>{name}</h3>" in page for name in real)
    assert not any(name in page for name in names("val"))


def test_a_held_out_clip_is_looked_for_where_it_is(tmp_path, monkeypatch):
    """A clip that another split lends to validation lies in that split's folder."""
    monkeypatch.chdir(tmp_path)
    roots = make_root(tmp_path / DATA, n_train=2, n_val=2, n_test=0)
    real, fake = roots["val"]
    lent = roots["train"][1]
    write_resplit(
        tmp_path,
        [
            ("val", real, 0, "real", "a", "val"),
            ("val", fake, 1, "comb", "a", "val"),
            ("val", lent, 1, "comb", "b", "train"),
        ],
    )
    Path("data/predictions").mkdir(parents=True)
    predict({"val": {real: 0.2, fake: 0.8, lent: 0.1}}, [])
    found = worst(Path(DATA), "val", 5, load(EvaluateParams, ROOT / "params.yaml"))
    assert [(clip.kind, clip.path) for clip in found.clips] == [
        ("false accept", Path(DATA) / "trainset" / lent)
    ]
    assert found.clips[0].path.is_file()


def test_what_cannot_be_read_is_said_and_the_rest_is_explained(folder, tmp_path):
    mute = make_clip(tmp_path / "mute.mp4", audio=False)
    good = Path(DATA) / "valset" / names("val")[0]
    done = run(mute, good, "--json", "--out", tmp_path / "out", "--device", "cpu")
    assert done.exit_code == SOME_UNREADABLE
    assert f"not explained: {mute}: no audio stream" in done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {"video_name": "mute.mp4", "path": str(mute), "score": None, "error": "no audio stream"}
    assert second["video_name"] == good.name
