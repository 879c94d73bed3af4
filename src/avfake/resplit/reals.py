"""Real clips to hold out: whole sources where there are any, drawn by a seeded hash and not by position."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Units:
    """Which real clips go together.

    Attributes:
        of: the unit of each clip [n]: its source, or the clip alone.
        by_source: whether any unit is a source.
        notes: what a reader must know of it.
    """

    of: list[str]
    by_source: bool
    notes: list[str]


def units(names: Sequence[str], sources: Sequence[str | None]) -> Units:
    """Units of the real clips; clips by themselves where all that have a source have the same one."""
    known = {source for source in sources if source is not None}
    # A prefix each, so that no source is taken for a clip of the same name.
    alone = [f"clip:{name}" for name in names]
    if not known:
        return Units(alone, False, [])
    without = sum(source is None for source in sources)
    if len(known) == 1:
        text = f"all real training clips with a source have the source `{next(iter(known))}`"
        return Units(alone, False, [f"{text}: they are held out clip by clip, and it stands on both sides"])
    notes = [f"{without} real training clips have no source and go by themselves"] if without else []
    own = [
        clip if source is None else f"source:{source}" for clip, source in zip(alone, sources, strict=True)
    ]
    return Units(own, True, notes)


def choose(of: Sequence[str], share: float, seed: int) -> set[str]:
    """The units to hold out: by rank of the hash, each that brings the number of clips nearer to the share.

    At least one unit, and never all; of a single unit none.
    """
    sizes = Counter(of)
    wanted, taken = share * len(of), 0
    chosen: set[str] = set()
    for unit in _ranked(sizes, seed):
        if len(chosen) + 1 == len(sizes):
            break
        if not chosen or abs(taken + sizes[unit] - wanted) < abs(taken - wanted):
            chosen.add(unit)
            taken += sizes[unit]
    return chosen


def folds(of: Sequence[str], share: float, seed: int) -> list[set[str]]:
    """All units, parted into sets of about `share` of the clips: each clip is in exactly one.

    Two sets at least and one per unit at most, whatever the share; no set for a single unit. The largest
    units first, each to the smallest set so far.
    """
    sizes = Counter(of)
    count = min(max(2, round(1 / share)), len(sizes))
    if count < 2:
        return []
    parts: list[set[str]] = [set() for _ in range(count)]
    filled = [0] * count
    for unit in sorted(_ranked(sizes, seed), key=lambda unit: -sizes[unit]):
        smallest = filled.index(min(filled))
        parts[smallest].add(unit)
        filled[smallest] += sizes[unit]
    return parts


def _ranked(sizes: Counter[str], seed: int) -> list[str]:
    def rank(unit: str) -> str:
        return hashlib.sha256(f"{seed}:{unit}".encode()).hexdigest()

    return sorted(sizes, key=rank)
