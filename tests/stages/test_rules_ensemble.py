"""`avfake audit rules` on an ensemble, and on the one model that it taught."""

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
from typer import Typer
from typer.testing import CliRunner

from avfake.cli.audit_rules import rules
from avfake.files import sha256_file
from avfake.stages import predict, train
from judged import build, change_json, write_lock
from workspace import once, set_params

APP = Typer()
APP.command()(rules)
FACTS = Path("models/model.json")


def built_both(folder: Path, judged: Path) -> None:
    """Beside the repository of all rules: `ensemble`, whose model is one, and `taught`, whose model has it
    as teacher."""
    for name in ("ensemble", "taught"):
        shutil.copytree(judged, folder / name, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "ensemble")
        made({"train.ensemble.members": 2})
        shutil.copytree("models", folder / "taught/teachers/two")
        patch.chdir(folder / "taught")
        made({"train.distil.teacher": "teachers/two"})


def made(values: dict[str, object]) -> None:
    set_params(Path(), values)
    train.main()
    predict.main()
    write_lock(Path())


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    judged = once(tmp_path_factory, "judged", build)
    return once(tmp_path_factory, "judged-ensemble", lambda folder: built_both(folder, judged))


@pytest.fixture
def place(both, tmp_path, monkeypatch, request):
    shutil.copytree(both / request.param, tmp_path / "place", symlinks=True)
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


ensemble = pytest.mark.parametrize("place", ["ensemble"], indirect=True)
taught = pytest.mark.parametrize("place", ["taught"], indirect=True)


def asked(code: int) -> dict[str, dict]:
    done = CliRunner().invoke(APP, ["--json"])
    assert done.exit_code == code, done.output
    found = {item["rule"]: item for item in json.loads(done.stdout)["rules"]}
    return {
        rule: {"status": item["status"], **{key: " ".join(item[key]) for key in ("faults", "evidence")}}
        for rule, item in found.items()
    }


def failing() -> dict[str, str]:
    return {rule: item["faults"] for rule, item in asked(1).items() if item["status"] == "fail"}


@ensemble
def test_an_ensemble_breaks_the_rule_of_one_model_by_name_and_no_other(place):
    found = failing()
    assert found.keys() == {"one_model"}
    assert (
        "train.ensemble: the score is the mean of 2 detectors, rules.one_model allows one"
        in found["one_model"]
    )
    set_params(place, {"rules.one_model": False})
    assert "an ensemble: the score is the mean of 2 detectors" in asked(0)["one_model"]["evidence"]


@ensemble
def test_the_parameters_of_all_members_count(place):
    parameters = json.loads(FACTS.read_text())["parameters"]
    set_params(place, {"rules.max_parameters": parameters - 1})
    assert f"{parameters:,} parameters by counting" in failing()["parameters"]


@ensemble
def test_an_ensemble_that_model_json_keeps_to_itself(place):
    change_json(FACTS, ensemble=None)
    found = failing()
    assert "speaks of 1 detector, model.safetensors holds 2" in found["one_model"]
    assert "mean of 2 detectors" in found["one_model"]
    assert {"parameters", "scoring_function", "container"} <= found.keys()


@taught
def test_what_an_ensemble_taught_keeps_every_rule(place):
    found = asked(0)
    teacher = sha256_file(place / "teachers/two/model.safetensors")
    assert (
        f"taught by 2 detectors (SHA-256 {teacher}), of which the score needs nothing: 1 detector"
        in (found["one_model"]["evidence"])
    )
    same = f"the teacher {teacher[:12]} was trained on the same clips, windows and labels"
    assert same in found["validation"]["evidence"]
    assert f"the teacher {teacher[:12]}: train.pretrained is none" in found["pretraining"]["evidence"]


@taught
@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({"clips_sha256": "0" * 64}, {"validation", "external_data"}),
        ({"data_sha256": None}, {"validation", "external_data"}),
        ({"pretrained_sha256": "f" * 64}, {"pretraining"}),
        ({"train": None}, {"pretraining"}),
    ],
)
def test_a_teacher_that_broke_a_rule(place, values, rules):
    record = json.loads(FACTS.read_text())["teacher"]
    change_json(FACTS, teacher=record | {"model": record["model"] | values})
    found = failing()
    assert found.keys() == rules | {"container"}  # which holds the record against dvc.lock
    assert all("the teacher " in found[rule] for rule in rules)


@taught
def test_a_record_without_the_teacher_it_speaks_of(place):
    change_json(FACTS, teacher={"sha256": "0" * 64})
    assert failing().keys() == {"validation", "external_data", "pretraining", "container"}


@taught
def test_a_teacher_that_is_kept_secret(place):
    train_facts = json.loads(FACTS.read_text())["train"]
    train_facts["distil"]["teacher"] = "teachers/none"
    change_json(FACTS, teacher=None, train=train_facts)
    write_lock(place)
    assert "model.json says train.distil" in failing()["pretraining"]


def test_an_ensembles_file_names_its_members(both):
    names = safetensors.torch.load_file(both / "ensemble/models/model.safetensors")
    assert {name.split(".")[0] for name in names} == {"members"}
    assert {name.split(".")[1] for name in names} == {"0", "1"}
