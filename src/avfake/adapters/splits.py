"""Splits by source, for sets that have none: no source is in two of them, and a seed makes one split."""

import hashlib
from collections.abc import Sequence

from avfake.dataset.layout import SPLITS
from avfake.errors import UserError

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def by_source(clips: Sequence[tuple[str, int | None]], taken: frozenset[str], seed: int) -> dict[str, str]:
    """The split of each source.

    Sources in the order of a seeded hash go, whole, to the split that brings the shares of real and of fake
    clips nearest to `SHARES`. `taken` are splits that the set itself fills: they get nothing, and the others
    share their part.

    Args:
        clips: source and target of every clip.
        taken: splits of `val` and `test` that are official.
        seed: of the hash.

    Raises:
        UserError: there are fewer sources than splits, or a split would lack real or fake clips.
    """
    names = [name for name in SPLITS if name == "train" or name not in taken]
    if len(names) == 1:
        return {source: "train" for source, _ in clips}
    whole = sum(SHARES[name] for name in names)
    counts: dict[str, list[int]] = {}
    totals = [0, 0]
    for source, target in clips:
        of_source = counts.setdefault(source, [0, 0])
        if target is not None:
            of_source[target] += 1
            totals[target] += 1
    if len(counts) < len(names):
        raise UserError(
            f"{len(counts)} sources cannot be parted into {len(names)} splits", "import more of the set"
        )
    have = {name: [0.0, 0.0] for name in names}

    def far(name: str, added: list[int]) -> float:
        """How much farther from the shares the whole is with a source added to a split."""
        change = 0.0
        for label in (0, 1):
            if totals[label]:
                goal = SHARES[name] / whole
                before = have[name][label] / totals[label] - goal
                after = before + added[label] / totals[label]
                change += (after**2 - before**2) / goal
        return change

    split_of = {}
    for source in sorted(counts, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        chosen = min(names, key=lambda name: far(name, counts[source]))
        split_of[source] = chosen
        for label in (0, 1):
            have[chosen][label] += counts[source][label]
    for name in names:
        for label, word in ((0, "real"), (1, "fake")):
            if totals[label] and not have[name][label]:
                raise UserError(
                    f"split by source, {name} would hold no {word} clip", "try another --seed, or import more"
                )
    return split_of


def rank(seed: int, split: str, name: str) -> bytes:
    """The place of a clip in a draw: one that is added moves no other."""
    return hashlib.sha256(f"{seed}:{split}:{name}".encode("utf-8", "surrogateescape")).digest()
