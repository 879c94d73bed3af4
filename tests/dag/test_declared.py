"""A stage reads the parameters that dvc.yaml declares for it and no others: the others are taken away."""

import sys

import pytest
from ruamel.yaml import YAML

from workspace import STAGES, hashes, run


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_on_its_declared_sections_alone(built, workspace, stage):
    yaml = YAML(typ="safe")
    declared = yaml.load((workspace.folder / "dvc.yaml").read_text())["stages"][stage]["params"]
    path = workspace.folder / "params.yaml"
    tree = yaml.load(path.read_text())
    # Of `rules.max_parameters` the section stays whole: a section is checked against its schema as one.
    sections = {name.partition(".")[0] for name in declared}
    with path.open("w") as file:
        yaml.dump({name: tree[name] for name in sorted(sections)}, file)
    run(workspace.folder, sys.executable, "-m", f"avfake.stages.{stage}")
    assert hashes(workspace.folder) == built.hashes
