"""The sections of params.yaml, a frozen model each: no defaults, no unknown keys.

There are no defaults here on purpose: params.yaml is the one place where a value stands.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    dcf_p_fake: Annotated[float, Field(gt=0, lt=1)]
    dcf_cost_miss: PositiveFloat
    dcf_cost_false_alarm: PositiveFloat
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_bootstrap: Annotated[int, Field(ge=10)]
    calibration_bins: Annotated[int, Field(ge=2)]
    seed: Seed


class DecideParams(Section):
    """How a score becomes a probability that can be taken at its word."""

    calibration: Literal["auto", "platt", "isotonic"]
    isotonic_clips: PositiveInt


class ResplitParams(Section):
    """Forgeries held out of training as if nobody had seen them before."""

    hold_out: Literal["none", "clusters", "generators"]
    n_clusters: Annotated[int, Field(ge=2)]
    n_held_out: PositiveInt
    generators: Annotated[list[str], Field(max_length=1000)]
    real_share: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> "ResplitParams":
        if self.n_held_out >= self.n_clusters:
            raise ValueError("n_held_out must be below n_clusters: training needs fakes too")
        if self.hold_out == "generators" and not self.generators:
            raise ValueError("hold_out: generators needs names in `generators`")
        return self


class RobustnessParams(Section):
    """Scores of clips that were re-encoded and disturbed."""

    clips: Annotated[int, Field(ge=2)]
    conditions: Annotated[list[str], Field(min_length=1)]
    batch_size: PositiveInt
    device: Device
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_bootstrap: Annotated[int, Field(ge=10)]
    seed: Seed


class AuditParams(Section):
    """What the audit calls a shortcut and a leak, and when it fails."""

    warn_auc: Annotated[float, Field(ge=0.5, le=1)]
    fail_auc: Annotated[float, Field(ge=0.5, le=1)]
    warn_correlation: Share
    folds: Annotated[int, Field(ge=2)]
    silence_db: Annotated[float, Field(lt=0)]
    equalised_clips: Annotated[int, Field(ge=2)]
    sound_match: Share
    picture_bits: Annotated[int, Field(ge=0, le=11)]
    leaks: Literal["ignore", "warn", "fail"]
    batch_size: PositiveInt
    device: Device
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_bootstrap: Annotated[int, Field(ge=10)]
    seed: Seed

    @model_validator(mode="after")
    def _ordered(self) -> "AuditParams":
        if self.fail_auc < self.warn_auc:
            raise ValueError("fail_auc must not be below warn_auc")
        return self


class GateParams(Section):
    """How much worse a change may make the detector."""

    tolerance_auc: Share
    tolerance_eer: Share
    tolerance_log_loss: Annotated[float, Field(ge=0)]
    tolerance_ece: Share
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_bootstrap: Annotated[int, Field(ge=10)]
    seed: Seed


class RecipeParams(Section):
    """One way of making extra training clips: a tool of `avfake.forge.registry` and what it is applied to."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
    tool: Annotated[str, Field(min_length=1)]
    params: dict[str, Any]
    of: Literal["real", "fake", "all"]
    per_clip: PositiveFloat
    seed: Seed


class AugmentParams(Section):
    """Extra training clips, from the training split alone."""

    recipes: list[RecipeParams]
    max_clips: PositiveInt
    max_seconds: PositiveFloat

    @model_validator(mode="after")
    def _distinct(self) -> "AugmentParams":
        names = [recipe.name for recipe in self.recipes]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"recipes of the same name: {', '.join(doubled)}")
        return self


class RulesParams(Section):
    """What a contest allows."""

    max_parameters: PositiveInt
    pretraining: Annotated[list[Literal["none", "imagenet1k"]], Field(min_length=1)]
    weights: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]
    one_model: bool
    external_data: bool
    train_on_validation: bool
    extra_samples: Literal["none", "declared", "any"]
