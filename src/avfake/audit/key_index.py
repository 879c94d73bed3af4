"""An inverted index of hash keys: which entries have this key, without comparing all with all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matches:
    """Clips of one split that are like clips of another.

    Attributes:
        a, b: int64 [pairs], places of the clips in the two splits. similarity: float64 [pairs], up to 1.0.
        with_partner_a, with_partner_b: bool [clips], whether a clip of that split is like one of the other.
        complete: False where a limit of the search was met, so that there may be more of all of these.
    """

    a: np.ndarray
    b: np.ndarray
    similarity: np.ndarray
    with_partner_a: np.ndarray
    with_partner_b: np.ndarray
    complete: bool

    def swapped(self) -> "Matches":
        """The same with the two splits in the other order."""
        return Matches(
            self.b, self.a, self.similarity, self.with_partner_b, self.with_partner_a, self.complete
        )


class KeyIndex:
    """Sorted keys with their entries, 8 bytes each.

    Args:
        keys: uint32 [n].
        entries: integers [n] below 2**32, what the keys belong to.
        cap: at most this many entries are returned per key, evenly spaced among all that it has: a key that
            stands in thousands of clips tells nothing, and must not make the search quadratic.
    """

    def __init__(self, keys: np.ndarray, entries: np.ndarray, cap: int) -> None:
        self._sorted = keys.astype(np.uint64) << np.uint64(32)
        self._sorted |= entries.astype(np.uint64)
        self._sorted.sort()
        self._cap = cap

    def lookup(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entries that have one of the keys.

        Args:
            keys: uint32 [m].

        Returns:
            Of each hit the position in `keys`, int64 [hits], and the entry, int64 [hits]; and the positions
            of the keys of which not all entries were returned, int64.
        """
        order = np.argsort(keys, kind="stable")  # neighbouring searches touch the same memory
        low = keys[order].astype(np.uint64) << np.uint64(32)
        first = np.searchsorted(self._sorted, low, side="left")
        found = np.searchsorted(self._sorted, low | np.uint64(0xFFFFFFFF), side="right") - first
        kept = np.minimum(found, self._cap)
        probe = np.repeat(np.arange(len(keys)), kept)
        within = np.arange(len(probe)) - np.repeat(np.cumsum(kept) - kept, kept)
        place = first[probe] + within * found[probe] // np.maximum(kept[probe], 1)
        entries = (self._sorted[place] & np.uint64(0xFFFFFFFF)).astype(np.int64)
        return order[probe], entries, order[found > self._cap]


def blocks(sizes: np.ndarray, limit: int) -> Iterator[tuple[int, int]]:
    """Ranges [first, last) of items whose sizes sum up to no more than `limit`, or of one larger item."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + limit, side="right")))
        yield first, last
        first = last
