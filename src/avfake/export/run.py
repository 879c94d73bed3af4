"""`avfake export`: the saved detector as ONNX, checked against torch on real clips before it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import avfake
from avfake.decision.saved import load_decision, save_decision
from avfake.errors import UserError
from avfake.export.clips import Split, open_split, read_files
from avfake.export.compare import compare
from avfake.export.graph import OPSET, to_onnx
from avfake.export.onnx_detector import OnnxDetector
from avfake.export.quantise import judge, quantised, require_inside, scores_of
from avfake.export.saved import FORMAT, MODEL, RECORD, open_onnx
from avfake.files import atomic_write_bytes, sha256_file, write_json
from avfake.model.inference import choose_device
from avfake.model.saved import SavedModel, load_model
from avfake.params import EvaluateParams, load

FLOAT, INT8 = "float32", "int8"


@dataclass(frozen=True)
class Exported:
    """What was written: the two files, and what model_onnx.json says."""

    model: Path
    record: dict[str, Any]


def export(
    folder: Path, out: Path, files: Sequence[Path], n_clips: int, int8: bool, params: Path
) -> Exported:
    """Exports the detector of `folder` into `out`.

    Args:
        folder: with model.safetensors and model.json.
        out: of model.onnx and model_onnx.json.
        files: clips that it is compared on; none: clips of validation.
        n_clips: of validation that it is compared on, and of training that int8 takes its ranges from.
        int8: whether convolutions calculate in eight bits.
        params: the file of parameters, of which int8 takes the section `evaluate`.

    What the model's scores mean (decision.json) goes with it.

    Raises:
        UserError: no model, no clip to compare on, onnx or onnxruntime not installed; decision.json is
            damaged or belongs to other weights.
        RunError: torch cannot express the detector in ONNX, it differs from torch, or int8 costs AUC.
    """
    if int8 and files:
        raise UserError(
            "--int8 is judged on validation, not on clips that are named", "leave out --int8 or the clips"
        )
    _need_packages()
    model = load_model(folder, choose_device("cpu"))
    decision = load_decision(folder, model.facts["sha256"])
    # First what may be missing: the export itself takes a while.
    val = None if files else open_split(model, "val")
    train = open_split(model, "train") if int8 else None
    clips = read_files(folder, files) if val is None else val.looks(n_clips)
    graph = to_onnx(model.detector, model.shape)
    data = graph.SerializeToString(deterministic=True)
    plain = open_onnx(data, model.facts, {}).detector
    differences = compare(model.detector, plain, clips)
    differences.require()
    quantisation = None
    if val is not None and train is not None:
        data, quantisation = _int8(graph, plain, model, val, train, n_clips, load(EvaluateParams, params))
    if decision is not None and out.resolve() != folder.resolve():
        save_decision(out, decision)
    return _write(out, data, model, INT8 if int8 else FLOAT, differences.facts(), quantisation)


def _int8(
    graph: Any,
    plain: OnnxDetector,
    model: SavedModel,
    val: Split,
    train: Split,
    n_clips: int,
    params: EvaluateParams,
) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the model in eight bits, and the figures that allow it."""
    data = quantised(graph, plain, train.looks(n_clips)).SerializeToString(deterministic=True)
    small = open_onnx(data, model.facts, {}).detector
    figures = judge(
        val.clips.targets,
        scores_of(plain, val.looks()),
        scores_of(small, val.looks()),
        val.clips.sources,
        params,
    )
    require_inside(figures)
    return data, figures


def _write(
    out: Path,
    data: bytes,
    model: SavedModel,
    precision: str,
    check: Mapping[str, Any],
    quantisation: Mapping[str, Any] | None,
) -> Exported:
    # The record last: until it is there, what a killed export left is found to be another export's.
    atomic_write_bytes(out / MODEL, data)
    packages = ("onnx", "onnxruntime", "onnxscript", "torch")
    record = {
        "format": FORMAT,
        "precision": precision,
        "opset": OPSET,
        "sha256": sha256_file(out / MODEL),
        "bytes": len(data),
        "check": check,
        "quantisation": quantisation,
        "code": {"avfake": avfake.__version__} | {name: version(name) for name in packages},
        "model": model.facts,
    }
    write_json(out / RECORD, record)
    return Exported(out / MODEL, record)


def _need_packages() -> None:
    """Raises UserError if one of the extra is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed", "install it with `pip install 'avfake[serve]'`"
        ) from None
