"""Which clips the sheet shows: drawn with a seed, spread over generators (fakes) and sources (reals)."""

import hashlib
import heapq
from typing import Any

from avfake.dataset.layout import Clip
from avfake.inspection.reading import Reading
from avfake.inspection.tables import FAKE, REAL, class_of

# The clips of one generator or source that may be shown: a heap of (minus rank, name, row).
_Group = list[tuple[int, str, dict[str, Any]]]


class Draw:
    """At most `n` clips of each class, among those that can be opened.

    Clips are ranked by a seeded hash, so that a clip added to the root moves no other. Each generator (of
    real clips: each source) gives its first one before any gives its second.

    Args:
        n: clips of each class. seed: another seed gives other clips.
    """

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.seed = seed
        self._groups: dict[str, dict[int, _Group]] = {REAL: {}, FAKE: {}}

    def add(self, clip: Clip, reading: Reading) -> None:
        """Takes a clip into account; of all that it has seen it keeps no more than can still be chosen."""
        name = class_of(clip.target)
        if reading.error is not None or name not in self._groups or not self.n:
            return
        row = {
            "class": name,
            "split": clip.split,
            "video_name": clip.video_name,
            "generator": clip.generator,
            "source": clip.source,
            "sound_seconds": reading.sound_seconds,
        }
        groups = self._groups[name]
        group = groups.setdefault(self._rank(name, str(clip.generator if name == FAKE else clip.source)), [])
        # The head of the heap is the clip of the highest rank: the first to go.
        heapq.heappush(group, (-self._rank(clip.split, clip.video_name), clip.video_name, row))
        if len(group) > self.n:
            heapq.heappop(group)
        if len(groups) > self.n:
            del groups[max(groups)]

    def chosen(self) -> list[dict[str, Any]]:
        """The clips drawn, real ones first: class, split, video_name, generator, source, sound_seconds."""
        found = []
        for groups in self._groups.values():
            queue = [
                (turn, order, row)
                for order, group in groups.items()
                for turn, (_, _, row) in enumerate(sorted(group, key=lambda item: -item[0]))
            ]
            found += [row for _, _, row in sorted(queue, key=lambda item: item[:2])[: self.n]]
        return found

    def _rank(self, *parts: str) -> int:
        text = ":".join((str(self.seed), *parts))
        return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8])
