"""The gate on real repositories: Git, DVC's cache and lock, and the steps that the workflow runs."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from avfake.cli.gate import gate
from avfake.dataset.labels import read_labels, write_table
from avfake.dataset.predictions import read_predictions
from gate_repository import GateRepository, build
from workspace import ROOT, once, run


@pytest.fixture(scope="module")
def based(tmp_path_factory):
    return once(tmp_path_factory, "gate", lambda folder: build(folder) and None)


@pytest.fixture
def repository(based, tmp_path, monkeypatch):
    folder = tmp_path / "repository"
    shutil.copytree(based, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    repository = GateRepository(folder)
    repository.branch("change")
    yield repository
    shutil.rmtree(folder)


def judged(*arguments: str):
    """(exit code, the report as JSON, everything printed)."""
    app = typer.Typer()
    app.command()(gate)
    done = CliRunner().invoke(app, ["--json", "gate.json", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    report = json.loads(Path("gate.json").read_text()) if Path("gate.json").exists() else {}
    return done.exit_code, report, done.output


def checks(report: dict) -> set[str]:
    return {item["check"] for item in report["failures"]}


def row(report: dict, figure: str, split: str = "val") -> dict:
    return next(item for item in report["figures"] if (item["figure"], item["split"]) == (figure, split))


def test_nothing_changed_passes(repository):
    code, report, _ = judged("--base", "main")
    assert (code, report["verdict"], report["failures"]) == (0, "pass", [])
    assert {item["state"] for item in report["figures"]} == {"no worse"}
    assert all(item["difference"] == 0 for item in report["figures"])
    assert report["clips"]["val"] == {"both": 200, "only_base": 0, "only_head": 0, "relabelled": 0}


def test_a_weaker_detector_fails_and_the_comment_says_it_first(repository):
    repository.scored(drop=1.3)
    repository.commit("Weaker")
    code, report, printed = judged("--base", "main", "--markdown", "gate.md")
    assert (code, checks(report)) == (1, {"figure"})
    assert "AUC, forgeries never seen (test) fell by" in printed
    assert row(report, "auc_unseen", "test")["fails"]
    assert row(report, "auc_worst")["state"] == "worse"
    assert not row(report, "auc", "test")["decides"]
    comment = Path("gate.md").read_text()
    assert comment.startswith("## avfake gate: failed ❌")
    assert "| metrics/evaluate.json | auc |" in comment
    lines = [line for line in comment.splitlines() if line.startswith(("| ❌", "| ✅"))]
    verdicts = [line.split("|")[1].strip() for line in lines]
    assert verdicts == sorted(verdicts, key=lambda symbol: symbol != "❌")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_alone_does_not_fail(repository, seed):
    repository.scored(noise=seed)
    repository.commit("Another seed")
    code, report, _ = judged("--base", "main")
    assert (code, report["failures"]) == (0, [])
    assert row(report, "auc")["difference"] != 0


def test_a_better_detector_passes(repository):
    repository.scored(drop=-1.0)
    repository.commit("Better")
    code, report, _ = judged("--base", "main")
    assert code == 0
    assert row(report, "auc")["state"] == "better"


def test_a_lost_figure_a_failed_audit_and_a_lock_that_does_not_match_are_all_said(repository):
    values = repository.metrics()
    del values["auc_unseen"]
    repository.json("metrics/evaluate.json", values | {"eer": None})
    repository.json("metrics/audit.json", {"failures": 1, "warnings": 0})
    repository.json("metrics/audit_notes.json", {"failures": ["duration tells: AUC 0.97"], "warnings": []})
    repository.commit("Lost")
    repository.write("code/predict.py", "# changed, and never run\n")
    repository.commit("Stale", record=False)
    code, report, printed = judged("--base", "main")
    assert (code, checks(report)) == (1, {"lost", "audit", "stages"})
    assert row(report, "auc_unseen")["reason"] == "missing"
    assert row(report, "eer")["state"] == "lost"
    assert "audit: duration tells: AUC 0.97" in printed
    assert report["stages"] == {"predict": ["dependency code/predict.py changed"]}


def test_what_a_dry_run_lets_pass_is_found(repository):
    """An output that was never made, a dependency deleted from Git, a figure edited by hand."""
    text = (repository.folder / "dvc.yaml").read_text()
    repository.write("dvc.yaml", text.replace("outs: [data/robustness]", "outs: [data/robustness, data/new]"))
    (repository.folder / "code/extract.py").unlink()
    repository.json("metrics/evaluate.json", repository.metrics() | {"auc": 0.999})
    repository.commit("By hand", record=False)
    code, report, _ = judged("--base", "main")
    assert (code, checks(report)) == (1, {"stages", "scores"})
    assert report["stages"] == {
        "extract": ["dependency code/extract.py was deleted"],
        "evaluate": ["output metrics/evaluate.json changed"],
        "robustness": ["output data/new is not in dvc.lock"],
    }


def test_changed_data_fail_unless_announced(repository):
    labels = read_labels("data/labels")
    labels.loc[labels["video_name"] == "val000.mp4", "target"] = 1
    write_table(labels, "data/labels")
    repository.write("data/mine/train_label.txt", "video_name,target\nval000.mp4,1\n")
    target = labels.loc[labels["split"] == "val", "target"].to_numpy(dtype=int)
    score = read_predictions("data/predictions/prediction.csv")["score"].to_numpy()
    repository.figures("val", target, score)
    repository.commit("Relabelled")
    code, report, printed = judged("--base", "main")
    assert (code, checks(report)) == (1, {"data"})
    assert "target of 1 clips changed, such as val/val000.mp4" in printed
    code, report, _ = judged("--base", "main", "--data-changed")
    assert code == 0
    assert report["clips"]["val"]["relabelled"] == 1
    assert row(report, "auc")["n_real"] == 99


def test_the_workspace_can_be_judged(repository):
    repository.scored(drop=1.3)
    repository.record()
    code, report, _ = judged("--base", "main", "--head", "workspace")
    assert (code, report["head"]) == (1, {"name": "workspace", "commit": None})
    code, report, _ = judged("--base", "main")
    assert code == 0
    assert any("--head workspace" in text for text in report["warnings"])


def test_no_base_figures(repository):
    repository.git("checkout", "-q", "--orphan", "empty")
    shutil.rmtree("metrics")
    repository.commit("No figures", record=False)
    repository.git("checkout", "-q", "-b", "first")
    repository.git("checkout", "-q", "main", "--", "metrics")
    repository.commit("The first figures", record=False)
    code, report, printed = judged("--base", "empty")
    assert (code, report["verdict"]) == (2, "error")
    assert "`--first` judges head alone" in printed
    code, report, _ = judged("--base", "empty", "--first")
    assert (code, report["first"]) == (0, True)
    assert any("nothing was compared" in text for text in report["warnings"])
    code, _, printed = judged("--base", "first", "--first")
    assert code == 2
    assert "has figures to compare with" in printed


def test_what_cannot_be_compared_is_said_with_a_remedy(repository, tmp_path, monkeypatch):
    code, report, printed = judged("--base", "nowhere", "--markdown", "gate.md")
    assert (code, report["message"]) == (2, "no revision `nowhere` in this repository")
    assert "cannot compare" in Path("gate.md").read_text()
    assert "remedy: " in printed
    repository.git("checkout", "-q", "--orphan", "stranger")
    repository.commit("Unrelated", record=False)
    code, _, printed = judged("--base", "main")
    assert code == 2
    assert "their histories are unrelated" in printed
    shutil.rmtree(".dvc/cache")
    repository.git("checkout", "-q", "-f", "change")
    code, _, printed = judged("--base", "main")
    assert code == 2
    assert "dvc fetch data/" in printed
    shallow = tmp_path / "shallow"
    run(tmp_path, "git", "clone", "-q", "--depth", "1", f"file://{repository.folder}", str(shallow))
    monkeypatch.chdir(shallow)
    code, _, printed = judged("--base", "main")
    assert code == 2
    assert "fetch-depth: 0" in printed
    monkeypatch.chdir(tmp_path)
    code, _, printed = judged("--base", "main")
    assert code == 2
    assert "not a Git repository" in printed


@pytest.mark.parametrize(("drop", "expected"), [(1.3, 1), (0.0, 0)])
def test_the_steps_of_the_workflow(repository, tmp_path, drop, expected):
    """A clone without data, as in CI: scores come from the remote, the verdict is the exit code."""
    repository.push()  # the state of the base
    repository.scored(drop=drop, noise=7)
    repository.commit("Change")
    repository.push()
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", f"file://{repository.folder}", str(clone))
    done = run(clone, "bash", str(ROOT / "scripts/ci_gate.sh"), "origin/main", check=False)
    assert done.returncode == expected, done.stdout
    assert json.loads((clone / "gate/gate.json").read_text())["verdict"] == ("fail" if expected else "pass")
    assert (clone / "gate/gate.md").read_text().startswith("## avfake gate: ")
    assert (clone / "data/predictions/prediction.csv").is_file()
    assert "Would a stage run?" in done.stdout


def test_the_real_pipeline(workspace, monkeypatch):
    """An untouched pipeline has no stage that would run; one changed line of code is seen."""
    monkeypatch.chdir(workspace.folder)
    (workspace.folder / "NOTES.md").write_text("A remark.\n")
    workspace.commit("A remark")
    _, report, printed = judged("--base", "HEAD~1")
    assert report["stages"] == {}, printed
    assert checks(report) <= {"audit"}  # a few tiny clips are not without shortcuts
    assert {item["difference"] for item in report["figures"] if item["difference"] is not None} == {0.0}
    path = workspace.folder / "src/avfake/stages/predict.py"
    path.write_text(f"{path.read_text()}# changed\n")
    workspace.commit("Code that was not run")
    code, report, _ = judged("--base", "HEAD~1")
    assert code == 1
    assert report["stages"] == {"predict": ["dependency src/avfake/stages/predict.py changed"]}
