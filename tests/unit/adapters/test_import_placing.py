"""What is made and what is refused: links, errors with file and line, runs that are stopped and run again."""

import errno
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avfake.adapters.plan import Options
from avfake.adapters.registry import ADAPTERS
from avfake.adapters.run import import_set
from avfake.cli import app
from avfake.dataset.root import load_root
from avfake.errors import UserError
from avfake.params import DataParams
from killed import killed
from published import TREES, contents, text

LA = ADAPTERS["asvspoof2019-la"]
TRAIN = "LA/ASVspoof2019_LA_train/flac"
PROTOCOL = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt"


@pytest.fixture
def src(tmp_path: Path) -> Path:
    TREES["asvspoof2019-la"](tmp_path / "set")
    return tmp_path / "set"


def command(*arguments: object):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def add(src: Path, line: str) -> None:
    with (src / PROTOCOL).open("a") as file:
        file.write(line + "\n")


def test_clips_are_hard_links_and_nothing_is_copied(src, tmp_path):
    made = import_set(LA, src, tmp_path / "root", Options(), None)
    assert made.placed == {"hard": 12}
    clip = tmp_path / "root" / "trainset" / "LA_T_1000000.flac"
    assert clip.samefile(src / "LA/ASVspoof2019_LA_train/flac/LA_T_1000000.flac")
    assert not clip.is_symlink()


def test_where_hard_links_do_not_reach_symbolic_ones_are_made(src, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    made = import_set(LA, src, tmp_path / "root", Options(), None)
    assert made.placed == {"symbolic": 12}
    clip = tmp_path / "root" / "trainset" / "LA_T_1000000.flac"
    assert clip.is_symlink()
    assert clip.readlink().is_absolute()
    root = load_root(DataParams(root=str(tmp_path / "root"), limit=None, seed=0, max_unreadable=0.0))
    assert root.problems == ()
    with pytest.raises(UserError, match="no hard link can be made"):
        import_set(LA, src, tmp_path / "other", Options(), "hard")
    assert not (tmp_path / "other").exists()


def test_copies_are_copies(src, tmp_path):
    made = import_set(LA, src, tmp_path / "root", Options(), "copy")
    clip, origin = tmp_path / "root/valset/LA_D_1000001.flac", src / "LA/ASVspoof2019_LA_dev/flac"
    assert made.placed == {"copy": 12}
    assert not clip.samefile(origin / clip.name)
    assert clip.read_bytes() == (origin / clip.name).read_bytes()


def test_a_link_in_the_set_is_followed_to_its_file(src, tmp_path):
    real = src / "LA/ASVspoof2019_LA_train/flac/LA_T_1000000.flac"
    moved = shutil.move(real, tmp_path / "elsewhere.flac")
    real.symlink_to(moved)
    import_set(LA, src, tmp_path / "root", Options(), "hard")
    clip = tmp_path / "root/trainset/LA_T_1000000.flac"
    assert not clip.is_symlink()
    assert clip.samefile(moved)


def test_the_same_import_again_changes_nothing_and_puts_lost_links_back(src, tmp_path):
    out = tmp_path / "root"
    import_set(LA, src, out, Options(), None)
    before = contents(out)
    again = import_set(LA, src, out, Options(), None)
    assert (again.again, again.placed) == (True, {"there": 12})
    after = contents(out)
    assert before == after
    (out / "trainset" / "LA_T_1000001.flac").unlink()
    assert import_set(LA, src, out, Options(), None).placed == {"there": 11, "hard": 1}
    assert contents(out).keys() == before.keys()


def test_a_root_of_another_import_is_not_touched(src, tmp_path):
    out = tmp_path / "root"
    import_set(LA, src, out, Options(limit=1), None)
    before = contents(out)
    with pytest.raises(UserError, match="an import of another options"):
        import_set(LA, src, out, Options(), None)
    assert import_set(LA, src, out, Options(limit=1), None).again
    assert contents(out) == before


def test_a_root_of_a_set_that_has_changed_since_is_not_touched(src, tmp_path):
    out = tmp_path / "root"
    import_set(LA, src, out, Options(), None)
    before = contents(out)
    shutil.copy(src / TRAIN / "LA_T_1000000.flac", src / TRAIN / "LA_T_2.flac")
    add(src, "LA_0079 LA_T_2 - - bonafide")
    with pytest.raises(UserError, match="the set has changed since"):
        import_set(LA, src, out, Options(), None)
    assert contents(out) == before


@pytest.mark.parametrize("taken", ["foreign", "file", "inside", "around"])
def test_a_place_that_is_taken_is_refused(src, tmp_path, taken):
    out = {"inside": src / "root", "around": tmp_path}.get(taken, tmp_path / "root")
    if taken == "foreign":
        text(out / "notes.txt", "mine")
    if taken == "file":
        text(out, "mine")
    before = contents(tmp_path)
    with pytest.raises(UserError, match=r"not empty|not a folder|inside the set"):
        import_set(LA, src, out, Options(), None)
    assert contents(tmp_path) == before


def test_the_list_shows_every_set_with_its_terms():
    done = command("--list")
    assert done.exit_code == 0
    for name, adapter in ADAPTERS.items():
        assert f"{name}: {adapter.title}" in done.output
        assert adapter.terms in done.output
    assert command().exit_code == 2


def test_the_command_writes_where_it_says(src, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("ASVspoof2019-LA", src, "--limit", 1, "--link", "symbolic")
    assert done.exit_code == 0, done.output
    root = tmp_path / "data/imported/asvspoof2019-la"
    assert "6 symbolic links" in done.output
    facts = json.loads((root / "import.json").read_text())
    assert facts["options"]["limit"] == 1
    assert facts["layout"]
    assert not list(root.parent.glob(".*"))


def stopping_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Makes the import say so when it has placed so many clips."""
    placed = []

    def said(*arguments: object) -> str:
        placed.append(put(*arguments))
        print(f"placed {len(placed)}", flush=True)
        time.sleep(0 if len(placed) < number else 60)
        return placed[-1]

    from avfake.adapters import place

    put = place._put
    monkeypatch.setattr(place, "_put", said)


def test_a_killed_import_leaves_no_root_and_the_next_goes_on(src, tmp_path, monkeypatch):
    out = tmp_path / "root"
    with monkeypatch.context() as patch:
        stopping_at(patch, 5)
        killed(tmp_path, lambda: import_set(LA, src, out, Options(), None), lambda line: "placed 5" in line)
    assert not out.exists()
    made = import_set(LA, src, out, Options(), None)
    assert made.placed == {"there": 5, "hard": 7}
    whole = tmp_path / "whole"
    import_set(LA, src, whole, Options(), None)
    assert contents(out).keys() == contents(whole).keys()
    for name in ("train_label.txt", "val_label.txt", "test_label.txt", "import.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_an_unfinished_import_with_other_options_is_begun_anew(src, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "root"
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        done = command("asvspoof2019-la", src, "--out", out)
    assert done.exit_code == 1
    assert "No space left" in done.output
    made = import_set(LA, src, out, Options(limit=1), None)
    assert made.placed == {"hard": 6}
    assert len(list((out / "trainset").iterdir())) == 2


def test_what_lies_in_the_way_and_is_not_ours_stays(src, tmp_path):
    text(tmp_path / ".root.unfinished" / "mine.txt", "mine")
    with pytest.raises(UserError, match="not made by an import"):
        import_set(LA, src, tmp_path / "root", Options(), None)
    assert (tmp_path / ".root.unfinished" / "mine.txt").read_text() == "mine\n"


def test_twenty_thousand_rows_take_seconds(src, tmp_path):
    folder = src / "LA/ASVspoof2019_LA_train/flac"
    rows = []
    for number in range(20_000):
        os.link(folder / "LA_T_1000000.flac", folder / f"LA_T_{number}.flac")
        rows.append(f"LA_{number % 20:04d} LA_T_{number} - {'- bonafide' if number % 9 else 'A01 spoof'}")
    with (src / PROTOCOL).open("a") as file:
        file.write("\n".join(rows) + "\n")
    begun = time.monotonic()
    made = import_set(LA, src, tmp_path / "root", Options(), None)
    assert time.monotonic() - begun < 60
    assert sum(made.counts["train"].values()) == 20_004
