"""A result as the service answers it, and as OpenAPI shows it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from avfake.service.engine import Scored
from avfake.service.verdict import uncertainty, verdict


class Window(BaseModel):
    """A stretch of the sound and its score."""

    begin: float = Field(description="seconds")
    end: float = Field(description="seconds")
    score: float


class Answer(BaseModel):
    """One clip, judged."""

    video_name: str
    score: float = Field(description="probability of fake, as prediction files have it", ge=0, le=1)
    label: Literal["fake", "real"] | None = Field(description="at the model's threshold")
    threshold: float | None
    probability: float | None = Field(description="of fake, calibrated on validation")
    expected_fpr: float | None = Field(
        description="share of the real clips of validation with a score at least as high"
    )
    windows: list[Window]
    seconds: float = Field(description="of sound that was read")
    model: str = Field(description="checksum of the weights, and the version of avfake")
    warnings: list[str] = Field(description="what makes the score doubtful")
    verdict: str = Field(description="the result in words")
    uncertainty: str = Field(description="how sure that is, in words")
    explanation: dict[str, Any] | None = Field(
        None, description="what made the score, with `explain`: numbers as of `avfake explain`, and pictures"
    )


EXAMPLE = {
    "video_name": "clip.mp4",
    "score": 0.912345,
    "label": "fake",
    "threshold": 0.51,
    "probability": 0.87,
    "expected_fpr": 0.025,
    "windows": [{"begin": 0.0, "end": 1.486, "score": 0.912345}],
    "seconds": 1.486,
    "model": "0123456789ab avfake 0.1.0",
    "warnings": ["no face was found"],
    "verdict": "This clip is probably fake.",
    "uncertainty": "The model's probability of fake is 87 %. 2 % of real clips in validation had a score at "
    "least as high. A clip forged by means that the model never met can have any score.",
}


def answer_of(scored: Scored) -> dict[str, Any]:
    """The answer as JSON has it."""
    words = {"verdict": verdict(scored.result), "uncertainty": uncertainty(scored.result)}
    made = {} if scored.explanation is None else {"explanation": scored.explanation}
    return scored.result.to_json() | words | made
