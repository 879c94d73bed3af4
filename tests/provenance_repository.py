"""A repository after the pipeline on tiny clips, with nothing wrong, to be spoilt and audited.

repository = make_repository(tmp_path_factory, tmp_path, monkeypatch)
repository.edit(lambda rows: rows.pop())       # somebody edits the manifest
repository.fails("plan")                       # {check: names of the clips}
"""

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from augmented import in_this_process, make_place, recipe, run_augment, use_toys
from avfake.dataset.augmented import FOLDER, SKIPPED, read_manifest, write_manifest
from avfake.dataset.labels import read_labels, write_table
from avfake.dataset.root import load_root
from avfake.files import write_json
from avfake.forge.plan import plan
from avfake.forge.run import Made
from avfake.params import AugmentParams, DataParams, ResplitParams, load
from avfake.provenance import rebuild
from avfake.provenance.audit import audit
from avfake.provenance.verdict import Verdict
from avfake.resplit.plan import pass_through
from avfake.stages import augment, extract
from inspected import in_this_process as map_here
from place import Place
from workspace import DATA, ROOT, once, write_rows

AUGMENTED, CLIPS = Path("data/augmented"), Path("data/augmented") / FOLDER
RECIPES = (
    recipe("louder"),
    recipe("backwards", of="real"),
    recipe("borrowed", of="fake", per_clip=2),
    recipe("faceless", of="fake"),
)
CODE = Path("src/avfake/forge/tools/toys.py")
SECTIONS = ("data", "augment", "memo", "parallel", "extract", "resplit")
LOCKS = ("requirements.lock", "requirements-run.lock")
DVC_YAML = f"""
stages:
  augment:
    cmd: python -m avfake.stages.augment
    deps: [{DATA}, {CODE.parent}]
    params: [augment, data]
    outs: [{AUGMENTED}]
"""


@dataclass(frozen=True)
class Repository:
    """The current folder."""

    place: Place

    def audit(self, share: float = 0.0) -> Verdict:
        return audit(share, seed=1, workers=1)

    def fails(self, *names: str, share: float = 0.0) -> dict[str, list[str]]:
        """The checks that fail must be these; the clips that each names."""
        verdict = self.audit(share)
        found = {check.name: check for check in verdict.checks if check.state == "fail"}
        assert sorted(found) == sorted(names), "\n".join(map(str, found.values()))
        assert not verdict.passed
        return {name: [finding.clip for finding in check.findings] for name, check in found.items()}

    @property
    def rows(self) -> list[dict[str, Any]]:
        return read_manifest(AUGMENTED)

    def edit(self, change: Callable[[list[dict[str, Any]]], object]) -> None:
        """Writes the manifest as somebody would who knows its format."""
        rows = self.rows
        change(rows)
        write_manifest(rows, AUGMENTED)

    def record(self) -> None:
        """Whatever lies here is recorded and read by the later stages, as if it had come from the stage."""
        params = load(AugmentParams)
        jobs = plan(load_root(load(DataParams)), params)
        by_key = {(job.recipe, str(job.copy), job.source.video_name): job for job in jobs}
        with (AUGMENTED / SKIPPED).open(newline="") as file:
            skipped = [
                Made(by_key[row["recipe"], row["copy"], row["source_name"]], {}, row["reason"])
                for row in csv.DictReader(file)
            ]
        done = augment.Run(self.rows, skipped)
        write_json("metrics/augment.json", augment.figures(done, params.recipes))
        write_json("metrics/augment_notes.json", augment.notes(done, params.recipes, jobs))
        _go_on()


def make_repository(
    factory: pytest.TempPathFactory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Repository:
    """A copy of its own, which is the current folder from here on."""
    whole = once(factory, "provenance", _build)
    shutil.copytree(whole, folder / "repository", ignore=shutil.ignore_patterns(".memo", "tmp"))
    _in_process(monkeypatch)
    monkeypatch.chdir(folder / "repository")
    return Repository(Place(folder / "repository"))


def _build(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _in_process(patch)
        place = make_place(folder, *RECIPES)
        _keep_sections(folder / "params.yaml")
        for name in LOCKS:
            shutil.copy(ROOT / name, folder)
        (folder / CODE).parent.mkdir(parents=True)
        (folder / CODE).write_text("# the toys\n")
        (folder / "dvc.yaml").write_text(DVC_YAML)
        run_augment(place, patch)
        patch.chdir(folder)
        Path("data/training").mkdir()
        Repo.init(no_scm=True).close()
        _go_on()


def _keep_sections(path: Path) -> None:
    """Leaves out what no test here reads: each audit loads the file several times."""
    yaml = YAML(typ="safe")
    tree = yaml.load(path.read_text())
    with path.open("w") as file:
        yaml.dump({name: tree[name] for name in SECTIONS}, file)


def _go_on() -> None:
    """What DVC and the stages up to `train` write that the audit looks at."""
    with Repo() as repo:
        repo.commit("augment", force=True)
    extract.main()
    labels = read_labels("data/labels")
    write_table(pass_through(labels, load(ResplitParams)).labels, "data/resplit")
    names = labels["video_name"][(labels["split"] == "train") & labels["target"].notna()]
    write_rows(Path("data/training/clips.csv"), [["video_name"], *([name] for name in names)])


def _in_process(patch: pytest.MonkeyPatch) -> None:
    use_toys(patch)
    in_this_process(patch)
    for module in (extract, rebuild):
        patch.setattr(module, "map_ordered", map_here)


def flip(path: Path) -> None:
    """Another value for one byte, among the packets: the clip can still be opened."""
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
