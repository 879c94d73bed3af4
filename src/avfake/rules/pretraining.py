"""Rule: the weights that training began with are random, or of ImageNet-1K alone.

What a file of weights has seen cannot be read from its numbers. Hence: a file counts as clean if its SHA-256
is on the list of params.yaml, or if timm names it with a tag that stands for ImageNet-1K alone; everything
else, and everything unknown, fails.
"""

from typing import Any

from avfake.model.streams import PICTURE, SOUND
from avfake.model.tags import other_data
from avfake.params import RulesParams
from avfake.rules.lock import DVC_LOCK, locked_params
from avfake.rules.subject import Subject, of_models
from avfake.rules.teachers import teachers
from avfake.rules.verdict import Case, Verdict

# The kinds of weights (avfake.model.pretrained.origin) that go with a source; a path goes with the others.
_KINDS = {"none": ("none",), "imagenet1k": ("timm",)}
_UNKNOWN = "what it was trained on is not known here; its SHA-256 is not on the list rules.weights"


def judge(subject: Subject) -> Verdict:
    """Judges the record of each branch in model.json, each part of it, and whether dvc.lock agrees."""
    case = Case("pretraining")
    sections = _judge_start(case, subject.model, subject.limits)
    for teacher in teachers(subject.model):
        its = Case(case.rule)
        _judge_start(its, teacher.model, subject.limits)
        for text in its.faults:
            case.fault(f"the teacher {teacher.short}: {text}")
        for text in its.evidence:
            case.found(f"the teacher {teacher.short}: {text}")
    _compare_lock(case, subject, sections)
    return case.verdict()


def _judge_start(case: Case, model: dict[str, Any], limits: RulesParams) -> list[str]:
    """What one training began with, from its model.json; the sections of which that is known."""
    train = model["train"] if isinstance(model.get("train"), dict) else {}
    branches = [("train", model, train)]
    if visual := model.get("visual"):
        of_faces = ("train.visual", visual, train.get("visual") or {})
        branches = [of_faces] if visual["modality"] == PICTURE else [*branches, of_faces]
    return [branch[0] for branch in branches if _judge_branch(case, limits, *branch)]


def _judge_branch(
    case: Case, limits: RulesParams, section: str, model: dict[str, Any], train: dict[str, Any]
) -> bool:
    """Judges the weights of one branch; whether there is anything to judge.

    Args:
        case: to write to. limits: that hold.
        section: of params.yaml that the branch is made by.
        model: `backbone`, `pretrained`, `pretrained_sha256` of the branch.
        train: that section, as model.json has it.
    """
    source, sha256 = train.get("pretrained"), model.get("pretrained_sha256")
    if source is None:
        case.fault(f"model.json does not say under `{section}` where the first weights came from")
        return False
    kind = "none" if source == "none" else "imagenet1k"
    if kind not in limits.pretraining:
        case.fault(
            f"{section}.pretrained is {source}, rules.pretraining allows {' or '.join(limits.pretraining)}"
        )
    _judge_name(case, str(model["backbone"]), source)
    if train.get("backbone", model["backbone"]) != model["backbone"]:
        case.fault(f"model.json names two backbones: {model['backbone']} and {train['backbone']}")
    _judge_record(case, model, source)
    if source == "none":
        _judge_none(case, sha256)
    elif sha256 in limits.weights:
        case.found(f"{source}: SHA-256 {sha256} is on the list rules.weights")
    elif source == "imagenet1k":
        _judge_timm(case, model)
    else:
        what = _record(model).get("kind")
        which = f"the detector {source}" if what == "detector" else source
        case.fault(f"{which} (SHA-256 {sha256}): {_UNKNOWN}")
    return True


def _judge_name(case: Case, backbone: str, source: str) -> None:
    """A tag in the backbone's name is a claim about its weights: it must be clean, whatever was loaded."""
    if "." not in backbone:
        return
    if why := other_data(backbone):
        advice = "; with random weights, name the architecture alone" if source == "none" else ""
        case.fault(f"backbone {backbone}: {why}{advice}")
    else:
        case.found(f"the tag of the backbone {backbone} stands for ImageNet-1K alone")


def _judge_record(case: Case, model: dict[str, Any], source: str) -> None:
    """The record of the weights agrees with `train.pretrained`, and no part of it tells of other data."""
    record = _record(model)
    kinds = _KINDS.get(source, ("package", "file", "detector"))
    if record and record.get("kind") not in kinds:
        case.fault(f"model.json says train.pretrained: {source}, and weights of kind {record.get('kind')}")
    architecture = str(model["backbone"]).partition(".")[0]
    tag = record.get("tag")
    claims = {f"{architecture}.{tag}"} if tag else set()
    claims |= {str(record.get("name"))} if record.get("kind") == "timm" else set()
    for claim in sorted(claims):
        if why := other_data(claim):
            case.fault(f"weights {claim}: {why}")


def _judge_none(case: Case, sha256: object) -> None:
    if sha256 is not None:
        case.fault(f"train.pretrained is none, and model.json names a file of weights: SHA-256 {sha256}")
    else:
        case.found("train.pretrained is none: random weights, no file was read")


def _judge_timm(case: Case, model: dict[str, Any]) -> None:
    """Judges weights of the hub; what their tag says of other data was looked at with the record."""
    record = _record(model)
    name = str(record.get("name") or "")
    if not name:
        case.fault("model.json does not name the weights under `pretrained`: run `dvc repro train`")
        return
    if name.partition(".")[0] != str(model["backbone"]).partition(".")[0]:
        case.fault(f"model.json names weights of another backbone than {model['backbone']}: {name}")
    if not _known(name):
        case.fault(f"weights {name}: timm has none of this name")
    elif not other_data(name):
        case.found(
            f"{record.get('repository')}: the tag {record.get('tag')} stands for ImageNet-1K alone; licence"
            f" {record.get('licence')}, SHA-256 {model.get('pretrained_sha256')}"
        )


def _known(name: str) -> bool:
    import timm

    return timm.is_model_pretrained(name) if timm.is_model(name) else False


def _record(model: dict[str, Any]) -> dict[str, Any]:
    record = model.get("pretrained")
    return record if isinstance(record, dict) else {}


def _compare_lock(case: Case, subject: Subject, sections: list[str]) -> None:
    """What dvc.lock says of the run that made models/: whoever edits model.json alone is found."""
    if not of_models(subject):
        case.found(f"{subject.folder} is not the model of {DVC_LOCK}: its own record alone was judged")
        return
    locked = locked_params("train", "train")
    if not locked:
        case.found(f"{DVC_LOCK} knows no run of `train`: the model's own record alone was judged")
        return
    train = subject.model["train"]
    for key, neutral in (("modality", SOUND), ("ensemble", None), ("distil", None)):
        said, recorded = (part.get(key, neutral) for part in (train, locked))
        if recorded != said:
            case.fault(f"model.json says train.{key}: {said}, {DVC_LOCK} says {recorded}")
    for section in sections:
        of_branch = (train, locked) if section == "train" else (train["visual"], locked.get("visual", {}))
        for key in ("backbone", "pretrained"):
            said, recorded = (part.get(key) for part in of_branch)
            if recorded != said:
                case.fault(f"model.json says {section}.{key}: {said}, {DVC_LOCK} says {recorded}")
        case.found(f"{DVC_LOCK} records {section}.pretrained: {of_branch[1].get('pretrained')}")
