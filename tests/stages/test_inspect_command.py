"""The command on a small root of clips: what it prints and writes, and the memo."""

import json
import re
import shutil
from pathlib import Path

import pytest
from skimage.data import astronaut

from avfake.dataset.root import load_root
from avfake.inspection import reading, sheet
from avfake.memo import Memo
from avfake.parallel import Result
from avfake.params import DataParams, ExtractParams, MemoParams, load
from avfake.stages import extract
from clips import make_clip, make_root
from inspected import Page, in_this_process, inspect
from workspace import ROOT


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with parameters, a root of twelve clips, two with a face, and what the command made of it."""
    folder = tmp_path_factory.mktemp("inspect")
    shutil.copy(ROOT / "params.yaml", folder)
    names = make_root(folder / "root", n_train=4, n_val=4, n_test=4, seconds=0.5)
    for seed, name in enumerate(names["val"][:2]):
        path = folder / "root/valset" / name
        make_clip(path, seconds=0.5, size=160, face=astronaut()[0:256, 90:346], seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        here(patch, folder)
        done = inspect("root", "--html", "page.html", "--json", "figures.json", "--clips", 3)
    assert done.exit_code == 0, done.output
    (folder / "said").write_text(done.stdout)
    return folder


def here(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """In `folder`, without processes."""
    patch.chdir(folder)
    for module in (reading, sheet):
        patch.setattr(module, "map_ordered", in_this_process)


def test_a_summary_is_printed(place):
    said = (place / "said").read_text()
    assert re.search(r"^root: 12 clips, 12 read$", said, re.MULTILINE)
    assert re.search(r"^train +4 +2 +2 +0 +0$", said, re.MULTILINE)
    assert "generators of fakes: 2 (alias, comb)" in said
    assert "note: Generators of the test split that training has not: alias." in said
    assert "duration, fake: median 0.5" in said
    assert "written: page.html" in said


def test_page_and_json_say_the_same(place):
    figures = json.loads((place / "figures.json").read_text())
    page = Page((place / "page.html").read_text())
    assert page.row("all")[:4] == ["12", "6", "6", "50.0 %"]
    assert page.row("alias not in training") == ["0", "0", "2", "0", "2"]
    rates = {row["value"]: [str(row["real"]), str(row["fake"])] for row in figures["values"]["audio_rate"]}
    assert page.row("16000") == rates["16000"] == ["5", "5"]
    assert page.row("44100") == rates["44100"] == ["1", "1"]
    for item in figures["findings"]:
        assert item["text"] in page.text
    assert [row["class"] for row in figures["sheet"]] == ["real"] * 3 + ["fake"] * 3
    for row in figures["sheet"]:
        assert row["video_name"] in page.text


def test_the_docs_explain_every_key(place):
    figures = json.loads((place / "figures.json").read_text())
    docs = (ROOT / "docs/inspect.md").read_text()
    rows = [
        figures[key][0] for key in ("counts", "generators", "numbers", "differences", "findings", "sheet")
    ]
    keys = {*figures, *figures["histogram"], *(key for row in rows for key in row)}
    assert [key for key in sorted(keys) if f"`{key}`" not in docs] == []
    assert f"`format` is {figures['format']}." in docs


def test_the_sheet_shows_sound_and_faces(place):
    figures = json.loads((place / "figures.json").read_text())
    with_face = {row["value"]: row["clips"] for row in figures["values"]["n_faces"]}
    assert with_face.pop("0") == 10
    assert sum(with_face.values()) == 2
    images = Page((place / "page.html").read_text()).all("img")
    assert sum(image["class"] == "sound" for image in images) == 6
    # With more places than clips, the two with a face are among those shown.
    with pytest.MonkeyPatch.context() as patch:
        here(patch, place)
        inspect("root", "--html", "all.html", "--clips", 25)
    faces = [
        image for image in Page((place / "all.html").read_text()).all("img") if image["class"] == "faces"
    ]
    assert len(faces) == 2
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in faces)


def test_the_same_bytes_outside_of_the_project(place, tmp_path, monkeypatch):
    """Without params.yaml there is no memo, and the defaults are those of the project."""
    (tmp_path / "root").symlink_to(place / "root")
    here(monkeypatch, tmp_path)
    done = inspect("root", "--html", "page.html", "--json", "figures.json", "--clips", 3)
    assert done.exit_code == 0, done.output
    assert done.stdout == (place / "said").read_text()
    assert not (tmp_path / ".memo").exists()
    for name in ("page.html", "figures.json"):
        assert Path(name).read_bytes() == (place / name).read_bytes(), name


def test_what_was_read_is_in_the_memo_of_the_stage(place, monkeypatch):
    monkeypatch.chdir(place)
    root = load_root(DataParams(root="root", limit=None, seed=0, max_unreadable=0.0))
    params, memo = load(ExtractParams), load(MemoParams)
    assert len(Memo(memo.folder, memo.max_gib).entries()) == len(root.clips)
    for clip in root.clips:
        assert extract.extract_task(extract.Task(clip, params, memo)).decoded is False


def test_limit_bounds_what_is_opened_and_not_what_is_counted(place, tmp_path, monkeypatch):
    here(monkeypatch, tmp_path)
    done = inspect(place / "root", "--limit", 1, "--json", "figures.json", "--html", "page.html")
    assert done.exit_code == 0, done.output
    figures = json.loads(Path("figures.json").read_text())
    assert (figures["counts"][-1]["clips"], figures["counts"][-1]["read"]) == (12, 6)
    assert sum(row["clips"] for row in figures["sources"]) == 12
    text = " ".join(Page(Path("page.html").read_text()).text.split())
    assert "6 were read, at most 1 per class and split" in text


def test_another_seed_shows_other_clips(place, tmp_path, monkeypatch):
    here(monkeypatch, tmp_path)
    shown = set()
    for seed in range(4):
        assert inspect(place / "root", "--seed", seed, "--clips", 1, "--json", "f.json").exit_code == 0
        shown.add(tuple(row["video_name"] for row in json.loads(Path("f.json").read_text())["sheet"]))
    assert len(shown) > 1


def test_a_clip_that_kills_its_process_costs_only_itself(place, monkeypatch, tmp_path):
    def dies(_, items, *__):
        for item in items:
            yield Result(item, None, "the process that read it died")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "map_ordered", dies)
    done = inspect(place / "root", "--json", "f.json")
    assert done.exit_code == 0
    groups = json.loads(Path("f.json").read_text())["unreadable"]
    assert [(group["reason"], len(group["clips"])) for group in groups] == [
        ("the process that read it died", 12)
    ]
