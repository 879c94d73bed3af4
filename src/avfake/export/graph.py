"""A detector as an ONNX graph: uint8 windows and faces in, logits out, any number at a time.

    sound     windows uint8 [n, C, H, W]                      -> logits float [n, members, 2]
    picture   faces uint8 [n, S, S, 3]                        -> logits float [n, members, 2]
    both      windows [a, ...], faces [b, ...], window_of,
              face_of int64 [n] (-1: none)                    -> logits float [n, members, 2]

With attention `relevance` float [n, members] comes beside the logits. How a clip's score comes from them is
not in the graph: it is avfake.export.onnx_detector.Judged.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from avfake.errors import RunError
from avfake.export.onnx_detector import FACE_OF, FACES, LOGITS, RELEVANCE, WINDOW_OF, WINDOWS
from avfake.model.detector import Detector, Seen
from avfake.model.ensemble import members_of
from avfake.model.pooling import is_attentive
from avfake.model.streams import BOTH, MISSING, PICTURE, SOUND

OPSET = 20
_REMEDY = "score it with torch, or train another backbone or train.fusion"
# Sizes of the example that is traced: 0 and 1 would be taken for constants, and equal ones for one size.
_EXAMPLE = {WINDOWS: 2, FACES: 3, "pairs": 4}


class _Graph(nn.Module):
    """Base: the members of a detector side by side."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.members = nn.ModuleList(members_of(detector))


class _Sound(_Graph):
    def forward(self, windows: Tensor) -> Tensor:
        return torch.stack([member(windows) for member in self.members], dim=1)


class _AttentiveSound(_Graph):
    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        parts = [member.head.parts(member.audio(windows)) for member in self.members]  # type: ignore[operator,union-attr]
        return torch.stack([part[0] for part in parts], dim=1), torch.stack(
            [part[1] for part in parts], dim=1
        )


class _Picture(_Graph):
    def forward(self, faces: Tensor) -> Tensor:
        each = [member.head(member.visual(faces)) for member in self.members]  # type: ignore[operator]
        return torch.stack(each, dim=1)


class _Both(_Graph):
    def forward(self, windows: Tensor, faces: Tensor, window_of: Tensor, face_of: Tensor) -> Tensor:
        return torch.stack(
            [
                member.judge(  # type: ignore[operator]
                    Seen(
                        _of_pairs(member.audio(windows), window_of),  # type: ignore[operator]
                        window_of != MISSING,
                        _of_pairs(member.visual(faces), face_of),  # type: ignore[operator]
                        face_of != MISSING,
                    )
                )
                for member in self.members
            ],
            dim=1,
        )


def _of_pairs(features: Tensor, places: Tensor) -> Tensor:
    """As Detector._of_pairs, of parts of which there is one at least: asked for its length, a traced tensor
    would have that length for ever."""
    own = features.index_select(0, places.clamp(min=0))
    return torch.where((places != MISSING)[:, None], own, torch.zeros_like(own))


def to_onnx(detector: Detector, shape: tuple[int, int, int]) -> Any:
    """The detector as an onnx.ModelProto that names no file of this machine.

    Args:
        detector: in evaluation mode, on the CPU.
        shape: channels, height and width of a window.

    Raises:
        RunError: torch cannot express the detector in ONNX.
    """
    graph, inputs, sizes = _inputs(detector, shape)
    outputs = [LOGITS, RELEVANCE] if isinstance(graph, _AttentiveSound) else [LOGITS]
    names = list(inputs)
    dims = {size: torch.export.Dim(f"n_{size}") for size in set(sizes.values())}
    try:
        with _quiet():
            program = torch.onnx.export(
                graph.eval(),
                tuple(inputs.values()),
                input_names=names,
                output_names=outputs,
                dynamic_shapes=tuple({0: dims[sizes[name]]} for name in names),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise RunError(
            f"torch cannot express this detector in ONNX: {lines[0]}",
            _REMEDY,
        ) from error
    assert program is not None
    model = _anonymous(program.model_proto)
    fixed = [one.name for one in model.graph.input if not one.type.tensor_type.shape.dim[0].dim_param]
    if fixed:
        raise RunError(
            f"torch cannot express this detector for any number of {' and '.join(fixed)} at a time",
            _REMEDY,
        )
    return model


def _inputs(
    detector: Detector, shape: tuple[int, int, int]
) -> tuple[_Graph, dict[str, Tensor], dict[str, str]]:
    """The graph, an example of each of its inputs, and which of the sizes each has."""
    windows = torch.zeros(_EXAMPLE[WINDOWS], *shape, dtype=torch.uint8)
    if detector.modality == SOUND:
        attentive = any(map(is_attentive, members_of(detector)))
        return (_AttentiveSound if attentive else _Sound)(detector), {WINDOWS: windows}, {WINDOWS: WINDOWS}
    side = members_of(detector)[0].visual.face_size
    faces = torch.zeros(_EXAMPLE[FACES], side, side, 3, dtype=torch.uint8)
    if detector.modality == PICTURE:
        return _Picture(detector), {FACES: faces}, {FACES: FACES}
    assert detector.modality == BOTH
    pairs = torch.zeros(_EXAMPLE["pairs"], dtype=torch.int64)
    return (
        _Both(detector),
        {WINDOWS: windows, FACES: faces, WINDOW_OF: pairs, FACE_OF: pairs.clone()},
        {WINDOWS: WINDOWS, FACES: FACES, WINDOW_OF: "pairs", FACE_OF: "pairs"},
    )


def _anonymous(model: Any) -> Any:
    """Without what the exporter notes of the sources: no path, and the same bytes for the same weights."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.value_info,
        *graph.input,
        *graph.output,
        *graph.initializer,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own progress on standard output and its warnings."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
