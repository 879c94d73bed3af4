"""Rule: the model has no more parameters than allowed, counted from its own file.

The file's table of tensors and the architecture that model.json names are laid side by side; both counts are
of that architecture, on torch's device `meta`: it has shapes and no numbers, so that a model of any size is
counted within seconds.
"""

import math

import torch

from avfake.errors import UserError
from avfake.model import budget
from avfake.model.assembly import assemble
from avfake.model.detector import Detector
from avfake.model.saved import WEIGHTS
from avfake.model.visual import Sight
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
    channels, height, width = map(int, subject.model["features"]["shape"])
    try:
        sight = Sight.read(subject.model.get("visual"))
        detector, size = counted(subject.model["backbone"], (channels, height, width), sight)
    except UserError as error:
        case.fault(f"{error.message}; the file alone tells of {held:,} numbers")
        return case.verdict()

    expected = {name: tuple(tensor.shape) for name, tensor in detector.state_dict().items()}
    differing = {name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name)}
    if differing:
        case.fault(
            f"{WEIGHTS} is no {_named(subject.model['backbone'], sight)}:"
            f" {shown(differing)} differ in shape or are missing"
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


def _named(backbone: str, sight: Sight | None) -> str:
    return backbone if sight is None or sight.backbone == backbone else f"{backbone} with {sight.backbone}"


def file_shapes(subject: Subject) -> Shapes:
    """Shape of every tensor of the file, by name; no tensor is read."""
    import safetensors

    with safetensors.safe_open(subject.weights, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def counted(
    backbone: str, shape: tuple[int, int, int], sight: Sight | None = None
) -> tuple[Detector, budget.Size]:
    """The detector without numbers, and its size; of all its branches.

    Raises:
        UserError: timm knows no such backbone, or it cannot take such windows.
    """
    try:
        with torch.device("meta"):
            detector = assemble(backbone, shape, sight)
        return detector, budget.measure(detector, shape)
    except (RuntimeError, UserError):  # an architecture that looks at numbers while it is built or run
        detector = assemble(backbone, shape, sight)
        return detector, budget.measure(detector, shape)
