"""The clips that two revisions both scored, side by side."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from avfake.evaluation.metrics import FloatArray, IntArray
from avfake.evaluation.split import texts


@dataclass(frozen=True)
class Pair:
    """The clips of a split that two revisions scored, by name.

    Attributes:
        target: int64 [n], 1 = fake.
        base: float64 [n], probability of fake.
        head: float64 [n], probability of fake.
        source: group of each clip [n], None where unknown.
        generator: how each clip was made [n], None where unknown.
        only_base: names that only the base scored; exact names, so `A.mp4` is not `a.mp4`.
        only_head: names that only the head scored.
        relabelled: names whose target differs; left out of the arrays.
    """

    target: IntArray
    base: FloatArray
    head: FloatArray
    source: list[str | None]
    generator: list[str | None]
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]
    relabelled: tuple[str, ...]

    def some(self, chosen: npt.NDArray[np.bool_]) -> "Pair":
        """The clips for which `chosen` [n] is true."""
        picked = np.flatnonzero(chosen)
        return Pair(
            self.target[picked],
            self.base[picked],
            self.head[picked],
            [self.source[i] for i in picked],
            [self.generator[i] for i in picked],
            self.only_base,
            self.only_head,
            self.relabelled,
        )

    def other_case(self) -> list[tuple[str, str]]:
        """Names of base and head that differ in upper and lower case alone."""
        folded = {name.casefold(): name for name in self.only_head}
        return [(name, folded[name.casefold()]) for name in self.only_base if name.casefold() in folded]


def pair(base: pd.DataFrame, head: pd.DataFrame) -> Pair:
    """Puts the scores of two revisions side by side, clip by clip; source and generator are the head's."""
    both = base.index.intersection(head.index).sort_values()
    same = (base.loc[both, "target"] == head.loc[both, "target"]).to_numpy(dtype=bool)
    clips = both[same]
    return Pair(
        target=head.loc[clips, "target"].to_numpy(dtype=np.int64),
        base=base.loc[clips, "score"].to_numpy(dtype=np.float64),
        head=head.loc[clips, "score"].to_numpy(dtype=np.float64),
        source=texts(head.loc[clips, "source"]),
        generator=texts(head.loc[clips, "generator"]),
        only_base=tuple(base.index.difference(head.index)),
        only_head=tuple(head.index.difference(base.index)),
        relabelled=tuple(both[~same]),
    )
