"""The README says what the committed metrics say; the script that writes it can tell when it does not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/readme_figures.py"


def run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path) -> Path:
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    shutil.copytree(ROOT / "docs/pictures", tmp_path / "docs/pictures")
    return tmp_path


def change(root: Path, name: str, **figures: float | None) -> None:
    path = root / "metrics" / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | figures))


def test_the_readme_and_its_pictures_are_what_the_metrics_say():
    done = run(ROOT, "--check")
    assert done.returncode == 0, done.stderr


def test_another_figure_makes_the_readme_and_the_picture_stale(copy):
    change(copy, "evaluate_test", auc_unseen=0.123, auc_unseen_ci_low=0.1, auc_unseen_ci_high=0.2)
    done = run(copy, "--check")
    assert done.returncode == 1
    assert "README.md" in done.stderr
    assert "auc.svg" in done.stderr
    assert run(copy).returncode == 0
    assert "**0.12 (0.10 to 0.20)**" in (copy / "README.md").read_text()
    assert run(copy, "--check").returncode == 0


def test_a_figure_that_cannot_be_had_is_said_to_be_none(copy):
    change(copy, "evaluate", auc_seen=None, auc_seen_ci_low=None, auc_seen_ci_high=None)
    assert run(copy).returncode == 0
    row = next(line for line in (copy / "README.md").read_text().splitlines() if "| validation |" in line)
    assert row.split("|")[4].strip() == "none"


def test_a_readme_without_its_marks_is_refused(copy):
    (copy / "README.md").write_text("# avfake\n")
    done = run(copy)
    assert done.returncode == 1
    assert "marks" in done.stderr
