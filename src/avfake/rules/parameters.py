"""Rule: the model has no more parameters than allowed, counted from its own file.

The file's table of tensors and the architecture that model.json names are laid side by side; both counts are
of that architecture, on torch's device `meta`: it has shapes and no numbers, so that a model of any size is
counted within seconds.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch

from avfake.errors import UserError
from avfake.model import budget
from avfake.model.detector import Detector
from avfake.model.saved import WEIGHTS, build_saved
from avfake.rules.subject import Subject
from avfake.rules.verdict import Case, Verdict, shown

Shapes = dict[str, tuple[int, ...]]


def judge(subject: Subject) -> Verdict:
    """Counts by torch and by thop, compares both with the limit and with model.json."""
    import safetensors

    case = Case("parameters")
    limit = subject.limits.max_parameters
    try:
        shapes = file_shapes(subject)
    except (safetensors.SafetensorError, OSError) as error:
        case.fault(f"{subject.weights} cannot be read: {str(error)[:200]}")
        return case.verdict()
    held = sum(math.prod(shape) for shape in shapes.values())
    case.found(f"{WEIGHTS} holds {held:,} numbers in {len(shapes)} tensors, buffers included")
    try:
        detector, size = counted(subject.model)
    except UserError as error:
        case.fault(f"{error.message}; the file alone tells of {held:,} numbers")
        return case.verdict()

    expected = {name: tuple(tensor.shape) for name, tensor in detector.state_dict().items()}
    differing = {name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name)}
    if differing:
        case.fault(
            f"{WEIGHTS} is no {_named(subject.model)}: {shown(differing)} differ in shape or are missing"
        )
    counts = {"counting": size.parameters, "thop": size.parameters_thop}
    for way, count in counts.items():
        if count > limit:
            case.fault(f"{count:,} parameters by {way}, rules.max_parameters allows {limit:,}")
    for key, count in (("parameters", size.parameters), ("parameters_thop", size.parameters_thop)):
        said = subject.model.get(key)
        if said != count:
            case.fault(f"model.json says {key}: {said}, the model has {count}")
    case.found(
        f"{size.parameters:,} parameters by counting, {size.parameters_thop:,} by thop on a copy;"
        f" at most {limit:,} are allowed"
    )
    return case.verdict()


def _named(model: Mapping[str, Any]) -> str:
    visual = model.get("visual")
    return f"{model['backbone']} with {visual['backbone']}" if visual else str(model["backbone"])


def file_shapes(subject: Subject) -> Shapes:
    """Shape of every tensor of the file, by name; no tensor is read."""
    import safetensors

    with safetensors.safe_open(subject.weights, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def counted(model: Mapping[str, Any]) -> tuple[Detector, budget.Size]:
    """The detector or ensemble that a model.json names, without numbers, and its size.

    Raises:
        UserError: timm knows no such backbone, or it cannot take such windows.
    """
    channels, height, width = map(int, model["features"]["shape"])
    shape = channels, height, width
    try:
        with torch.device("meta"):
            detector = build_saved(model)
        return detector, budget.measure(detector, shape)
    except (RuntimeError, UserError):  # an architecture that looks at numbers while it is built or run
        detector = build_saved(model)
        return detector, budget.measure(detector, shape)
