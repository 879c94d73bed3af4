"""Recipes that are wrong, clips that no tool can use, tools that fail: named, and nothing half done."""

import json
import pickle
import shutil

import pandas as pd
import pytest

from augmented import in_this_process, make_place, recipe, run_augment, set_recipes, use_toys
from avfake.errors import RunError, UserError
from clips import BROKEN, make_clip
from place import Place
from workspace import once


@pytest.fixture
def spoilt(tmp_path, tmp_path_factory, monkeypatch):
    """A place with six training clips and no recipe yet; clips are made in this process."""
    use_toys(monkeypatch)
    in_this_process(monkeypatch)
    shutil.copytree(once(tmp_path_factory, "augment-whole", make_place), tmp_path / "spoilt")
    return Place(tmp_path / "spoilt")


def skipped(place) -> pd.DataFrame:
    return pd.read_csv(place.folder / "data/augmented/skipped.csv", keep_default_na=False)


def notes(place) -> dict[str, list[str]]:
    return json.loads((place.folder / "metrics/augment_notes.json").read_text())


def counts(place) -> dict[str, int]:
    return json.loads((place.folder / "metrics/augment.json").read_text())


def test_an_unknown_tool_is_named_by_the_stage_without_a_traceback(place):
    set_recipes(place, recipe("wolrd", "pitched"))
    said = place.fails("augment", exit_code=2)
    assert "augment.recipes: `pitched`: there is no tool `wolrd`" in said
    assert not (place.folder / "data/augmented").exists()
    assert not (place.folder / ".memo").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((recipe("louder", params={"gian": [1.0, 1.0]}),), "gain: Field required; gian: Extra inputs"),
        ((recipe("louder"), recipe("backwards", "louder")), "recipes of the same name: louder"),
        ((recipe("louder", per_clip=0),), "per_clip`: Input should be greater than 0"),
        ((recipe("louder", of="clips"),), "of`: Input should be 'real', 'fake' or 'all'"),
        ((recipe("louder", "Lou der"),), "name`: String should match pattern"),
        ((recipe("louder", per_clip=1e9),), "would make 6000000000 clips, augment.max_clips allows 20000"),
    ],
)
def test_a_wrong_recipe_makes_nothing(spoilt, monkeypatch, wrong, said):
    set_recipes(spoilt, *wrong)
    with pytest.raises(UserError) as error:
        run_augment(spoilt, monkeypatch)
    assert said in error.value.message
    assert error.value.remedy
    assert spoilt.hashes("data/augmented", "metrics", ".memo") == {}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "empty file"),
        ("text", "not a media file"),
        ("truncated", "truncated"),
        ("no_audio", "audio"),
    ],
)
def test_a_clip_that_cannot_be_used_is_skipped_by_name(spoilt, monkeypatch, capsys, kind, reason):
    name = spoilt.rows()[2][0]
    BROKEN[kind](spoilt.root / "trainset" / name)
    set_recipes(spoilt, recipe("louder"), recipe("backwards", per_clip=2))
    run_augment(spoilt, monkeypatch)
    table = skipped(spoilt)
    assert set(table["source_name"]) == {name}
    assert list(zip(table["recipe"], table["copy"], strict=True)) == [
        ("louder", 0), ("backwards", 0), ("backwards", 1),
    ]  # fmt: skip
    assert all(reason in text for text in table["reason"])
    assert capsys.readouterr().out.endswith("15 made, 0 from the memo, 3 skipped\n")
    assert counts(spoilt)["n_skipped"] == 3
    assert (counts(spoilt)["skipped_louder"], counts(spoilt)["n_louder"]) == (1, 5)
    assert notes(spoilt)["skipped"][0].startswith(f"louder: {name}: ")


def test_a_clip_that_is_repaired_leaves_no_trace(spoilt, monkeypatch):
    set_recipes(spoilt, recipe("louder"))
    path = spoilt.root / "trainset" / spoilt.rows()[2][0]
    whole = path.read_bytes()
    BROKEN["no_audio"](path)
    run_augment(spoilt, monkeypatch)
    path.write_bytes(whole)
    repaired = run_augment(spoilt, monkeypatch)
    assert run_augment(make_place(spoilt.folder.parent / "whole", recipe("louder")), monkeypatch) == repaired


def test_labels_without_clips_partners_that_are_broken_and_clips_that_are_long(spoilt, monkeypatch):
    set_recipes(spoilt, recipe("borrowed", of="fake"))
    spoilt.set(augment__max_seconds=1.0)
    reals = [row for row in spoilt.rows()[1:] if row[1] == "0"]
    fakes = [row for row in spoilt.rows()[1:] if row[1] == "1"]
    for row in reals:
        BROKEN["text"](spoilt.root / "trainset" / row[0])
    (spoilt.root / "trainset" / fakes[0][0]).unlink()
    make_clip(spoilt.root / "trainset" / fakes[1][0], seconds=1.5, kind="speech")
    run_augment(spoilt, monkeypatch)
    reasons = dict(zip(skipped(spoilt)["source_name"], skipped(spoilt)["reason"], strict=True))
    assert reasons[fakes[0][0]] == "no such clip"
    assert reasons[fakes[1][0]] == "1.5 s long, augment.max_seconds is 1"
    partner = skipped(spoilt).set_index("source_name")["partner_name"][fakes[2][0]]
    assert reasons[fakes[2][0]].startswith(f"its partner {partner}: not a media file")
    assert notes(spoilt)["remarks"] == ["borrowed: every one of its 3 clips was skipped"]


def test_no_partner_of_another_source(spoilt, monkeypatch):
    set_recipes(spoilt, recipe("borrowed", of="real"))
    header, *rows = spoilt.rows()
    spoilt.write([header, *([*row[:3], "one voice"] for row in rows)])
    run_augment(spoilt, monkeypatch)
    assert set(skipped(spoilt)["reason"]) == {
        "there is no real training clip of another source to go with it"
    }
    assert set(skipped(spoilt)["partner_name"]) == {""}


def test_many_skipped_clips_are_counted_and_the_first_are_named(spoilt, monkeypatch, capsys):
    set_recipes(spoilt, recipe("faceless", per_clip=4))
    run_augment(spoilt, monkeypatch)
    assert "0 clips (0 real, 0 fake) from 0 source clips" in capsys.readouterr().out
    assert len(notes(spoilt)["skipped"]) == 21
    assert notes(spoilt)["skipped"][-1] == "... and 4 more"
    assert len(skipped(spoilt)) == 24
    assert set(skipped(spoilt)["reason"]) == {"no face was found"}


def test_a_recipe_that_matches_no_clip_says_so(spoilt, monkeypatch):
    header, *rows = spoilt.rows()
    spoilt.write([header, *(row for row in rows if row[1] == "0")])
    set_recipes(spoilt, recipe("louder", of="fake"), recipe("backwards", of="real", per_clip=1e-6))
    run_augment(spoilt, monkeypatch)
    assert notes(spoilt)["remarks"] == [
        "louder: no fake clip of the training split is drawn",
        "backwards: no real clip of the training split is drawn, of which per_clip takes 1e-06",
    ]
    assert counts(spoilt)["n_louder"] == 0


def test_a_tool_that_raises_is_named_with_recipe_and_clip(spoilt, monkeypatch):
    set_recipes(spoilt, recipe("louder"), recipe("faulty", "third"))
    with pytest.raises(RunError) as error:
        run_augment(spoilt, monkeypatch)
    assert error.value.message.startswith("augment.recipes: `third`: faulty on data/mine/trainset/")
    assert error.value.message.endswith("the tool raised KeyError: 'eyebrow'")
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value), "on its way from a process"
    assert "what was made is kept" in error.value.remedy
    assert spoilt.hashes("data/augmented", "metrics") == {}
    assert not list((spoilt.folder / "data").glob(".*"))
    set_recipes(spoilt, recipe("louder"))
    run_augment(spoilt, monkeypatch)
    assert counts(spoilt)["n"] == 6


def test_a_process_that_dies_is_named_and_costs_the_run_but_not_what_was_made(tmp_path, monkeypatch, capsys):
    use_toys(monkeypatch)
    place = make_place(
        tmp_path / "deadly", recipe("deadly", of="fake"), recipe("louder", of="fake"), n_train=2
    )
    with pytest.raises(RunError) as error:
        run_augment(place, monkeypatch)
    assert error.value.message.startswith("augment.recipes: `deadly`: deadly on data/mine/trainset/")
    assert "died" in error.value.message
    assert place.hashes("data/augmented", "metrics") == {}
    set_recipes(place, recipe("louder", of="fake"))
    in_this_process(monkeypatch)
    run_augment(place, monkeypatch)
    assert "0 made, 1 from the memo" in capsys.readouterr().out
