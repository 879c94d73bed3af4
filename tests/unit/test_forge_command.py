"""`avfake forge`: the list of tools, the dry run, one clip by hand."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from augmented import backwards as backwards_function
from augmented import in_this_process, make_place, recipe, run_augment, set_recipes, toy, use_toys
from avfake.cli.forge import app
from avfake.dataset.augmented import read_manifest
from place import Place
from workspace import once


@pytest.fixture(autouse=True)
def _toys(monkeypatch):
    use_toys(monkeypatch)
    in_this_process(monkeypatch)


@pytest.fixture
def place(tmp_path, tmp_path_factory, monkeypatch):
    recipes = recipe("louder", per_clip=2), recipe("borrowed", of="real")
    first = once(tmp_path_factory, "forge-command", lambda folder: make_place(folder, *recipes))
    shutil.copytree(first, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return Place(tmp_path / "place")


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_tools_are_listed():
    done = run("tools")
    assert done.exit_code == 0, done.output
    line = next(line for line in done.stdout.splitlines() if line.startswith("borrowed "))
    assert " ".join(line.split()) == "borrowed fake sound partner_sound, sound installed MIT A toy: borrowed."
    declared = {item["name"]: item for item in json.loads(run("tools", "--json").stdout)}
    assert declared["louder"]["label"] == "keeps"
    assert declared["louder"]["params"] == {"gain": "[low, high] of number, drawn for every clip"}


def test_a_missing_package_shows_in_the_list(monkeypatch):
    use_toys(monkeypatch, toy(backwards_function, packages=("numpy", "no-such-vocoder")))
    assert "missing: no-such-vocoder" in run("tools").stdout
    assert "no-such-vocoder is not installed" in run("tools", "backwards").stdout


def test_one_tool_in_full():
    shown = run("tools", "louder").stdout
    assert "louder, version 1: A toy: louder." in shown
    assert "`gain`: factor of the samples." in shown
    assert 'example: {"gain": [0.5, 0.9]}' in shown
    assert json.loads(run("tools", "louder", "--json").stdout)["example"] == {"gain": [0.5, 0.9]}
    unknown = run("tools", "loder")
    assert unknown.exit_code == 2
    assert "did you mean louder?" in unknown.stderr


def counts(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()


def test_the_dry_run_counts_and_writes_nothing(place):
    done = run("plan")
    assert done.exit_code == 0, done.output
    assert counts(done.stdout, "louder")[1:8] == ["louder", "keeps", "all", "6", "12", "0", "12"]
    assert counts(done.stdout, "borrowed")[1:8] == ["borrowed", "fake", "real", "3", "3", "0", "3"]
    assert "`avfake forge plan --time`" in done.stdout
    assert place.hashes(".memo", "data/augmented", "metrics") == {}


def test_the_timed_dry_run_makes_three_of_a_recipe_and_keeps_them_in_the_memo(place, monkeypatch, capsys):
    done = run("plan", "--time", "--json")
    forecasts = json.loads(done.stdout)
    louder, borrowed = forecasts["recipes"]
    assert (louder["measured"], louder["known"], louder["clips"]) == (3, 3, 12)
    assert (borrowed["measured"], borrowed["known"], borrowed["clips"]) == (3, 3, 3)
    assert forecasts["seconds"] == pytest.approx(9 * louder["seconds"] / forecasts["processes"])
    assert place.hashes("data/augmented", "metrics") == {}
    run_augment(place, monkeypatch)
    assert "9 made, 6 from the memo" in capsys.readouterr().out
    assert run("plan").stdout.endswith("nothing is left to make\n")
    sizes = [path.stat().st_size for path in (place.folder / "data/augmented/trainset").glob("louder-*")]
    assert louder["n_bytes"] == pytest.approx(sum(sizes), rel=0.1)


def test_the_dry_run_says_what_is_wrong_or_nothing_at_all(place):
    set_recipes(place, recipe("louder", params={}))
    wrong = run("plan")
    assert wrong.exit_code == 2
    assert "`louder`: parameters of louder: gain: Field required" in wrong.stderr
    set_recipes(place)
    assert "augment.recipes is empty" in run("plan").stdout
    place.write([row for row in place.rows() if row[1] != "1"])
    (place.root / "trainset" / place.rows()[1][0]).unlink()
    set_recipes(place, recipe("louder", of="fake"), recipe("backwards", per_clip=2))
    done = run("plan", "--time")
    assert "louder: no clip of the training split is drawn" in done.stdout
    assert counts(done.stdout, "backwards")[4:8] == ["3", "6", "3", "1"]
    assert "backwards: 2 will be skipped: a clip with a label is not there" in done.stdout
    assert "processes: an estimate from 3 clips" in done.stdout


def test_one_clip_by_hand_is_the_one_of_the_manifest(place, monkeypatch):
    run_augment(place, monkeypatch)
    row = read_manifest("data/augmented")[0]
    arguments = ("apply", row["tool"], place.root / "trainset" / row["source_name"], "--out", "by_hand.mp4")
    partner = ("--partner", place.root / "trainset" / row["partner_name"]) if row["partner_name"] else ()
    done = run(*arguments, "--params", row["params"], "--seed", row["seed"], *partner)
    assert done.exit_code == 0, done.output
    made = place.folder / "data/augmented/trainset" / row["derived_name"]
    assert (place.folder / "by_hand.mp4").read_bytes() == made.read_bytes()


def test_parameters_one_by_one_stand_over_the_example(place):
    clip = place.root / "trainset" / place.rows()[1][0]
    done = run("apply", "louder", clip, "--out", "a.mp4", "--param", "gain=[0.2, 0.2]")
    assert done.stdout == 'written: a.mp4: louder 1, {"gain": [0.2, 0.2]}, seed 0\n'
    assert run("apply", "louder", clip, "--out", "b.mp4").exit_code == 0
    assert (place.folder / "a.mp4").read_bytes() != (place.folder / "b.mp4").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("louder", "CLIP", "--out", "a.mp4", "--param", "gain"), 2, "no `=`"),
        (
            ("louder", "CLIP", "--out", "a.mp4", "--param", "gain=loud"),
            2,
            "gain: Input should be a valid list",
        ),
        (("louder", "CLIP", "--out", "a.mp4", "--params", "{gain"), 2, "--params: not valid JSON"),
        (("louder", "CLIP", "--out", "a.mp4", "--params", "[1]"), 2, "--params: not a JSON object"),
        (("louder", "CLIP", "--out", "a.wav"), 2, "clips are written as .mp4"),
        (("louder", "CLIP", "--out", "CLIP"), 2, "this is the clip that is read"),
        (("louder", "none.mp4", "--out", "a.mp4"), 2, "none.mp4: no such file"),
        (("louder", "CLIP", "--out", "params.yaml/a.mp4"), 2, "no file can be written there"),
        (("borrowed", "CLIP", "--out", "a.mp4"), 2, "borrowed needs a second clip"),
        (("louder", "CLIP", "--out", "a.mp4", "--partner", "CLIP"), 2, "louder takes no second clip"),
        (("louder", "params.yaml", "--out", "a.mp4"), 1, "louder on params.yaml: not a media file"),
        (("nothing", "CLIP", "--out", "a.mp4"), 2, "there is no tool `nothing`"),
    ],
)
def test_what_cannot_be_applied_is_said(place, arguments, code, said):
    clip = str(place.root / "trainset" / place.rows()[1][0])
    done = run("apply", *(clip if word == "CLIP" else word for word in arguments))
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert "remedy: " in done.stderr
    assert not (place.folder / "a.mp4").exists()
