"""Derived clips in the table of labels, and what holding out makes of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from avfake.dataset.augmented import (
    MANIFEST,
    derived_clips,
    is_derived,
    parents,
    read_manifest,
    write_manifest,
)
from avfake.dataset.derived import with_derived
from avfake.dataset.labels import HELD_OUT, UNUSED, read_labels, write_labels
from avfake.dataset.layout import Clip
from avfake.dataset.root import DataRoot, Split
from avfake.errors import UserError
from avfake.leave_one_out.folds import make_folds
from avfake.params import ResplitParams
from avfake.resplit import reals
from avfake.resplit.hold_out import hold_out, is_fake, training_reals


def a_row(derived_name: str, source_name: str, **changed: Any) -> dict[str, Any]:
    """A row of the manifest: a forgery of a real clip by `lpc`."""
    return {
        "derived_name": derived_name, "derived_sha256": "0" * 64, "recipe": "buzz", "copy": 0,
        "source_name": source_name, "source_sha256": "1" * 64, "partner_name": None, "partner_sha256": None,
        "tool": "lpc", "tool_version": 1, "libraries": "{}", "params": "{}", "seed": 5,
        "label_before": 0, "label_after": 1, "generator": "lpc", "source": "ann",
    } | changed  # fmt: skip


def a_root(folder: Path, names: list[str]) -> DataRoot:
    """A root of real training clips that nobody has written."""
    clips = tuple(Clip(name, folder / name, "train", 0, "real", "ann", {"forged": "none"}) for name in names)
    val = tuple(replace(clip, split="val", video_name=f"val-{clip.video_name}") for clip in clips)
    splits = {name: Split(name, folder, None, of) for name, of in (("train", clips), ("val", val))}
    return DataRoot(folder, splits, ())


def test_the_manifest_comes_back_as_it_was_written_by_name(tmp_path):
    rows = [a_row("b.mp4", "y.mp4", partner_name="z.mp4", partner_sha256="2" * 64), a_row("a.mp4", "y.mp4")]
    write_manifest(rows, tmp_path)
    assert read_manifest(tmp_path) == [rows[1], rows[0]]


def test_a_manifest_with_other_columns_is_refused(tmp_path):
    write_manifest([a_row("a.mp4", "y.mp4")], tmp_path)
    table = pq.read_table(tmp_path / MANIFEST).drop_columns(["seed"])
    pq.write_table(table, tmp_path / MANIFEST)
    with pytest.raises(ValueError, match=r"manifest\.parquet: other columns"):
        read_manifest(tmp_path)
    with pytest.raises(UserError, match="dvc repro augment"):
        with_derived(a_root(tmp_path, ["y.mp4"]), tmp_path)


def test_derived_clips_are_training_clips_with_their_parents_named(tmp_path):
    write_manifest([a_row("m.mp4", "y.mp4", partner_name="a.mp4")], tmp_path)
    (tmp_path / "trainset").mkdir()
    (tmp_path / "trainset/m.mp4").write_bytes(b"clip")
    root = with_derived(a_root(tmp_path, ["a.mp4", "y.mp4"]), tmp_path)
    assert [clip.video_name for clip in root.splits["train"].clips] == ["a.mp4", "m.mp4", "y.mp4"]
    assert root.problems == ()
    write_labels(root.clips, tmp_path / "labels")
    labels = read_labels(tmp_path / "labels")
    assert labels["video_name"][is_derived(labels)].tolist() == ["m.mp4"]
    row = labels.set_index("video_name").loc["m.mp4"]
    assert (row["split"], row["target"], row["generator"], row["source"]) == ("train", 1, "lpc", "ann")
    assert (row["derived_from"], row["derived_with"], row["derived_by"]) == ("y.mp4", "a.mp4", "lpc")
    assert parents(labels) == [set(), {"y.mp4", "a.mp4"}, set(), set(), set()]


def test_a_table_without_derived_clips_has_none_and_no_further_column(tmp_path):
    write_manifest([], tmp_path)
    root = a_root(tmp_path, ["a.mp4"])
    assert with_derived(root, tmp_path).clips == root.clips
    write_labels(root.clips, tmp_path / "labels")
    labels = read_labels(tmp_path / "labels")
    assert not is_derived(labels).any()
    assert parents(labels) == [set(), set()]
    assert not any(name.startswith("derived") for name in labels)


def test_a_derived_clip_without_its_file_is_a_problem_by_name(tmp_path):
    write_manifest([a_row("m.mp4", "a.mp4")], tmp_path)
    (problem,) = with_derived(a_root(tmp_path, ["a.mp4"]), tmp_path).problems
    assert (problem.video_name, problem.reason) == ("m.mp4", "derived clip without a file")
    assert "dvc repro augment" in problem.remedy


@pytest.mark.parametrize("name", ["a.mp4", "val-a.mp4"])
def test_a_derived_clip_with_the_name_of_another_is_refused(tmp_path, name):
    write_manifest([a_row(name, "a.mp4")], tmp_path)
    with pytest.raises(UserError, match=f"{name}: a clip of this name"):
        with_derived(a_root(tmp_path, ["a.mp4"]), tmp_path)


def test_a_derived_name_that_stands_twice_is_refused(tmp_path):
    write_manifest([a_row("m.mp4", "a.mp4"), a_row("m.mp4", "a.mp4")], tmp_path)
    with pytest.raises(UserError, match=r"m\.mp4: a clip of this name"):
        with_derived(a_root(tmp_path, ["a.mp4"]), tmp_path)
    assert len(derived_clips(tmp_path)) == 2


def a_table(sources: bool) -> pd.DataFrame:
    """Reals r0 to r5 and fakes f0, f1 of train, a forgery of each real, and a noisy copy of f0."""
    rows = [(f"r{i}", 0, "real", f"s{i}", None, None) for i in range(6)]
    rows += [("f0", 1, "world", "s0", None, None), ("f1", 1, "hum", "s1", None, None)]
    rows += [(f"d{i}", 1, "lpc", f"s{i}", f"r{i}", f"r{(i + 1) % 6}") for i in range(6)]
    rows += [("n0", 1, "world", "s0", "f0", None)]
    table = pd.DataFrame(
        rows,
        columns=["video_name", "target", "generator", "source", "derived_from", "derived_with"],
        dtype=object,
    )
    table["target"] = table["target"].astype("Int8")
    table.insert(0, "split", "train")
    return table if sources else table.assign(source=None)


@pytest.mark.parametrize("sources", [True, False])
def test_what_was_derived_from_a_held_out_clip_is_not_trained_on(sources):
    table = a_table(sources)
    real = training_reals(table)
    assert table["video_name"][real].tolist() == [f"r{i}" for i in range(6)]
    units = reals.units(table["video_name"][real].tolist(), table["source"][real].tolist())
    chosen = {"source:s2" if sources else "clip:r2"}
    fakes = is_fake(table) & (table["video_name"] == "f0").to_numpy(dtype=bool)
    after = hold_out(table, fakes, units, chosen).labels.set_index("video_name")["split"]
    assert after["r2"] == after["f0"] == HELD_OUT
    assert after["d2"] == UNUSED  # made from it
    assert after["d1"] == UNUSED  # made with it
    assert after["n0"] == UNUSED  # a copy of the fake
    assert set(after.drop(["r2", "f0", "d1", "d2", "n0"])) == {"train"}


def test_leaving_a_generator_out_leaves_its_derived_clips_out_and_tests_on_none():
    params = ResplitParams(hold_out="none", n_clusters=2, n_held_out=1, generators=[], real_share=0.2, seed=0)
    folds = {fold.generator: fold.held.labels for fold in make_folds(a_table(False), params)}
    world = folds["world"].set_index("video_name")["split"]
    assert (world["f0"], world["n0"]) == (HELD_OUT, UNUSED)
    assert set(folds) == {"hum", "world"}  # nothing to test on for a tool that made derived clips alone
    for labels in folds.values():
        held = (labels["split"] == HELD_OUT).to_numpy(dtype=bool)
        assert not (held & is_derived(labels)).any()
