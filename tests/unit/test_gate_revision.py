"""Reading a revision's files: metrics of every age, notes, dvc.lock, scores; what is damaged is named."""

import json

import pandas as pd
import pytest

from avfake.dataset.labels import write_table
from avfake.errors import UserError
from avfake.evaluation.metrics import NoFigure
from avfake.gate.compare import compare
from avfake.gate.difference import Method
from avfake.gate.disturbed import pair_disturbed, read_disturbed
from avfake.gate.git import Repository
from avfake.gate.revision import WORKSPACE, read_revision
from avfake.gate.scores import read_scores
from avfake.params import GateParams
from gate_toys import GATE, labels, revision, scores

METHOD = Method(0.95, 200, 10, 0)
LOCK = """\
schema: '2.0'
stages:
  predict:
    cmd: python predict.py
    deps:
    - path: data/mine
      hash: md5
      md5: aa.dir
    outs:
    - path: data/predictions
      hash: md5
      md5: bb.dir
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/evaluate.json").write_text('{"auc": 0.9}')
    (tmp_path / "params.yaml").write_text("train:\n  lr: 1e-3\n")
    (tmp_path / "dvc.lock").write_text(LOCK)
    return tmp_path


def read(tree):
    return read_revision(Repository(tree), WORKSPACE, tree / "unused")


def test_figures_notes_parameters_and_hashes(tree):
    values = {"auc": 0.9, "n": 4, "none": None, "nan": float("nan"), "flag": True, "deep": {"a": {"b": 1.5}}}
    (tree / "metrics/evaluate.json").write_text(json.dumps(values))
    (tree / "metrics/notes.json").write_text('{"evaluate.none": ["too few", "clips"]}')
    found = read(tree)
    assert found.metrics == {
        "evaluate": {"auc": 0.9, "n": 4, "none": None, "nan": None, "flag": None, "deep.a.b": 1.5}
    }
    assert found.reason("evaluate", "none") == "too few; clips"
    assert found.section("train") == {"lr": 0.001}
    assert (found.lock.deps, found.lock.outs) == ({"data/mine": "aa.dir"}, {"data/predictions": "bb.dir"})


def test_a_revision_without_anything(tmp_path):
    found = read(tmp_path)
    assert not found.has_figures
    assert (found.metrics, found.params, found.lock.outs) == ({}, {}, {})


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("metrics/evaluate.json", "<<<<<<< HEAD\n", "metrics/evaluate.json: not valid JSON"),
        ("metrics/evaluate.json", "[1]", "metrics/evaluate.json: expected figures by name"),
        ("dvc.lock", "stages:\n  a: [\n", "dvc.lock line 3: not valid YAML"),
        ("params.yaml", "- a\n", "params.yaml: expected keys and values"),
    ],
)
def test_a_damaged_file_is_named(tree, file, text, said):
    (tree / file).write_text(text)
    with pytest.raises(UserError) as raised:
        read(tree)
    assert raised.value.message.startswith(said)
    assert raised.value.remedy


def outputs(folder, values="video_name,score\nv0.mp4,0.1\nv1.mp4,0.9\n"):
    write_table(
        labels([("val", "v0.mp4", 0, None, None), ("val", "v1.mp4", 1, "a", None)]), folder / "data/resplit"
    )
    (folder / "data/predictions").mkdir(parents=True)
    (folder / "data/predictions/prediction.csv").write_text(values)
    return folder


def test_scores_are_joined_with_their_labels(tmp_path):
    found = read_scores(revision(), outputs(tmp_path))
    assert found.splits["val"]["score"].to_dict() == {"v0.mp4": 0.1, "v1.mp4": 0.9}
    assert found.seen is None
    assert found.disturbed is None


@pytest.mark.parametrize("value", ["nan", "", "1.5", "high"])
def test_a_score_that_is_no_number_is_named_with_revision_and_line(tmp_path, value):
    with pytest.raises(UserError, match=r"^main:data/predictions/prediction.csv line 3: `.*` is no score"):
        read_scores(
            revision(name="main"), outputs(tmp_path, f"video_name,score\nv0.mp4,0.1\nv1.mp4,{value}\n")
        )


def test_a_revision_without_scores(tmp_path):
    with pytest.raises(UserError, match="main: no data/labels is recorded"):
        read_scores(revision(name="main"), tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table of scores"),
        ("a,b\n1,2\n", "line 1: the header is `a,b`"),
        ("split,video_name,target,condition,score\nval,a,1,mp3,NaN\n", "line 2: `NaN` is no score"),
        ("split,video_name,target,condition,score\nval,a,2,mp3,0.5\n", "or `2` no target"),
        (
            "split,video_name,target,condition,score\nval,a,1,mp3,0.5\nval,a,1,mp3,0.6\n",
            "line 3: `a` stands twice",
        ),
    ],
)
def test_damaged_scores_of_disturbed_clips(tmp_path, text, said):
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        read_disturbed(tmp_path / "scores.csv")


def toy(shift=0.0, extra=(), disturbed=None, seen=frozenset({"a"})):
    rows = [("val", f"v{i}", i % 2, ("a" if i % 4 == 1 else "b") if i % 2 else None, None) for i in range(12)]
    table = labels([*rows, *extra])
    values = [0.3 + 0.4 * (i % 2) + 0.03 * ((i * 7) % 5) - shift * (i % 3) for i in range(12)]
    return scores(table, {"val": values}, disturbed, seen)


def compared(base, head):
    rows, clips, _ = compare(revision(name="base"), revision(), (base, head), GateParams(**GATE), METHOD)
    return {item.key: item for item in rows}, clips


def test_seen_and_unseen_forgeries_are_those_of_both_revisions():
    rows, clips = compared(toy(), toy(shift=0.01))
    assert (rows["auc_seen"].n_fake, rows["auc_unseen"].n_fake, rows["auc"].n_fake) == (3, 3, 6)
    assert rows["auc_unseen"].n_real == 6
    assert clips[0].both == 12
    other, _ = compared(toy(), toy(seen=frozenset({"a", "b"})))
    assert "auc_unseen" not in other  # no figure, no difference: nothing to show
    unlabelled, _ = compared(toy(), toy(seen=None))
    assert "auc_seen" not in unlabelled


def test_clips_held_out_are_validations_forgeries_never_seen():
    held_out = [("held_out", f"h{i}", i % 2, "c" if i % 2 else None, None) for i in range(6)]
    both = [
        scores(toy(extra=held_out).labels, {"val": [0.5] * 12, "held_out": [0.1, 0.9] * 3}) for _ in range(2)
    ]
    rows, clips = compared(*both)
    assert (rows["auc_unseen"].n_real, rows["auc_unseen"].n_fake) == (3, 3)
    assert {item.split for item in clips} == {"val", "held_out"}


def test_disturbed_clips_are_those_of_both_and_a_clip_may_lack_a_condition():
    columns = ["split", "video_name", "target", "condition", "score"]
    rows = [("val", f"v{i}", i % 2, name, 0.1 * i) for name in ("clean", "mp3", "blur") for i in range(8)]
    before = pd.DataFrame(rows, columns=columns)
    after = before[
        (before["video_name"] != "v7") & ~((before["condition"] == "blur") & (before["video_name"] < "v4"))
    ]
    made = pair_disturbed("val", toy(disturbed=before), toy(disturbed=after))
    assert {name: len(part.clips) for name, part in made.conditions.items()} == {"mp3": 7, "blur": 3}
    assert made.conditions["blur"].clips.tolist() == [4, 5, 6]
    assert made.target.tolist() == [0, 1, 0, 1, 0, 1, 0]
    with pytest.raises(NoFigure, match="no scores of disturbed clips"):
        pair_disturbed("val", toy(), toy(disturbed=after))
    with pytest.raises(NoFigure, match="no disturbed clip"):
        pair_disturbed("test", toy(disturbed=before), toy(disturbed=after))
