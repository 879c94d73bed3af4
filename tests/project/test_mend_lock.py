"""A file of DVC cut off anywhere is set aside, or DVC can read what is left of it; a whole one stays."""

import subprocess
import sys
from pathlib import Path

import pytest
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "dvc.lock").read_text()
AT_WORK = '{"write": {"data/extracted": {"pid": 12, "cmd": "dvc repro"}}, "read": {}}'


def mend(path: Path) -> str:
    command = [sys.executable, str(ROOT / "scripts/mend_lock.py"), str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def test_a_whole_file_stays(tmp_path):
    path = tmp_path / "dvc.lock"
    path.write_text(LOCK)
    assert mend(path) == ""
    assert path.read_text() == LOCK


def test_a_missing_file_is_no_error(tmp_path):
    assert mend(tmp_path / "dvc.lock") == ""


@pytest.mark.parametrize("end", [0, 5, 20, 40, 300, len(LOCK) // 2, len(LOCK) - 10])
def test_what_is_left_can_be_read(tmp_path, end):
    path = tmp_path / "dvc.lock"
    path.write_text(LOCK[:end])
    said = mend(path)
    if path.exists():
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(path.read_text()))
        assert said == ""
    else:
        assert (tmp_path / "dvc.lock.broken").read_text() == LOCK[:end]
        assert "half written" in said


def test_the_start_of_a_file_alone_is_set_aside(tmp_path):
    path = tmp_path / "dvc.lock"
    path.write_text("schema: '2.0'\nstages:\n  extract:\n    desc")
    mend(path)
    assert not path.exists()


@pytest.mark.parametrize("end", [0, 1, 30, len(AT_WORK) - 1])
def test_a_list_of_processes_at_work_that_is_cut_off_is_set_aside(tmp_path, end):
    path = tmp_path / "rwlock"
    path.write_text(AT_WORK[:end])
    assert "half written" in mend(path)
    assert not path.exists()


def test_a_whole_list_of_processes_stays(tmp_path):
    path = tmp_path / "rwlock"
    path.write_text(AT_WORK)
    assert mend(path) == ""
    assert path.read_text() == AT_WORK
