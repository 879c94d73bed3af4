import json
import re
import shlex
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from benchmarks import ablation
from benchmarks.mean_auc import RESAMPLES, mean_auc
from benchmarks.stage_runs import ROOT, Runs, read_stages, with_changes
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score

from avfake.dataset.predictions import write_predictions
from avfake.errors import RunError, UserError
from avfake.evaluation import intervals
from avfake.files import atomic_write_text, write_json
from avfake.params import AugmentationParams, DistilParams, EnsembleParams, TrainParams
from avfake.params.train import ReadoutParams
from predicted_folder import write_split

PARAMS = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
PLAN = """
reference: default
rows:
  default: {}
  focal: {train.loss: focal}
  linear: {featurize.front_end: [log_linear]}
  linear, focal: {from: linear, train.loss: focal}
"""
LABELS = [
    (split, f"{split}{number:02}.mp4", number % 2, ("real", "known", "real", "new")[number % 4], None, split)
    for split in ("val", "test")
    for number in range(24)
]


class Toy(Runs):
    """Stages that write what the tables read, without running; `ran` and `broken` are of the class."""

    ran: ClassVar[list[str]] = []
    broken: ClassVar[set[str]] = set()

    def run(self, name: str, folder: Path) -> None:
        params = json.loads((folder / "params.yaml").read_text())
        if params["train"]["loss"] in self.broken:
            raise RunError("stage train ended with 2", "")
        self.ran.append(name)
        for path in self.stages[name].inputs:
            assert (folder / path).resolve().exists(), f"{name} reads {path}"
        for path in self.stages[name].outs:
            (folder / path if not Path(path).suffix else (folder / path).parent).mkdir(
                parents=True, exist_ok=True
            )
            if Path(path).suffix:
                (folder / path).write_text("")
        if name == "resplit":
            write_split(folder, [*LABELS, ("train", "t.mp4", 1, "known", None, "train")])
        elif name == "train":
            facts = {"parameters": 2_000_000, "code": {"model_sha256": "a"}, "selection": {"auc": 0.75}}
            write_json(folder / "models/model.json", facts)
        elif name == "predict":
            for split, file in (("val", "prediction.csv"), ("test", "prediction_test.csv")):
                write_predictions(folder / "data/predictions" / file, self._scores(split, params))
        elif name == "robustness":
            rows = [
                f"{split},{clip},{target},{condition},{score}"
                for split, clip, target, *_ in LABELS
                for condition, score in (("clean", target), ("noise_5db", 1 - target))
            ]
            text = "\n".join(["split,video_name,target,condition,score", *rows]) + "\n"
            atomic_write_text(folder / "data/robustness/scores.csv", text)
        elif name == "audit":
            write_json(folder / "metrics/audit.json", {"auc_equalised_val": 0.625, "auc_equalised_test": 0.5})

    def _scores(self, split, params):
        """The known generator is found; the new one by focal loss alone. The test is all wrong."""
        good = {"known": 0.9, "new": 0.9 if params["train"]["loss"] == "focal" else 0.1, "real": 0.5}
        scores = {clip: good[generator] for home, clip, _, generator, *_ in LABELS if home == split}
        return [(clip, 1 - score if split == "test" else score) for clip, score in scores.items()]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablation, "Runs", Toy)
    monkeypatch.setattr(Toy, "ran", [])
    monkeypatch.setattr(Toy, "broken", set())
    (tmp_path / "plan.yaml").write_text(PLAN)

    def run(*more: str) -> str:
        paths = ["--root", str(tmp_path), "--work", str(tmp_path / "work")]
        ablation.main([*paths, "--plan", str(tmp_path / "plan.yaml"), "--seeds", "0", "1", *more])
        return capsys.readouterr().out

    return run


def cells(text: str, row: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_what_rows_have_in_common_is_done_once_and_what_is_done_is_not_done_again(call):
    call()
    counts = {name: Toy.ran.count(name) for name in ablation.BASE}
    assert counts == {"augment": 1, "extract": 1, "featurize": 2, "resplit": 2, "train": 8, "predict": 8}
    Toy.ran.clear()
    call()
    assert Toy.ran == []
    call("--rows", "focal", "--audit")
    assert Toy.ran == ["audit", "audit"]


def test_the_table_has_the_figures_of_what_was_scored_and_the_test_only_when_asked(call, tmp_path):
    text = call("--rows", "default", "focal", "--robustness", "--audit")
    default, focal = cells(text, "default"), cells(text, "focal")
    assert default[1].startswith("0.500 ")
    assert default[2].startswith("1.000 ")
    assert default[3:6] == ["0.000 (0.000 to 0.000)", "0.000, 0.000", ""]
    assert focal[5] == "+1.000 (+1.000 to +1.000) to `default`"
    assert default[6] == "0.000 (0.000 to 0.000), `noise_5db`"
    assert default[7:10] == ["0.625", "0.750", "2.0 M"]
    assert "| default | 1.000 | 0.000 |" in text, "by generator: known, new"
    assert "test" not in json.loads((tmp_path / "work/ablation.json").read_text())["rows"]["default"]
    assert "## test" not in text

    text = call("--rows", "default", "focal", "--table", "--test")
    assert text.index("## validation") < text.index("## test")
    facts = json.loads((tmp_path / "work/ablation.json").read_text())["rows"]["default"]["test"]
    assert facts["auc"]["mean"] == 0.5
    assert facts["auc_seen"]["each"] == [0, 0]
    assert (tmp_path / "work/ablation.md").read_text() in text


def test_a_row_that_fails_does_not_stop_the_others_and_is_named(call, capsys):
    Toy.broken.add("focal")
    with pytest.raises(RunError, match="focal, seed 0; focal, seed 1"):
        call("--rows", "default", "focal")
    assert cells(capsys.readouterr().out, "default")[9] == "2.0 M"
    Toy.broken.clear()
    Toy.ran.clear()
    call("--rows", "default", "focal")
    assert Toy.ran == ["train", "predict"] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "nothing*"], "--rows nothing*: no such row"),
        (["--set", "train.lr"], "expected PATH=VALUE"),
        (["--set", "train.rate=1"], "params.yaml has no `train.rate`"),
        (["--set", "train.lr=fast"], "row `default`: `train.lr`"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(call, arguments, message):
    with pytest.raises(UserError, match=re.escape(message)):
        call(*arguments)
    assert Toy.ran == []


def test_a_row_starts_from_one_above_it(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("reference: a\nrows:\n  a: {from: b}\n  b: {}\n")
    with pytest.raises(UserError, match="starts from `b`"):
        ablation.read_plan(plan)


def test_a_stage_depends_on_the_sections_that_dvc_yaml_gives_it(tmp_path):
    runs = Runs(tmp_path, tmp_path)

    def moved(path, value) -> set[str]:
        other = with_changes(PARAMS, {path: value})
        return {name for name in read_stages() if runs.folder(name, PARAMS) != runs.folder(name, other)}

    after_train = {"train", "predict", "decide", "evaluate", "robustness", "audit"}
    assert moved("train.lr", 0.5) == after_train
    assert moved("featurize.hop_length", 200) == after_train | {"featurize", "resplit"}
    assert moved("extract.face_size", 64) == set(read_stages()) - {"augment"}
    assert moved("evaluate.seed", 7) == {"evaluate"}
    assert moved("parallel.workers", 7) == set()

    teacher = tmp_path / "teacher"
    teacher.mkdir()
    taught = with_changes(PARAMS, {"train.distil.teacher": str(teacher)})
    before = {name: runs.folder(name, taught) for name in read_stages()}
    (teacher / "model.json").write_text("{}")
    assert {name for name, folder in before.items() if runs.folder(name, taught) != folder} == after_train


def test_the_plan_of_the_project_is_valid_and_its_baseline_is_that_of_the_makefile(tmp_path):
    starts, rows = ablation.read_plan(ROOT / "benchmarks/ablation.yaml")
    assert starts["baseline recipe"] == starts["trained"] == "default"
    assert starts["trained, mixup"] == "trained"
    runs = Runs(tmp_path, tmp_path)
    for name, changes in rows.items():
        runs.check(with_changes(PARAMS, changes), name)
    made = re.search(r"^baseline:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)[1]
    words = [word for word in shlex.split(made.replace("\\\n", " ")) if re.match(r"[a-z_.]+=", word)]
    settings = dict(ablation.read_setting(word) for word in words)
    baseline = rows["baseline recipe"]
    assert settings == {path: baseline[path] for path in settings}
    named = {f"train.{key}" for key in TrainParams.model_fields}
    nested = {"augmentation": AugmentationParams, "ensemble": EnsembleParams, "distil": DistilParams}
    nested["readout"] = ReadoutParams
    named |= {f"train.{name}.{key}" for name, section in nested.items() for key in section.model_fields}
    # Without effect where what they belong to is off, or the machine's.
    idle = {"folds", "focal_gamma", "ema_decay", "swa_start", "augmentation", "device", "threads", "seed"}
    idle |= {
        "readout",
        "readout.bands",
        "augmentation.waveform",
        "augmentation.time_mask_share",
        "augmentation.band_mask_share",
    }
    idle |= {"ensemble", "distil", "distil.weight", "distil.temperature", "fusion", "visual"}
    assert named - {f"train.{key}" for key in idle} <= set(baseline), "the default must not leak into it"


def test_the_mean_auc_and_a_difference_of_equals():
    rng = np.random.default_rng(0)
    target = np.arange(60) % 2
    scores = [rng.random(60) + 0.3 * target for _ in range(3)]
    found = mean_auc(target, [None] * 60, scores, "x")
    assert found.each == pytest.approx([roc_auc_score(target, score) for score in scores])
    slow = [intervals.weighted_auc(target, score, _draws(target)) for score in scores]
    assert found.drawn == pytest.approx(np.mean(slow, axis=0))
    low, high = found.interval
    assert low < found.value < high
    nothing = found - mean_auc(target, [None] * 60, scores, "x")
    assert nothing.interval == (0, 0), "the same resamples for both"
    assert mean_auc(np.ones(4, int), [None] * 4, [np.ones(4)], "x") is None


def _draws(target):
    return intervals.clip_weights(target, RESAMPLES, intervals.generator(0, "x"))
