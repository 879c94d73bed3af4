"""`avfake inspect` in processes: their number changes no byte."""

import pytest

from avfake.inspection import reading, sheet
from clips import make_root
from inspected import in_this_process, inspect


def test_two_processes_make_the_page_that_one_makes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_root(tmp_path / "root", n_train=4, n_val=2, seconds=0.5)
    (tmp_path / "root/valset/empty.mp4").touch()

    def look(name: str, *arguments: object) -> str:
        files = ("--html", f"{name}.html", "--json", f"{name}.json")
        done = inspect("root", *files, "--clips", 2, *arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "root: 7 clips, 7 read" in look("two", "--jobs", 2)
    with pytest.MonkeyPatch.context() as patch:
        for module in (reading, sheet):
            patch.setattr(module, "map_ordered", in_this_process)
        look("one")
    for kind in ("html", "json"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
