"""The exported model: `model.onnx`, and `model_onnx.json`, which says what it is of and how it was checked.

The two are enough to score, without model.safetensors, model.json and torch. Keys of model_onnx.json:
`format`, `precision` (`float32`, or `int8`: convolutions in eight bits), `opset`, `sha256` (of model.onnx),
`bytes`, `check` (differences to torch: avfake.export.compare), `quantisation` (null, or the AUCs of both:
avfake.export.quantise), `code` (versions), `model` (model.json as it was: front end, pooling, SHA-256 of the
weights).
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avfake.errors import UserError
from avfake.export.onnx_detector import SOUND, OnnxDetector

MODEL, RECORD = "model.onnx", "model_onnx.json"
FORMAT = 1
FACTS = "model.json"  # of the weights; avfake.model.saved has it too, and imports torch
_REMEDY = "make it with `avfake export`"


@dataclass(frozen=True)
class SavedOnnx:
    """An exported detector, ready to score: what avfake.model.saved.SavedModel is for torch.

    Attributes:
        facts: of model.json. record: of model_onnx.json.
    """

    detector: OnnxDetector
    facts: dict[str, Any]
    record: dict[str, Any]

    @property
    def prior(self) -> float:
        """Share of fakes among the clips trained on: the score of a clip that cannot be scored."""
        return float(self.facts["prior"])

    @property
    def modality(self) -> str:
        """`sound`, `picture` or `both`."""
        return modality_of(self.facts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a window."""
        return shape_of(self.facts)


def load_onnx(folder: str | Path, threads: int | None = None) -> SavedOnnx:
    """Loads an exported detector into one session of onnxruntime, on the CPU.

    Args:
        folder: with model.onnx and model_onnx.json. Where model.json lies beside them, it must be the one
            that they were made of.
        threads: of the session; None: as many as the model was trained with.

    Raises:
        UserError: a file is missing, damaged or of other weights, or onnxruntime is not installed.
    """
    data, record = check_onnx(folder)
    return open_onnx(data, record["model"], record, threads)


def check_onnx(folder: str | Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes of model.onnx and what model_onnx.json says, if they belong together and to model.json.

    Raises:
        UserError: a file is missing, damaged or of other weights.
    """
    folder = Path(folder)
    record = read_record(folder)
    _check_weights(folder, record)
    try:
        data = (folder / MODEL).read_bytes()
    except FileNotFoundError:
        raise UserError(f"{folder / MODEL}: no such file", _REMEDY) from None
    # Of the very bytes that are loaded.
    if (found := hashlib.sha256(data).hexdigest()) != record["sha256"]:
        raise UserError(
            f"{folder / MODEL}: damaged, or of another export than {folder / RECORD}:"
            f" its SHA-256 is {found}, expected {record['sha256']}",
            _REMEDY,
        )
    return data, record


def open_onnx(
    data: bytes, facts: dict[str, Any], record: dict[str, Any], threads: int | None = None
) -> SavedOnnx:
    """A detector from the bytes of a model.onnx and the facts of its model.json."""
    sight = facts.get("visual")
    detector = OnnxDetector(
        make_session(data, threads or facts["train"].get("threads") or _cores()),
        modality_of(facts),
        facts["train"]["pooling"],
        shape_of(facts),
        sight and int(sight["face_size"]),
    )
    return SavedOnnx(detector, facts, record)


def make_session(data: bytes, threads: int) -> Any:
    """An onnxruntime.InferenceSession. Raises UserError if onnxruntime is not installed."""
    try:
        import onnxruntime
    except ImportError:
        raise UserError(
            "onnxruntime is not installed", "install it with `pip install 'avfake[serve]'`"
        ) from None
    options = onnxruntime.SessionOptions()
    # Set, and not left to onnxruntime: that binds its threads to cores, whoever else is running there.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two clips take the time of those that decode the next one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def read_record(folder: str | Path) -> dict[str, Any]:
    """Reads model_onnx.json alone. Raises UserError if it is missing, damaged or of another format."""
    path = Path(folder) / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file", _REMEDY) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON: {error}", _REMEDY) from None
    version = record.get("format") if isinstance(record, dict) else None
    if version != FORMAT:
        raise UserError(f"{path}: format {version}, this avfake reads format {FORMAT}", _REMEDY)
    missing = sorted({"model", "precision", "sha256"} - record.keys())
    if missing:
        raise UserError(f"{path}: `{missing[0]}` is missing", _REMEDY)
    return dict(record)


def modality_of(facts: dict[str, Any]) -> str:
    """What a detector of these facts takes in."""
    sight = facts.get("visual")
    return SOUND if sight is None else str(sight["modality"])


def shape_of(facts: dict[str, Any]) -> tuple[int, int, int]:
    """Channels, height and width of a window."""
    channels, height, width = map(int, facts["features"]["shape"])
    return channels, height, width


def _check_weights(folder: Path, record: dict[str, Any]) -> None:
    """Raises UserError if the folder's model.json is of other weights: it was trained anew."""
    path = folder / FACTS
    if not path.is_file():
        return
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON: {error}", "fetch it with `dvc checkout`") from None
    if facts != record["model"]:
        raise UserError(
            f"{folder / MODEL}: made of another model than {path} is about",
            "the model was trained anew: make it again with `avfake export`",
        )
