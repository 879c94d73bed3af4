"""The archive: bytes that follow from the contents, written whole or not at all; and its command."""

import errno
import gzip
import io
import json
import shutil
import tarfile
from contextlib import chdir

import pytest
import typer
from typer.testing import CliRunner

from avfake.bundle import archive, make
from avfake.bundle.archive import Entry
from avfake.bundle.commit import Commit
from avfake.bundle.declared import locked
from avfake.cli.bundle import bundle as command

COMMIT = Commit("a" * 40, b"", 1_700_000_000, {}, {})
ENTRIES = {"b/long-" + "x" * 200: Entry(b"2", True), "ä.txt": Entry(b"1")}

_app = typer.Typer()
_app.command()(command)


def packed(entries) -> bytes:
    out = io.BytesIO()
    archive.write(out, "top", entries, COMMIT.seconds)
    return out.getvalue()


def test_the_bytes_follow_from_contents_and_time_alone(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"1")
    path.chmod(0o600)
    moved = {"ä.txt": Entry(path), "b/long-" + "x" * 200: Entry(b"2", True)}
    assert packed(ENTRIES) == packed(moved)
    assert packed(ENTRIES)[:10] == gzip.compress(b"", 6, mtime=0)[:3] + bytes([0, 0, 0, 0, 0, 0, 255])
    with tarfile.open(fileobj=io.BytesIO(packed(ENTRIES))) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(f"top/{name}" for name in ENTRIES)
    for member in members:
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mtime == COMMIT.seconds
    assert [member.mode for member in members] == [0o755, 0o644]


def test_the_sums_are_what_sha256sum_writes():
    assert archive.sums({"b": Entry(b""), "a": Entry(b"x")}).decode().splitlines() == [
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  a",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b",
    ]


def test_a_full_disk_leaves_the_bundle_that_was_there_and_no_half_one(tmp_path, monkeypatch):
    out = tmp_path / "out.tar.gz"
    out.write_bytes(b"whole")
    monkeypatch.setattr(make, "_prove", lambda *_, **__: None)

    def full(source, target) -> None:
        target.write(source.read(20))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space"):
        make._written(out, dict(ENTRIES), COMMIT, ())
    assert [path.name for path in tmp_path.iterdir()] == ["out.tar.gz"]
    assert out.read_bytes() == b"whole"


def run(tmp_path, *arguments: str):
    with chdir(tmp_path):
        return CliRunner().invoke(_app, list(arguments))


def test_the_command_says_what_it_wrote_as_text_and_as_json(tmp_path, monkeypatch):
    made = make.Bundle(tmp_path / "x.tar.gz", "1" * 64, "2" * 64, "c" * 40, ("a.py",), 7, 2**20)
    monkeypatch.setattr(make, "make", lambda *_: made)
    done = run(tmp_path, "--out", "x.tar.gz")
    assert done.exit_code == 0
    assert "7 files, 1.0 MiB" in done.output
    assert "not reproducible" in done.stderr
    facts = json.loads(run(tmp_path, "--json").stdout)
    assert (facts["sha256"], facts["sums_sha256"], facts["commit"]) == ("1" * 64, "2" * 64, "c" * 40)
    assert facts["reproducible"] is False
    assert facts["uncommitted"] == ["a.py"]


def test_a_full_disk_is_said_in_words(tmp_path, monkeypatch):
    def full(*_) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(make, "make", full)
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "error: no space left for the bundle" in done.stderr


@pytest.mark.parametrize(
    ("out", "text"),
    [
        ("bundle.zip", "not the name of a .tar.gz file"),
        ("models/x.tar.gz", "lies in models"),
        ("data/augmented/trainset/x.tar.gz", "lies in data/augmented"),
        ("file/x.tar.gz", "no file can be written there"),
        ("folder.tar.gz", "no file can be written there"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_the_work(tmp_path, out, text):
    (tmp_path / "models").mkdir()
    (tmp_path / "folder.tar.gz").mkdir()
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "--out", out)
    assert done.exit_code == 2
    assert text in done.stderr
    assert "remedy: " in done.stderr


def test_versions_come_from_the_lock_file_and_not_from_this_machine():
    text = "numpy==2.4.0 \\\n    --hash=sha256:aa==b\nPyAV_x[fast]==1.0 ; python_version >= '3'\n# c==1\n"
    assert locked(text) == {"numpy": "2.4.0", "pyav-x": "1.0"}
