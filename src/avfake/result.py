"""What is said of one clip: its score, and what that means."""

from dataclasses import dataclass
from typing import Any

# Of scores and probabilities, as in every file of scores; and of seconds.
DECIMALS = 6


@dataclass(frozen=True)
class Result:
    """One clip, judged.

    Attributes:
        video_name: as the caller named the clip.
        score: probability of fake, as prediction files have it.
        label: `fake` or `real` at the model's threshold; None: its folder has no decision.
        threshold: a clip is called fake where its score, to six decimals, is at least this.
        probability: of fake, calibrated on validation.
        expected_fpr: share of the real clips of validation with a score at least as high.
        windows: {"begin": s, "end": s, "score": p} of the sound, in its order; none where the detector does
            not listen. They may overlap.
        seconds: of sound that was read.
        model: the first 12 hex digits of the weights' SHA-256, and the version of avfake.
        warnings: sentences about what makes the score doubtful.
    """

    video_name: str
    score: float
    label: str | None
    threshold: float | None
    probability: float | None
    expected_fpr: float | None
    windows: list[dict[str, float]]
    seconds: float
    model: str
    warnings: list[str]

    def to_json(self) -> dict[str, Any]:
        """The same under the same names, numbers with six decimals."""
        return {
            "video_name": self.video_name,
            "score": round(self.score, DECIMALS),
            "label": self.label,
            "threshold": self.threshold,
            "probability": _rounded(self.probability),
            "expected_fpr": _rounded(self.expected_fpr),
            "windows": [
                {key: round(value, DECIMALS) for key, value in window.items()} for window in self.windows
            ],
            "seconds": round(self.seconds, DECIMALS),
            "model": self.model,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class NotScored:
    """A clip that could not be judged, and why."""

    video_name: str
    reason: str


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
