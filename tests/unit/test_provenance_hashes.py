"""Hashes as DVC records them, and lock files as pip reads them."""

import hashlib
from pathlib import Path

import pytest
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.tree import Tree

from avfake.provenance.hashes import directory_md5, dvc_files, hash_files, hashes_of
from avfake.provenance.locks import distribution, read_locks, same_version
from workspace import ROOT

NAMES = ("b.txt", "a/c.txt", "a b.txt", "ä.txt", "a/b/c.txt", "a-b.txt")


def test_a_folders_hash_is_the_one_that_dvc_gives():
    files = {name: hashlib.md5(name.encode()).hexdigest() for name in NAMES}
    tree = Tree()
    for name, md5 in files.items():
        tree.add(tuple(name.split("/")), Meta(), HashInfo("md5", md5))
    tree.digest()
    assert directory_md5(files) == tree.oid
    assert directory_md5(files | {"b.txt": "0" * 32}) != tree.oid
    assert directory_md5({}) != directory_md5(files)


def test_the_files_of_a_folder_are_those_that_dvc_sees(tmp_path, monkeypatch):
    for name in (*NAMES, "a/d.pyc", "__pycache__/e.txt"):
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / ".dvcignore").write_text((ROOT / ".dvcignore").read_text())
    monkeypatch.chdir(tmp_path)
    assert dvc_files(Path("folder")) == {name: Path("folder") / name for name in NAMES}


@pytest.mark.parametrize("workers", [1, 3])
def test_files_are_hashed_whole_and_missing_ones_left_out(tmp_path, workers):
    contents = {tmp_path / str(n): bytes([n]) * n * 700_000 for n in range(5)}
    for path, content in contents.items():
        path.write_bytes(content)
    found = hash_files([*contents, tmp_path / "missing", tmp_path], workers, "test")
    assert found == {path: hashes_of(content) for path, content in contents.items()}
    assert found[tmp_path / "0"].sha256 == hashlib.sha256(b"").hexdigest()


def test_lock_files_of_the_project_are_understood():
    locked = read_locks(ROOT)
    assert sorted(locked) == ["requirements-run.lock", "requirements.lock"]
    for versions in locked.values():
        assert versions["dvc"] == "3.67.1"
        assert {"numpy", "av", "soxr", distribution("cv2")} <= versions.keys()
        assert all(name == name.lower() and "_" not in name for name in versions)


@pytest.mark.parametrize(
    ("said", "locked", "same"),
    [
        ("4.14.0", "4.14.0.94", True),
        ("1.1.0", "1.1.0", True),
        ("1.1", "1.10", False),
        ("1.1.0", "1.1", False),
    ],
)
def test_a_module_may_leave_out_the_build_number(said, locked, same):
    assert same_version(said, locked) is same


def test_without_lock_files_there_are_no_versions(tmp_path):
    assert read_locks(tmp_path) == {}
