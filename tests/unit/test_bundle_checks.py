"""What check.py relies on agrees with the tools whose rules it follows: YAML, DVC, Git, scikit-learn."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score

from avfake.bundle.checks import dvc_lock, figures, git_objects, plain_yaml

ROOT = Path(__file__).parents[2]
INSIDE = [ROOT / "src/avfake/bundle/check.py", *sorted((ROOT / "src/avfake/bundle/checks").glob("*.py"))]
TEXT = """
---
a: {x: [1, 2.5], y: 'a # b', z: {}, w: b:c}   # a remark
b:
  - name: c
    params: {r: [0.1,
       0.2], s: "x: y"}

  - l: []
c: 1e-3
d: a long
  plain text
e:
- 1
- - 2
  - 3
- k: v
f: ~
g: "q: \\u00e4 \\"r\\""
h: http://x.y/z#k
i: -3
j: -x
'l m': .5
n: {"d": null}
o: on
p: True
q:
r: 'it''s'
"""


@pytest.mark.parametrize("name", ["params.yaml", "dvc.lock", "data/dvc.lock", None])
def test_yaml_is_read_as_dvc_reads_it(name):
    text = TEXT if name is None else (ROOT / name).read_text()
    assert plain_yaml.read(text) == YAML(typ="safe").load(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1", "a: *x", "a: !t 1", "a: |\n  b", "a: [1, 2", "a: 'b", 'a: "b', "a: 1\n b: 2", "a: b: c",
        "a: 1\na: 2", "a: [1] 2", "a:\n\tb: 1", "a: {b: 1 c}\n]",
    ],
)  # fmt: skip
def test_yaml_that_is_not_plain_is_refused_and_not_guessed(text):
    with pytest.raises(plain_yaml.Unreadable):
        plain_yaml.read(text)


def test_a_folder_has_dvcs_hash_whatever_the_order_and_the_letters():
    files = {"b/ä.txt": "1" * 32, "b.txt": "2" * 32, "b/a.txt": "3" * 32, "B": "4" * 32}
    tree = Tree()
    for name, md5 in files.items():
        tree.add(tuple(name.split("/")), None, HashInfo("md5", md5))
    tree.digest()
    assert tree.hash_info is not None
    content = dvc_lock.listing(files)
    assert content == tree.as_bytes()
    assert dvc_lock.folder_md5(content) == tree.hash_info.value


def test_stages_that_recorded_two_hashes_of_one_path_are_named():
    lock = {
        "stages": {
            "a": {"outs": [{"path": "data/x", "md5": "1.dir"}]},
            "b": {"deps": [{"path": "data/x", "md5": "2.dir"}]},
        }
    }
    assert dict(dvc_lock.compare(lock, {}, set(), {})) == {
        "data/x": "the stages disagree: 1.dir by a; 2.dir by b"
    }
    assert dict(dvc_lock.compare(lock, {}, {"data/y"}, {}))["data/y"] == "no stage recorded it"


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_tree_and_a_commit_have_gits_ids(tmp_path, form):
    def git(*arguments: str) -> bytes:
        environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
            environment |= {f"{name}_NAME": "Test", f"{name}_EMAIL": "test@example.org"}
        return subprocess.run(
            ["git", *arguments], cwd=tmp_path, env=environment, check=True, capture_output=True
        ).stdout

    git("init", "-q", f"--object-format={form}")
    modes = {"a.txt": "100644", "a/b.sh": "100755", "a/ä/c": "100644", "a-b": "100644"}
    for name, mode in modes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(int(mode[3:], 8))
    git("add", ".")
    git("commit", "-q", "-m", "One")
    commit = git("rev-parse", "HEAD").decode().strip()
    content = git("cat-file", "commit", commit)
    assert git_objects.commit_id(content, len(commit)) == commit
    assert git_objects.tree_id(modes, tmp_path, len(commit)) == git_objects.tree_of(content)
    (tmp_path / "a/b.sh").write_text("other")
    assert git_objects.tree_id(modes, tmp_path, len(commit)) != git_objects.tree_of(content)


def test_the_auc_is_scikit_learns_ties_included():
    rng = np.random.default_rng(3)
    for _ in range(20):
        target, score = rng.integers(0, 2, 50), rng.integers(0, 8, 50) / 8
        found = figures.auc(zip(target.tolist(), score.tolist(), strict=True))
        assert found == pytest.approx(roc_auc_score(target, score), abs=1e-12)
    assert figures.auc([(1, 0.2), (1, 0.9)]) is None


def test_held_out_forgeries_take_the_place_of_the_unseen_ones_of_validation(tmp_path):
    rows = [
        "train,t.mp4,1,g",
        "val,a.mp4,1,g",
        "val,b.mp4,0,real",
        "val,c.mp4,1,h",
        "held_out,d.mp4,1,k",
        "held_out,e.mp4,0,real",
    ]
    (tmp_path / "labels.csv").write_text("split,video_name,target,generator\n" + "\n".join(rows) + "\n")
    for name, text in (
        ("data/predictions/prediction.csv", "video_name,y_pred\r\na.mp4,0.9\r\nb.mp4,0.5\r\nc.mp4,0.1\r\n"),
        ("data/predictions/prediction_held_out.csv", "video_name,score\nd.mp4,0.5\ne.mp4,0.5\n"),
        ("metrics/evaluate.json", '{"auc": 0.5, "auc_seen": 1.0, "auc_unseen": 0.5, "n_fake": 3}'),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = dict(figures.evaluated(tmp_path, tmp_path / "labels.csv"))
    assert found == {
        "metrics/evaluate.json: auc": "",
        "metrics/evaluate.json: auc_seen": "",
        "metrics/evaluate.json: auc_unseen": "",
        "metrics/evaluate.json: n_fake": "says 3, the scores give 2.000000",
    }


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: path.name)
def test_the_check_imports_the_standard_library_alone(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        else:
            continue
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names, name
