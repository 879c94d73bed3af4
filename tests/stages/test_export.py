"""`avfake export` from a trained model to a score without torch."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import avfake
from avfake.cli import app
from avfake.errors import RunError, UserError
from avfake.export.quantise import require_inside
from avfake.files import sha256_file
from avfake.model.inference import window_logits
from avfake.stages import decide, extract, featurize, predict, resplit, train
from clips import make_root
from workspace import DATA, ROOT, SMALL, environment, set_params


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder in which the stages ran from clips to predictions, and its model was exported."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(folder, SMALL | {"train.epochs": 1, "extract.n_faces": 0})
    make_root(folder / DATA, n_train=4, n_val=6, n_test=4, seconds=1.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in (extract, featurize, resplit, train, predict, decide):
            stage.main()
        (folder / "said").write_text(invoke("export").stdout)
    return folder


@pytest.fixture
def folder(built, monkeypatch):
    monkeypatch.chdir(built)
    return built


@pytest.fixture
def copied(folder, tmp_path):
    """A copy of the exported model, to be harmed."""
    return Path(shutil.copytree("models", tmp_path / "models"))


def invoke(*arguments: str | Path):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def clips() -> list[Path]:
    return sorted(path for part in ("valset", "testset") for path in Path(DATA, part).iterdir())


def test_the_command_says_what_it_compared(folder):
    record = json.loads(Path("models/model_onnx.json").read_text())
    assert record["sha256"] == sha256_file("models/model.onnx")
    assert record["model"] == json.loads(Path("models/model.json").read_text())
    assert record["precision"] == "float32"
    check = record["check"]
    assert set(check["log_odds"]) == {"1", "32"}
    assert check["clips"] == 6
    assert check["parts"] >= 6
    assert max(check["log_odds"].values()) <= check["allowed"] == 1e-4
    said = (folder / "said").read_text()
    assert said.startswith("written: models/model.onnx: float32")
    assert "at batches of 32" in said


def test_both_backends_give_one_score(folder):
    torchs, onnx = avfake.Scorer("models"), avfake.Scorer("models", backend="onnx", threads=1)
    assert (onnx.modality, onnx.prior, onnx.model.shape) == (
        torchs.modality,
        torchs.prior,
        torchs.model.shape,
    )
    for clip in clips():
        assert onnx.score(clip) == pytest.approx(torchs.score(clip), abs=2e-6)
        looks = onnx.looks(clip)
        expected = window_logits(torchs.model.detector, looks, 32, torchs.device)
        assert onnx.model.detector.window_logits(looks, 32) == pytest.approx(expected, abs=1e-5)
        judged, told = onnx.judge(clip), torchs.judge(clip)
        assert judged.score == onnx.score(clip)
        assert (judged.model, judged.seconds, judged.warnings) == (told.model, told.seconds, told.warnings)
        assert [one["begin"] for one in judged.windows] == [one["begin"] for one in told.windows]
        scores = [one["score"] for one in told.windows]
        assert [one["score"] for one in judged.windows] == pytest.approx(scores, abs=2e-6)


def test_threads_share_a_scorer(folder):
    onnx = avfake.Scorer("models", backend="onnx", threads=1)
    alone = [onnx.score(clip) for clip in clips()]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(onnx.score, clips() * 3)) == alone * 3


def test_scoring_needs_no_torch_and_no_weights(copied):
    (copied / "model.safetensors").unlink()
    (copied / "model.json").unlink()
    code = (
        "import sys, avfake; scorer = avfake.Scorer(sys.argv[1], backend='onnx', threads=1);"
        "scorer.judge(sys.argv[2]);"
        "print(scorer.score(sys.argv[2]), {'torch', 'timm', 'onnx'} & set(sys.modules))"
    )
    clip = clips()[0]
    done = subprocess.run(
        [sys.executable, "-c", code, str(copied), str(clip)],
        env=environment(Path.cwd()), capture_output=True, text=True, check=True,
    )  # fmt: skip
    score, modules = done.stdout.split(maxsplit=1)
    assert float(score) == pytest.approx(avfake.score(clip), abs=2e-6)
    assert modules.strip() == "set()"


def test_a_model_trained_anew_is_not_scored_with_the_old_file(copied):
    facts = json.loads((copied / "model.json").read_text())
    (copied / "model.json").write_text(json.dumps(facts | {"sha256": "0" * 64}))
    with pytest.raises(UserError, match="made of another model") as caught:
        avfake.Scorer(copied, backend="onnx")
    assert "avfake export" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "harm", "message"),
    [
        ("model.onnx", lambda path: path.write_bytes(path.read_bytes()[:-7]), r"model\.onnx: damaged"),
        ("model.onnx", Path.unlink, r"model\.onnx: no such file"),
        ("model_onnx.json", Path.unlink, r"model_onnx\.json: no such file"),
        ("model_onnx.json", lambda path: path.write_text("{"), "not valid JSON"),
        ("model_onnx.json", lambda path: path.write_text('{"format": 9}'), "format 9"),
        ("model_onnx.json", lambda path: path.write_text('{"format": 1}'), "`model` is missing"),
        ("model.json", lambda path: path.write_text("[1"), r"model\.json: not valid JSON"),
    ],
)
def test_damage_is_named(copied, name, harm, message):
    harm(copied / name)
    with pytest.raises(UserError, match=message):
        avfake.Scorer(copied, backend="onnx")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backend": "tvm"}, "backend: `tvm` is unknown"),
        ({"backend": "onnx", "device": "cuda"}, "runs on the CPU"),
        ({"backend": "onnx", "threads": 0}, "threads: 0"),
        ({"threads": -1}, "threads: -1"),
    ],
)
def test_wrong_arguments_of_a_scorer(folder, arguments, message):
    with pytest.raises(UserError, match=message):
        avfake.Scorer("models", **arguments)


def test_an_export_elsewhere_says_what_its_scores_mean(folder, tmp_path):
    done = invoke("export", "--out", tmp_path, clips()[0])
    assert done.exit_code == 0
    there = avfake.Scorer(tmp_path, "cpu", "onnx", threads=1).judge(clips()[1])
    here = avfake.Scorer("models", "cpu", "onnx", threads=1).judge(clips()[1])
    assert there == here
    assert there.label in ("real", "fake")


def test_a_decision_of_other_weights_is_refused_before_anything_is_written(copied, tmp_path):
    path = copied / "decision.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_sha256": 64 * "0"}))
    done = invoke("export", "--model", copied, "--out", tmp_path / "out", clips()[0])
    assert done.exit_code == 2
    assert "belongs to weights" in done.stderr
    assert not (tmp_path / "out").exists()


def test_eight_bits_are_judged_on_validation(folder, tmp_path):
    done = invoke("export", "--int8", "--json", "--out", tmp_path)
    record = json.loads((tmp_path / "model_onnx.json").read_text())
    figures = record["quantisation"]
    assert done.exit_code == 0
    assert record["precision"] == "int8"
    assert figures["clips"] == 6
    assert figures["auc_low"] <= figures["auc_int8"] <= figures["auc_high"]
    assert (tmp_path / "model.onnx").stat().st_size < Path("models/model.onnx").stat().st_size
    assert json.loads(done.stdout.splitlines()[-1])["quantisation"] == figures
    scorer = avfake.Scorer(tmp_path, backend="onnx", threads=1)
    assert scorer.score(clips()[0]) == pytest.approx(avfake.score(clips()[0]), abs=0.1)


def test_eight_bits_that_cost_auc_are_refused():
    figures = {"auc_int8": 0.6, "auc_low": 0.7, "auc_high": 0.9, "inside": False}
    with pytest.raises(RunError, match=r"0\.6000, outside the interval of float32 \(0\.7000 to 0\.9000\)"):
        require_inside(figures)


def test_a_difference_to_torch_writes_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("avfake.export.compare.LARGEST", 1e-12)
    done = invoke("export", "--out", tmp_path, clips()[0])
    assert done.exit_code == 1
    assert "differs from torch" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere"], "nowhere/model.json: no such file"),
        (["--int8", "params.yaml"], "--int8 is judged on validation"),
        (["params.yaml"], "params.yaml: "),
        (["--clips", "0"], "--clips"),
    ],
)
def test_wrong_arguments_of_the_command(folder, tmp_path, arguments, message):
    done = invoke("export", "--out", tmp_path, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_features_clips_must_be_named(copied, tmp_path, monkeypatch):
    clip = clips()[0].resolve()
    monkeypatch.chdir(tmp_path)
    done = invoke("export")
    assert done.exit_code == 2
    assert "data/features/features.json: no such file" in done.stderr
    assert invoke("export", clip).exit_code == 0
