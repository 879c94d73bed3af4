"""Tampering of every kind with derived clips and what is recorded of them: the audit names the clip."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from augmented import recipe
from avfake.dataset.augmented import MANIFEST_SCHEMA, SKIPPED
from avfake.dataset.labels import read_labels, write_table
from avfake.files import sha256_file
from avfake.provenance.audit import of_rows
from avfake.provenance.expected import expect
from avfake.provenance.seen import look
from avfake.stages import augment
from provenance_repository import AUGMENTED, CLIPS, CODE, LOCKS, RECIPES, Repository, flip, make_repository
from workspace import label_rows, write_rows


@pytest.fixture
def repository(tmp_path_factory, tmp_path, monkeypatch) -> Repository:
    return make_repository(tmp_path_factory, tmp_path, monkeypatch)


def test_what_is_as_it_was_made_passes_every_check(repository):
    verdict = repository.audit(share=1.0)
    assert {check.name: check.state for check in verdict.checks} == dict.fromkeys(
        ("samples", "splits", "plan", "cells", "tools", "files", "notes", "dvc_lock", "rebuilt"), "pass"
    ), [check.findings for check in verdict.checks]
    assert verdict.passed
    assert len(repository.rows) == 6 + 3 + 6
    assert "all made anew (seed 1): 18 as they were, 0 other bytes" in verdict.checks[-1].evidence


def test_one_byte_of_one_clip(repository):
    name = repository.rows[4]["derived_name"]
    flip(CLIPS / name)
    found = repository.fails("files", "dvc_lock")
    assert found["files"] == [name]
    assert name in found["dvc_lock"]


OTHER: dict[str, tuple[object, set[str]]] = {
    "derived_name": ("louder-0-0123456789abcdef01234567.mp4", {"plan", "files", "samples"}),
    "derived_sha256": ("0" * 64, {"files", "samples"}),
    "recipe": ("quieter", {"cells"}),
    "copy": (7, {"cells"}),
    "source_name": ("nobody.mp4", {"cells", "splits", "samples"}),
    "source_sha256": ("0" * 64, {"cells"}),
    "partner_name": ("nobody.mp4", {"cells", "splits", "samples"}),
    "partner_sha256": ("0" * 64, {"cells"}),
    "tool": ("slow", {"cells", "samples"}),
    "tool_version": (9, {"tools"}),
    "libraries": ('{"numpy": "1.0"}', {"tools"}),
    "params": ('{"gain": [0.1, 0.2]}', {"cells"}),
    "seed": (7, {"cells"}),
    "label_before": (-1, {"cells", "splits"}),
    "label_after": (-1, {"cells", "samples"}),
    "generator": ("somebody", {"cells", "samples"}),
    "source": ("somebody", {"cells", "samples"}),
}


def test_every_cell_of_the_manifest_is_held_against_something(repository):
    """Whatever column somebody edits in whatever way, with the notes and dvc.lock made to agree."""
    assert sorted(OTHER) == sorted(MANIFEST_SCHEMA.names)
    seen = look(1)
    expected = expect(seen)
    for column, (value, checks) in OTHER.items():
        edited = dict(seen.rows[4])
        assert edited[column] != value
        edited[column] = value
        other = replace(seen, rows=[*seen.rows[:4], edited, *seen.rows[5:]])
        found = {check.name: check for check in of_rows(other, expected) if check.state == "fail"}
        assert found.keys() == checks, column
        for check in found.values():
            named = {finding.clip for finding in check.findings}
            assert seen.rows[4]["derived_name"] in named, column
            assert named <= {seen.rows[4]["derived_name"], edited["derived_name"]}, column


def test_one_cell_of_the_manifest(repository):
    name = repository.rows[4]["derived_name"]
    repository.edit(lambda rows: rows[4].update(seed=7))
    found = repository.fails("cells", "notes", "dvc_lock")
    assert found["cells"] == [name]
    assert found["notes"] == ["manifest.parquet"]
    assert found["dvc_lock"] == ["augmented", "manifest.parquet"]


def test_a_row_is_missing(repository):
    gone = repository.rows[3]["derived_name"]
    repository.edit(lambda rows: rows.pop(3))
    found = repository.fails("samples", "plan", "files", "notes", "dvc_lock")
    assert found["plan"] == found["files"] == [gone]
    assert gone in found["samples"]


def test_a_row_is_doubled(repository):
    twice = repository.rows[3]["derived_name"]
    repository.edit(lambda rows: rows.append(rows[3]))
    assert repository.fails("plan", "notes", "dvc_lock")["plan"] == [twice]


@pytest.mark.parametrize("place", [CLIPS / "extra.mp4", AUGMENTED / "readme.txt", CLIPS / "deeper" / "x.pyc"])
def test_a_file_is_added(repository, place):
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"bytes")
    # DVC does not look at names that .dvcignore excludes; the audit does.
    assert repository.fails("files", "dvc_lock")["files"] == [place.name]


def test_a_clip_is_gone(repository):
    name = repository.rows[0]["derived_name"]
    (CLIPS / name).unlink()
    found = repository.fails("files", "dvc_lock")
    assert found["files"] == [name]


def test_clip_and_all_that_is_recorded_of_it_replaced_is_found_by_making_it_anew(repository):
    name = repository.rows[2]["derived_name"]
    flip(CLIPS / name)
    repository.edit(lambda rows: rows[2].update(derived_sha256=sha256_file(CLIPS / name)))
    repository.record()
    assert repository.fails("rebuilt", share=1.0) == {"rebuilt": [name]}


def test_a_row_called_skipped_is_found_by_making_it(repository):
    row = repository.rows[2]
    with (AUGMENTED / SKIPPED).open("a") as file:
        file.write(f"{row['recipe']},{row['copy']},{row['source_name']},,no sound\n")
    (CLIPS / row["derived_name"]).unlink()
    repository.edit(lambda rows: rows.pop(2))
    repository.record()
    assert repository.fails("rebuilt", share=1.0) == {"rebuilt": [row["source_name"]]}


def test_a_validation_clip_among_the_sources(repository):
    """Copied into the training set under another name, labelled, and the whole pipeline run over it."""
    place = repository.place
    validation = next(path for path in sorted((place.root / "valset").iterdir()))
    shutil.copy(validation, place.root / "trainset/fresh.mp4")
    place.write([*place.rows(), ["fresh.mp4", "0", "real", "fresh-voice"]])
    augment.main()
    repository.record()
    made = [
        row["derived_name"]
        for row in repository.rows
        if "fresh.mp4" in (row["source_name"], row["partner_name"])
    ]
    assert len(made) >= 2
    found = repository.fails("splits", share=1.0)
    assert sorted(set(found["splits"])) == sorted(made)


def test_a_validation_clip_named_as_source(repository):
    name, *_ = (row[0] for row in repository.place.rows("val")[1:])
    row = repository.rows[0]
    repository.edit(lambda rows: rows[0].update(source_name=name))
    found = repository.fails("samples", "splits", "cells", "notes", "dvc_lock")
    assert set(found["splits"]) == {row["derived_name"]}


def test_a_label_is_edited(repository):
    place = repository.place
    rows = place.rows()
    name = rows[1][0]
    rows[1][1] = "1" if rows[1][1] == "0" else "0"
    place.write(rows)
    found = repository.fails("samples", "splits", "plan", "cells", "dvc_lock")
    assert name in found["samples"]
    assert found["dvc_lock"] == ["mine"]


def test_a_source_clip_is_changed(repository):
    row = repository.rows[0]
    flip(repository.place.root / "trainset" / row["source_name"])
    found = repository.fails("samples", "cells", "dvc_lock")
    assert row["derived_name"] in found["cells"]
    assert found["samples"] == [row["source_name"]]


def test_a_version_in_the_lock_file_is_another(repository):
    for name in LOCKS:
        path = repository.place.folder / name
        path.write_text(path.read_text().replace("\nnumpy==", "\nnumpy==9."))
    found = repository.fails("tools")
    assert set(found["tools"]) == {row["derived_name"] for row in repository.rows}


def test_a_recipe_is_changed_after_the_fact(repository):
    repository.place.set(augment__recipes=[recipe("louder", params={"gain": [0.1, 0.2]}), *RECIPES[1:]])
    found = repository.fails("cells", "dvc_lock")
    assert set(found["cells"]) == {
        row["derived_name"] for row in repository.rows if row["recipe"] == "louder"
    }
    assert found["dvc_lock"] == ["params.yaml: recipe louder"]


def test_the_code_of_the_tools_is_changed(repository):
    CODE.write_text("# other toys\n")
    assert repository.fails("dvc_lock") == {"dvc_lock": [str(CODE.parent)]}


def test_notes_are_edited(repository):
    for name, old, new in (("augment_notes", '"louder 1"', '"louder 2"'), ("augment", '"n": 15', '"n": 16')):
        path = repository.place.folder / f"metrics/{name}.json"
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))
        assert repository.fails("notes") == {"notes": [path.name]}
        path.write_text(before)


def test_a_training_sample_from_nowhere(repository):
    names = label_rows(Path("data/training/clips.csv"))
    write_rows(Path("data/training/clips.csv"), [*names, ["stranger.mp4"]])
    labels = read_labels("data/resplit")
    labels.loc[labels["video_name"] == names[1][0], "video_name"] = "foreigner.mp4"
    derived = repository.rows[0]["derived_name"]
    labels.loc[labels["video_name"] == derived, ["split", "home"]] = "val"
    write_table(labels, "data/resplit")
    assert sorted(repository.fails("samples")["samples"]) == sorted(
        ["stranger.mp4", "foreigner.mp4", derived]
    )
