"""What clips training met: their codecs and how short they were."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingClips:
    """The clips that training was given.

    Attributes:
        n: how many.
        audio_codecs, video_codecs: names of their decoders, sorted.
        shortest_seconds: of their sound; None where none of them has any.
    """

    n: int
    audio_codecs: tuple[str, ...]
    video_codecs: tuple[str, ...]
    shortest_seconds: float | None

    def facts(self) -> dict[str, Any]:
        """As decision.json has it."""
        return {
            "n": self.n,
            "audio_codecs": list(self.audio_codecs),
            "video_codecs": list(self.video_codecs),
            "shortest_seconds": self.shortest_seconds,
        }

    @staticmethod
    def read(facts: Mapping[str, Any]) -> "TrainingClips":
        """What `facts` wrote. Raises KeyError, TypeError or ValueError if it is something else."""
        shortest = facts["shortest_seconds"]
        audio, video = (tuple(map(str, facts[f"{kind}_codecs"])) for kind in ("audio", "video"))
        return TrainingClips(int(facts["n"]), audio, video, None if shortest is None else float(shortest))
