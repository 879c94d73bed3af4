"""The typed schema of params.yaml: one frozen model per section, no defaults, no unknown keys.

There are no defaults here on purpose: params.yaml is the one place where a value stands. The file is
read as YAML 1.2, as DVC reads it (PyYAML would take `1e-3` for a string).
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from avfake.errors import UserError

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Device = Literal["auto", "cpu", "cuda"]


class Section(BaseModel):
    """A section of params.yaml: immutable, strictly typed, closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataParams(Section):
    """Which data root, and how much of it."""

    root: Annotated[str, Field(min_length=1)]
    limit: PositiveInt | None
    seed: Seed
    max_unreadable: Share


class ParallelParams(Section):
    """Worker processes of the per-clip stages."""

    workers: NonNegativeInt


class MemoParams(Section):
    """The store of per-clip results outside DVC."""

    folder: Annotated[str, Field(min_length=1)]
    max_gib: PositiveFloat


class SampleParams(Section):
    """The default data set."""

    seed: Seed
    n_train: Annotated[int, Field(ge=2)]
    n_val: Annotated[int, Field(ge=2)]
    n_test: Annotated[int, Field(ge=2)]
    min_seconds: PositiveFloat
    max_seconds: PositiveFloat
    audio_rate: Annotated[int, Field(ge=8000, le=48000)]
    loudness: Annotated[float, Field(ge=-60, le=-5)]
    picture_size: Annotated[int, Field(ge=64, le=1024, multiple_of=2)]
    frame_rate: Annotated[int, Field(ge=1, le=60)]

    @model_validator(mode="after")
    def _ordered(self) -> "SampleParams":
        if self.max_seconds < self.min_seconds:
            raise ValueError("max_seconds must not be below min_seconds")
        return self


class ExtractParams(Section):
    """What is kept of a clip: mono sound and face crops."""

    sample_rate: Annotated[int, Field(ge=8000, le=48000)]
    max_seconds: PositiveFloat
    min_seconds: PositiveFloat
    n_faces: NonNegativeInt
    face_size: Annotated[int, Field(ge=16, le=512)]
    buckets: Annotated[int, Field(ge=1, le=65536)]

    @model_validator(mode="after")
    def _ordered(self) -> "ExtractParams":
        if self.max_seconds < self.min_seconds:
            raise ValueError("max_seconds must not be below min_seconds")
        return self


class LogMelParams(Section):
    """The log-mel front end."""

    n_fft: Annotated[int, Field(ge=64)]
    hop_length: PositiveInt
    n_mels: PositiveInt
    fmin: Annotated[float, Field(ge=0)]
    fmax: PositiveFloat
    dynamic_range: PositiveFloat
    window_frames: PositiveInt
    window_hop: PositiveInt

    @model_validator(mode="after")
    def _consistent(self) -> "LogMelParams":
        if self.fmax <= self.fmin:
            raise ValueError("fmax must be above fmin")
        if self.window_hop > self.window_frames:
            raise ValueError("window_hop above window_frames would leave sound between the windows unseen")
        if self.hop_length > self.n_fft:
            raise ValueError("hop_length above n_fft would leave samples between the frames unseen")
        return self


class FeaturizeParams(Section):
    """The front end, and the settings of the one chosen."""

    front_end: Literal["log_mel", "baseline_image"]
    log_mel: LogMelParams


class TrainParams(Section):
    """The detector and its training."""

    backbone: Annotated[str, Field(min_length=1)]
    pretrained: Annotated[str, Field(min_length=1)]
    epochs: PositiveInt
    batch_size: PositiveInt
    windows_per_clip: PositiveInt
    lr: PositiveFloat
    lr_step: PositiveInt
    lr_gamma: PositiveFloat
    flip_time: bool
    flip_frequency: bool
    device: Device
    mixed_precision: bool
    threads: PositiveInt
    seed: Seed


class PredictParams(Section):
    """Scoring of the splits."""

    tta: PositiveInt
    batch_size: PositiveInt
    device: Device
    threads: PositiveInt
    template: str | None


class EvaluateParams(Section):
    """Figures and their intervals."""

    threshold_rule: Literal["youden", "eer", "fixed_fpr"]
    threshold_fpr: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_bootstrap: Annotated[int, Field(ge=10)]
    calibration_bins: Annotated[int, Field(ge=2)]
    seed: Seed


SECTIONS: dict[str, type[Section]] = {
    "data": DataParams,
    "parallel": ParallelParams,
    "memo": MemoParams,
    "sample": SampleParams,
    "extract": ExtractParams,
    "featurize": FeaturizeParams,
    "train": TrainParams,
    "predict": PredictParams,
    "evaluate": EvaluateParams,
}

S = TypeVar("S", bound=Section)


def load(model: type[S], path: str | Path = "params.yaml") -> S:
    """One section of params.yaml, checked; the values of the other sections are not looked at.

    Raises:
        UserError: the file is missing or no YAML, holds an unknown section, lacks this one, or a value
            of this section is unknown, missing, of the wrong type or out of range.
    """
    name = next(key for key, value in SECTIONS.items() if value is model)
    tree = _read(Path(path))
    for key in tree:
        if key not in SECTIONS:
            raise UserError(
                f"{path}{_line(Path(path), [str(key)])}: unknown section `{key}`",
                f"remove it, or use one of: {', '.join(SECTIONS)}",
            )
    if name not in tree:
        raise UserError(f"{path}: section `{name}` is missing", "restore it, e.g. `git checkout params.yaml`")
    try:
        return model.model_validate(tree[name])
    except ValidationError as error:
        raise _explained(Path(path), name, error) from None


def load_all(path: str | Path = "params.yaml") -> dict[str, Section]:
    """Every section, checked. Raises as `load` does, for the first section that is wrong."""
    return {name: load(model, path) for name, model in SECTIONS.items()}


def _read(path: Path) -> dict[Any, Any]:
    try:
        tree = YAML(typ="safe").load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file", "run from the folder that holds params.yaml (the repository's root)"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise UserError(f"{path}{line}: not valid YAML: {problem}", "correct the line") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path}: expected sections such as `train:`", "restore the file from Git")
    return tree


def _explained(path: Path, section: str, error: ValidationError) -> UserError:
    problems = []
    for item in error.errors():
        keys = [section, *(str(part) for part in item["loc"])]
        dotted = ".".join(keys)
        if item["type"] == "extra_forbidden":
            text = "unknown parameter"
        elif item["type"] == "missing":
            text = "missing parameter"
        else:
            message = item["msg"].removeprefix("Value error, ")
            text = message if len(keys) == 1 else f"{message}, got {item['input']!r}"
        problems.append(f"{path}{_line(path, keys)}: `{dotted}`: {text}")
    return UserError(
        "\n".join(problems), "correct the value; each key is explained by its comment in params.yaml"
    )


def _line(path: Path, keys: list[str]) -> str:
    """` line N` of a dotted key, or of its nearest parent that stands in the file."""
    node: Any = YAML().load(path.read_text(encoding="utf-8-sig"))
    line = None
    for key in keys:
        if not isinstance(node, CommentedMap) or key not in node:
            break
        line = node.lc.key(key)[0] + 1
        node = node[key]
    return f" line {line}" if line else ""
