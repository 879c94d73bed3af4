"""The stage `augment`: clips, manifest, hashes; only what is new is made, with the same bytes each time."""

import errno
import hashlib
import json
import shutil

import pandas as pd
import pytest

from augmented import TOYS, in_this_process, make_place, recipe, run_augment, set_recipes, toy, use_toys
from augmented import louder as louder_function
from avfake.dataset.augmented import MANIFEST_SCHEMA, read_manifest
from avfake.forge.machine import machine_type
from avfake.media.audio import read_audio
from avfake.stages import augment
from clips import make_clip
from place import Place
from workspace import once

TWO = (recipe("louder", "quiet", of="real", per_clip=2), recipe("borrowed", of="fake"))


@pytest.fixture(autouse=True)
def _toys(monkeypatch):
    use_toys(monkeypatch)


@pytest.fixture
def place(tmp_path, tmp_path_factory, monkeypatch):
    """Six training clips, two recipes: 9 derived clips, nothing made yet."""
    in_this_process(monkeypatch)
    first = once(tmp_path_factory, "augment-place", lambda folder: make_place(folder, *TWO))
    shutil.copytree(first, tmp_path / "place")
    return Place(tmp_path / "place")


def notes(place) -> dict[str, list[str]]:
    return json.loads((place.folder / "metrics/augment_notes.json").read_text())


def test_what_it_writes(place, monkeypatch, capsys):
    hashes = run_augment(place, monkeypatch)
    assert capsys.readouterr().out == (
        "augment: 9 clips (6 real, 3 fake) from 6 source clips, 9 made, 0 from the memo, 0 skipped\n"
    )
    rows = read_manifest(place.folder / "data/augmented")
    assert sorted(hashes) == sorted(
        [f"data/augmented/trainset/{row['derived_name']}" for row in rows]
        + ["data/augmented/manifest.parquet", "data/augmented/skipped.csv"]
        + ["metrics/augment.json", "metrics/augment_notes.json"]
    )
    assert not list((place.folder / "data").glob(".*"))
    for row in rows:
        assert list(row) == MANIFEST_SCHEMA.names
        assert row["derived_sha256"] == hashes[f"data/augmented/trainset/{row['derived_name']}"]
        source = (place.root / "trainset" / row["source_name"]).read_bytes()
        assert row["source_sha256"] == hashlib.sha256(source).hexdigest()
    assert [row["derived_name"] for row in rows] == sorted(row["derived_name"] for row in rows)
    assert {(row["recipe"], row["label_after"], row["generator"]) for row in rows} == {
        ("quiet", 0, "real"),
        ("borrowed", 1, "borrowed"),
    }
    assert json.loads((place.folder / "metrics/augment.json").read_text()) == {
        "n": 9, "n_real": 6, "n_fake": 3, "n_skipped": 0,
        "n_quiet": 6, "skipped_quiet": 0, "n_borrowed": 3, "skipped_borrowed": 0,
    }  # fmt: skip
    quiet = sorted(row["derived_sha256"] for row in rows if row["recipe"] == "quiet")
    assert notes(place)["manifest_sha256"] == [hashes["data/augmented/manifest.parquet"]]
    together = hashlib.sha256("".join(quiet).encode()).hexdigest()
    assert notes(place)["recipe.quiet"][:2] == ["louder 1", together]
    assert json.loads(notes(place)["recipe.quiet"][2]) == json.loads(rows[0]["libraries"])
    assert notes(place)["machine"] == [machine_type()]
    assert notes(place)["skipped"] == notes(place)["remarks"] == []


def test_the_clips_are_what_the_tools_made(place, monkeypatch):
    run_augment(place, monkeypatch)
    quiet = [row for row in read_manifest(place.folder / "data/augmented") if row["recipe"] == "quiet"]
    ratios = []
    for row in quiet:
        after = read_audio(place.folder / "data/augmented/trainset" / row["derived_name"], 16000)
        before = read_audio(place.root / "trainset" / row["source_name"], 16000)
        ratios.append(after.std() / before.std())
    assert all(0.47 < ratio < 0.93 for ratio in ratios), "drawn from [0.5, 0.9], and AAC"
    assert len({round(ratio, 2) for ratio in ratios}) >= 4, "drawn anew for every clip and copy"


def test_again_nothing_is_made_and_the_bytes_are_the_same(place, monkeypatch, capsys):
    first = run_augment(place, monkeypatch)
    assert run_augment(place, monkeypatch) == first
    assert "0 made, 9 from the memo" in capsys.readouterr().out
    shutil.rmtree(place.folder / ".memo")
    assert run_augment(place, monkeypatch) == first


def test_a_changed_recipe_remakes_its_own_clips_only(place, monkeypatch, capsys):
    first = run_augment(place, monkeypatch)
    set_recipes(place, TWO[0] | {"params": {"gain": [0.1, 0.2]}}, TWO[1])
    second = run_augment(place, monkeypatch)
    assert "6 made, 3 from the memo" in capsys.readouterr().out
    changed = {path for path in first if path.endswith(".mp4") and second[path] != first[path]}
    assert len(changed) == 6
    assert all("/quiet-" in path for path in changed)
    set_recipes(place, TWO[1])
    third = run_augment(place, monkeypatch)
    assert "0 made, 3 from the memo" in capsys.readouterr().out
    assert not [path for path in third if "/quiet-" in path]


def test_another_version_of_a_tool_remakes_its_clips(place, monkeypatch, capsys):
    first = run_augment(place, monkeypatch)
    use_toys(monkeypatch, toy(louder_function, TOYS["louder"].params, label="keeps", version=2))
    second = run_augment(place, monkeypatch)
    assert "6 made, 3 from the memo" in capsys.readouterr().out
    assert second["data/augmented/manifest.parquet"] != first["data/augmented/manifest.parquet"]
    assert notes(place)["recipe.quiet"][0] == "louder 2"


def test_a_new_source_clip_makes_its_own_and_those_that_it_wins(place, monkeypatch, capsys):
    first = run_augment(place, monkeypatch)
    make_clip(
        place.root / "trainset/new.mp4", seconds=0.5, rate=16000, channels=1, kind="speech", seed=77, size=32
    )
    place.write([*place.rows(), ["new.mp4", "0", "real", "train-voice-new"]])
    second = run_augment(place, monkeypatch)
    rows = read_manifest(place.folder / "data/augmented")
    own = [row for row in rows if row["source_name"] == "new.mp4"]
    won = [row for row in rows if row["partner_name"] == "new.mp4"]
    assert len(own) == 2
    n_made = int(capsys.readouterr().out.splitlines()[-1].split(" made")[0].split()[-1])
    assert n_made == len(own) + len(won)
    kept = {path for path in first if path.endswith(".mp4")}
    kept -= {f"data/augmented/trainset/{row['derived_name']}" for row in won}
    assert {path: second[path] for path in kept} == {path: first[path] for path in kept}


def test_a_source_clip_that_goes_leaves_nothing(place, monkeypatch):
    run_augment(place, monkeypatch)
    gone = place.rows()[1][0]
    (place.root / "trainset" / gone).unlink()
    place.write([row for row in place.rows() if row[0] != gone])
    run_augment(place, monkeypatch)
    rows = read_manifest(place.folder / "data/augmented")
    assert gone not in {name for row in rows for name in (row["source_name"], row["partner_name"])}
    files = {path.name for path in (place.folder / "data/augmented/trainset").iterdir()}
    assert files == {row["derived_name"] for row in rows}


def test_a_limited_root_is_augmented_within_its_limit(place, monkeypatch):
    place.set(data__limit=1)
    run_augment(place, monkeypatch)
    rows = read_manifest(place.folder / "data/augmented")
    assert len({row["source_name"] for row in rows if row["recipe"] == "quiet"}) == 1
    # The one fake goes with the one real, unless that is the clip it was made from.
    assert len([row for row in rows if row["recipe"] == "borrowed"]) <= 1


def test_no_recipes_make_an_empty_manifest(place, monkeypatch, capsys):
    run_augment(place, monkeypatch)
    set_recipes(place)
    hashes = run_augment(place, monkeypatch)
    assert capsys.readouterr().out.endswith(
        "augment: 0 clips (0 real, 0 fake) from 0 source clips, 0 made, 0 from the memo, 0 skipped\n"
    )
    assert read_manifest(place.folder / "data/augmented") == []
    assert not [path for path in hashes if path.endswith(".mp4")]
    counts = json.loads((place.folder / "metrics/augment.json").read_text())
    assert counts == {"n": 0, "n_real": 0, "n_fake": 0, "n_skipped": 0}
    skipped = pd.read_csv(place.folder / "data/augmented/skipped.csv")
    assert (len(skipped), skipped.columns[0]) == (0, "recipe")


def test_a_full_disk_leaves_the_outputs_as_they_were(place, monkeypatch):
    before = run_augment(place, monkeypatch)
    set_recipes(place, TWO[0])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(augment, "atomic_write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            run_augment(place, monkeypatch)
    assert place.hashes("data/augmented", "metrics") == before
    assert not list((place.folder / "data").glob(".*"))
