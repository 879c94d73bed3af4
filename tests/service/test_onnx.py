"""A service that runs the exported model: the same scores, explained where torch has its weights."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from avfake.cli import app
from avfake.scoring import Scorer
from avfake.service.settings import Settings
from served import served
from toy_detector import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory, clips):
    """A model with its export."""
    folder = make_model(tmp_path_factory.mktemp("model"))
    done = CliRunner().invoke(
        app, ["export", "--model", str(folder), "--out", str(folder), str(clips / "real.mp4")]
    )
    assert done.exit_code == 0, done.output
    return folder


def test_scores_are_those_of_torch_and_explanations_need_its_weights(tmp_path, model, clips):
    expected = Scorer(model, "cpu").score(clips / "real.mp4")
    with served(Settings(state=tmp_path), Scorer(model, "cpu", "onnx")) as server:
        answer = server.score(clips / "real.mp4", "?explain=true").json()
        assert abs(answer["score"] - expected) < 2e-6
        assert answer["explanation"]["sound"]["curve"]
    scorer = Scorer(model, "cpu", "onnx")
    (model / "model.safetensors").rename(tmp_path / "away")
    with served(Settings(state=tmp_path), scorer) as server:
        answer = server.score(clips / "real.mp4", "?explain=true").json()
        assert abs(answer["score"] - expected) < 2e-6
        assert answer["explanation"]["sound"] is None
        assert "torch" in answer["explanation"]["notes"][0]


def test_the_service_itself_does_not_load_torch():
    code = "import sys, avfake.service.serve; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
