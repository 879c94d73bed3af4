"""The section `train` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from avfake.params.sections import Device, NonNegativeInt, PositiveFloat, PositiveInt, Section, Seed, Share

NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
# A folder that is always there: DVC wants each dependency of a stage to exist.
NO_TEACHER = "teachers/none"
PartOfOne = Annotated[float, Field(ge=0, lt=1)]


class WaveformParams(Section):
    """What is done to the sound of training clips before the front end, anew in every epoch."""

    share: Share
    most: PositiveInt
    disturbances: Annotated[list[str], Field(min_length=1)]


class AugmentationParams(Section):
    """What is done to windows of training, anew in every epoch."""

    flip_time: bool
    flip_frequency: bool
    time_masks: NonNegativeInt
    time_mask_share: PositiveShare
    band_masks: NonNegativeInt
    band_mask_share: PositiveShare
    high_cut: Share
    tilt_db: NonNegativeFloat
    gain_db: NonNegativeFloat
    noise_db: NonNegativeFloat
    mixup: NonNegativeFloat
    cutmix: NonNegativeFloat
    waveform: WaveformParams


class ReadoutParams(Section):
    """Where in the backbone features are read."""

    stages: list[NonNegativeInt]
    bands: PositiveInt

    @model_validator(mode="after")
    def _rising(self) -> "ReadoutParams":
        if self.stages != sorted(set(self.stages)):
            raise ValueError("stages must rise: each once, the finest first")
        return self


class VisualParams(Section):
    """The branch that looks at face crops."""

    backbone: Annotated[str, Field(min_length=1)]
    pretrained: Annotated[str, Field(min_length=1)]
    image_size: Annotated[int, Field(ge=16)] | None
    flip: bool


class EnsembleParams(Section):
    """Several detectors whose scores are averaged."""

    members: PositiveInt
    bagging: Literal["none", "clips", "sources"]

    @model_validator(mode="after")
    def _consistent(self) -> "EnsembleParams":
        if self.members == 1 and self.bagging != "none":
            raise ValueError("bagging draws clips for each of several members: set members to 2 at least")
        return self


class DistilParams(Section):
    """A detector or an ensemble whose scores are taught, beside the labels."""

    teacher: Annotated[str, Field(min_length=1)]
    weight: PositiveShare
    temperature: PositiveFloat

    @property
    def taught(self) -> bool:
        """Whether there is a teacher."""
        return self.teacher != NO_TEACHER


class TrainParams(Section):
    """The detector and its training."""

    modality: Literal["sound", "picture", "both"]
    backbone: Annotated[str, Field(min_length=1)]
    pretrained: Annotated[str, Field(min_length=1)]
    readout: ReadoutParams
    pooling: Literal["mean", "log_odds", "attention"]
    frozen_head: Literal["none", "linear", "discriminant"]
    selection: Literal["auto", "generators", "validation"]
    folds: Annotated[int, Field(ge=2)]
    visual: VisualParams
    fusion: Literal["score", "concatenation", "attention"]
    modality_dropout: Share
    offset_head: NonNegativeFloat
    epochs: PositiveInt
    batch_size: PositiveInt
    windows_per_clip: PositiveInt
    balance: Literal["none", "class", "generator", "source"]
    loss: Literal["cross_entropy", "focal", "dice", "one_class_softmax", "auc"]
    label_smoothing: PartOfOne
    focal_gamma: NonNegativeFloat
    class_weights: Literal["none", "balanced"]
    optimiser: Annotated[str, Field(min_length=1)]
    lr: PositiveFloat
    weight_decay: NonNegativeFloat
    schedule: Literal["step", "cosine", "one_cycle", "constant"]
    warmup_epochs: NonNegativeInt
    lr_step: PositiveInt
    lr_gamma: PositiveFloat
    averaging: Literal["none", "ema", "swa"]
    ema_decay: Annotated[float, Field(gt=0, lt=1)]
    swa_start: PartOfOne
    patience: PositiveInt | None
    augmentation: AugmentationParams
    ensemble: EnsembleParams
    distil: DistilParams
    device: Device
    mixed_precision: bool
    threads: PositiveInt
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> "TrainParams":
        if self.warmup_epochs >= self.epochs:
            raise ValueError("warmup_epochs must be below epochs: the rate would never arrive at lr")
        if self.frozen_head != "none" and self.augmentation.waveform.share:
            raise ValueError(
                "augmentation.waveform disturbs clips anew in every epoch, and a frozen backbone has none"
            )
        if self.modality != "sound":
            if self.modality == "both" and self.frozen_head != "none":
                raise ValueError("modality: both trains both branches together: set frozen_head to none")
            if self.augmentation.mixup or self.augmentation.cutmix:
                raise ValueError(
                    "augmentation.mixup and cutmix mix windows alone: they are for modality: sound"
                )
        if self.modality == "picture" and self.augmentation.waveform.share:
            raise ValueError("augmentation.waveform disturbs sound, and modality: picture has none")
        if self.modality != "both":
            for name in ("modality_dropout", "offset_head"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs both streams: modality: both")
        if self.frozen_head != "none" and self.distil.taught:
            raise ValueError("distil: a frozen backbone is not trained, and cannot be taught")
        if self.frozen_head != "none" and self.ensemble.members > 1 and self.ensemble.bagging == "none":
            raise ValueError("ensemble: nothing about a frozen head is random; its members need bagging")
        if self.pooling == "attention":
            self._check_attention()
        return self

    def _check_attention(self) -> None:
        if self.modality != "sound":
            raise ValueError("pooling: attention weighs windows of sound: set modality to sound")
        if self.frozen_head != "none" or self.distil.taught:
            raise ValueError("pooling: attention goes neither with frozen_head nor with distil")
        if self.augmentation.mixup or self.augmentation.cutmix:
            raise ValueError("pooling: attention judges clips, and mixup and cutmix mix windows of several")
        if self.windows_per_clip < 2 or self.batch_size < 2 * self.windows_per_clip:
            raise ValueError(
                "pooling: attention needs windows_per_clip of 2 at least, and batch_size of twice as many"
            )
