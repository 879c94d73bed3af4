"""The section `featurize` of params.yaml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from avfake.params.sections import PositiveFloat, PositiveInt, Section

# Multiples of a frame rate, at least, of which lines are summed.
LEAST_MULTIPLES = 8


class BandParams(Section):
    """The range that bands of a Fourier transform lie in."""

    n_fft: Annotated[int, Field(ge=64)]
    fmin: Annotated[float, Field(ge=0)]
    fmax: PositiveFloat

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.fmax <= self.fmin:
            raise ValueError("fmax must be above fmin")
        return self


class LogMelParams(BandParams):
    """The log-mel front end."""

    n_mels: PositiveInt


class LogLinearParams(BandParams):
    """The log-linear front end."""

    n_bands: PositiveInt | None


class LfccParams(BandParams):
    """Linear-frequency cepstral coefficients."""

    n_bands: PositiveInt
    n_coefficients: PositiveInt
    deltas: Annotated[int, Field(ge=0, le=2)]

    @model_validator(mode="after")
    def _enough_bands(self) -> "LfccParams":
        if self.n_coefficients > self.n_bands:
            raise ValueError("n_coefficients above n_bands: a cosine transform gives as many as it was given")
        return self


class CqtParams(Section):
    """The constant-Q transform."""

    n_bins: PositiveInt
    bins_per_octave: Annotated[int, Field(ge=1, le=96)]
    fmin: PositiveFloat


class FrameLinesParams(Section):
    """Lines at multiples of frame rates."""

    rates: Annotated[list[Annotated[float, Field(ge=20, le=500)]], Field(min_length=1)]
    fmin: PositiveFloat
    fmax: PositiveFloat

    @model_validator(mode="after")
    def _enough_multiples(self) -> Self:
        if len(set(self.rates)) < len(self.rates):
            raise ValueError("rates names one twice")
        for rate in self.rates:
            if self.fmax - self.fmin < LEAST_MULTIPLES * rate:
                raise ValueError(
                    f"fewer than {LEAST_MULTIPLES} multiples of {rate:g} Hz lie between fmin and fmax"
                )
        return self


class FeaturizeParams(Section):
    """The front ends that are the channels of a window, and the settings of each."""

    front_end: Annotated[
        list[Literal["log_mel", "log_linear", "lfcc", "cqt", "frame_lines", "baseline_image"]],
        Field(min_length=1, max_length=6),
    ]
    hop_length: PositiveInt
    window_frames: PositiveInt
    window_hop: PositiveInt
    normalise: Literal["peak", "band", "band_std"]
    dynamic_range: PositiveFloat
    trim_db: PositiveFloat | None
    log_mel: LogMelParams
    log_linear: LogLinearParams
    lfcc: LfccParams
    cqt: CqtParams
    frame_lines: FrameLinesParams

    @model_validator(mode="after")
    def _consistent(self) -> "FeaturizeParams":
        if self.window_hop > self.window_frames:
            raise ValueError("window_hop above window_frames would leave sound between the windows unseen")
        if len(set(self.front_end)) < len(self.front_end):
            raise ValueError(f"front_end names one twice: {', '.join(self.front_end)}")
        if "baseline_image" in self.front_end and len(self.front_end) > 1:
            raise ValueError("front_end: baseline_image is a picture of its own size and stands alone")
        if "frame_lines" in self.front_end[:-1] or self.front_end == ["frame_lines"]:
            raise ValueError("front_end: frame_lines stands last, behind another front end")
        for name in self.front_end:
            settings = getattr(self, name, None)
            if isinstance(settings, BandParams) and self.hop_length > settings.n_fft:
                raise ValueError(f"hop_length above {name}.n_fft would leave samples between frames unseen")
        return self
