"""Which clips of a split are measured: half real, half fake, spread over generators and sources."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import pandas as pd


def draw(labels: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """At most `n` labelled clips, half of them real, sorted by name.

    Fakes are spread evenly over generators, and within each over sources; reals over sources. The order
    within a group is the rank of a seeded hash, so a clip that is added displaces one clip at most.

    Args:
        labels: video_name, target (0 or 1), generator, source: text or None. Other columns are kept.
        n: clips wanted; an odd one is real. A class with fewer clips gives what it has.
        seed: of the draw.
    """
    kept: list[int] = []
    names = labels["video_name"].tolist()
    columns = [labels[key].tolist() for key in ("target", "generator", "source")]
    rows = [(index, *values) for index, values in enumerate(zip(*columns, strict=True))]

    def rank(text: Hashable) -> str:
        return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()

    for target, wanted in ((0, n - n // 2), (1, n // 2)):
        ordered = sorted((row for row in rows if row[1] == target), key=lambda row: rank(names[row[0]]))
        ordered = _dealt(ordered, lambda row: row[2:], rank)
        ordered = _dealt(ordered, lambda row: row[2], rank)
        kept += [row[0] for row in ordered[:wanted]]
    return labels.iloc[kept].sort_values("video_name")


def _dealt(
    rows: Sequence[tuple], group: Callable[[tuple], Hashable], rank: Callable[[Hashable], str]
) -> list[tuple]:
    """The first row of each group, then the second of each, and so on; the order within a group stays."""
    places: dict[Hashable, int] = defaultdict(int)
    keyed = []
    for row in rows:
        name = group(row)
        keyed.append(((places[name], rank(name)), row))
        places[name] += 1
    return [row for _, row in sorted(keyed, key=lambda item: item[0])]
