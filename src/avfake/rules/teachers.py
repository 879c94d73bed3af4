"""Models whose scores a model learned: what holds for its data and first weights must hold for theirs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from avfake.model.saved import n_members

UNKNOWN_CLIPS = "was trained on other clips, windows or labels, which cannot be judged here"


@dataclass(frozen=True)
class TaughtBy:
    """A teacher, from the record in the model.json of what it taught.

    Attributes:
        model: the teacher's own model.json; empty where the record does not hold it.
    """

    model: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Checksum of its weights."""
        return str(self.model.get("sha256"))

    @property
    def short(self) -> str:
        """Its checksum, short, for messages."""
        return self.sha256[:12]

    @property
    def members(self) -> int:
        """How many detectors it is the mean of."""
        return n_members(self.model)

    def same_data(self, learner: Mapping[str, Any]) -> bool:
        """Whether it was trained on the clips, windows and labels that the learner was trained on."""
        keys = ("clips_sha256", "data_sha256")
        return all(
            self.model.get(key) is not None and self.model.get(key) == learner.get(key) for key in keys
        )


def teachers(model: Mapping[str, Any]) -> Iterator[TaughtBy]:
    """The teacher of a model, the teacher's teacher and so on; none where nothing was taught."""
    record = model.get("teacher")
    while record is not None:
        known = record.get("model") if isinstance(record, dict) else None
        found = TaughtBy(known if isinstance(known, dict) else {})
        yield found
        record = found.model.get("teacher")
