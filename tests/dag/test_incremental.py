"""Work in proportion to the change, and the same bytes as a build from scratch."""

import shutil

import pyarrow.parquet as pq

from clips import clip_name, make_clip
from workspace import DATA, hashes, label_rows, write_rows

PACKED = ("data/labels", "data/extracted", "data/facts", "data/features")

TABLES = (
    "data/labels/clips.parquet",
    "data/facts/facts.parquet",
    "data/features/index.parquet",
    "data/resplit/clips.parquet",
)


def test_one_clip_added_decodes_one_clip_and_rewrites_one_shard(built, workspace, tmp_path):
    name = clip_name("train", 100)
    make_clip(
        workspace.folder / DATA / "trainset" / name, kind="speech", seed=77, rate=16000, channels=1, size=32
    )
    label_file = workspace.folder / DATA / "train_label.txt"
    write_rows(label_file, [*label_rows(label_file), [name, "0", "real", "train-voice-100"]])

    assert workspace.repro("resplit").decoded() == (15, 1)

    after = hashes(workspace.folder, "data/extracted")
    rewritten = [path for path, value in after.items() if built.hashes.get(path) != value]
    assert len(rewritten) == 1
    scratch = workspace.fresh(tmp_path / "scratch")
    assert scratch.repro("featurize").decoded() == (15, 15)
    assert hashes(workspace.folder, *PACKED) == hashes(scratch.folder, *PACKED)


def test_one_clip_removed_leaves_nothing_of_it(workspace, tmp_path):
    label_file = workspace.folder / DATA / "train_label.txt"
    header, first, second, *others = label_rows(label_file)
    write_rows(label_file, [header, first, *others])
    name = second[0]
    (workspace.folder / DATA / "trainset" / name).unlink()

    assert workspace.repro().decoded() == (13, 0)

    for path in (*TABLES, *shards(workspace)):
        assert name not in pq.read_table(workspace.folder / path).column("video_name").to_pylist(), path
    for path in hashes(workspace.folder):
        assert name.encode() not in (workspace.folder / path).read_bytes(), path
    scratch = workspace.fresh(tmp_path / "scratch")
    scratch.repro("featurize")
    assert hashes(workspace.folder, *PACKED) == hashes(scratch.folder, *PACKED)


def test_the_only_clip_of_a_bucket_removed_removes_the_shard(workspace):
    workspace.set(extract__buckets=512)  # nearly every clip in a shard of its own
    assert workspace.repro("featurize").decoded() == (14, 0)  # packing anew opens no clip
    before = set(shards(workspace))
    label_file = workspace.folder / DATA / "val_label.txt"
    header, first, *others = label_rows(label_file)
    write_rows(label_file, [header, *others])
    (workspace.folder / DATA / "valset" / first[0]).unlink()
    workspace.repro("featurize")
    assert len(before) - len(set(shards(workspace))) == 1


def test_a_corrected_label_decodes_nothing(workspace):
    label_file = workspace.folder / DATA / "train_label.txt"
    header, first, *others = label_rows(label_file)
    write_rows(label_file, [header, [first[0], "1", "comb", *first[3:]], *others])
    again = workspace.repro("evaluate")
    assert again.decoded() == (14, 0)
    assert "featurize" not in again.ran
    assert again.ran[:4] == ["augment", "extract", "resplit", "train"]


def test_a_run_from_nothing_with_two_workers_changes_no_byte(built, workspace):
    """The memo deleted, every stage forced to compute again, one worker before and two now."""
    workspace.forget()
    workspace.set(parallel__workers=2)
    again = workspace.repro("--force")
    assert sorted(name for name in again.ran if not name.startswith("data/")) == sorted(built.first.ran)
    assert again.decoded() == (14, 14)
    assert hashes(workspace.folder) == built.hashes


def test_a_damaged_memo_changes_no_byte(built, workspace):
    entries = [path for path in (workspace.folder / ".memo").rglob("*") if path.is_file()]
    assert entries
    for path in entries:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    shutil.rmtree(workspace.folder / ".dvc/cache/runs")
    workspace.repro("--force", "featurize")
    assert hashes(workspace.folder, *PACKED) == {
        path: value for path, value in built.hashes.items() if path.startswith(PACKED)
    }


def test_a_clip_renamed_within_a_split_is_not_decoded_again(workspace):
    label_file = workspace.folder / DATA / "test_label.txt"
    header, first, *others = label_rows(label_file)
    write_rows(label_file, [header, ["renamed.mp4", *first[1:]], *others])
    folder = workspace.folder / DATA / "testset"
    (folder / first[0]).rename(folder / "renamed.mp4")
    assert workspace.repro("featurize").decoded() == (14, 0)


def shards(workspace) -> list[str]:
    return [path for path in hashes(workspace.folder, "data/extracted") if path.endswith(".parquet")]
