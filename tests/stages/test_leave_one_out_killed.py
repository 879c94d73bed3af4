"""A leave-one-out that is killed goes on where it was."""

from pathlib import Path

from typer import Typer
from typer.testing import CliRunner

from avfake.cli.leave_one_out import leave_one_out
from killed import killed
from toy_resplit import make_labelled

app = Typer()
app.command()(leave_one_out)
FILES = ("loo.csv", "loo.json", "loo_scores.csv")


def test_killed_in_the_third_fold_it_goes_on_with_it(tmp_path, monkeypatch):
    workspace = make_labelled(tmp_path / "killed", train__epochs=1)
    monkeypatch.chdir(workspace)
    killed(workspace, lambda: app(["--csv", "loo.csv"]), lambda line: line.startswith("fold 3/3: without"))
    assert not Path("loo.csv").exists()
    again = CliRunner().invoke(app, ["--csv", "loo.csv"])
    assert again.exit_code == 0, again.output
    assert "2 trainings are done already, 1 x " in again.output
    assert "fold 2/3" not in again.output
    undisturbed = make_labelled(tmp_path / "undisturbed", train__epochs=1)
    monkeypatch.chdir(undisturbed)
    assert CliRunner().invoke(app, ["--csv", "loo.csv"]).exit_code == 0
    for name in FILES:
        assert (workspace / name).read_bytes() == (undisturbed / name).read_bytes()
