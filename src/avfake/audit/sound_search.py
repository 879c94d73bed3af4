"""Clips of two splits that have the same sound: an inverted index of keys, then the share of equal bits."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from avfake.audit.fingerprint import BANDS, KEY_GAP, N_WEAK, SoundPrint, agreement
from avfake.audit.key_index import KeyIndex, Matches, blocks

MIN_FRAMES = 43  # one second that is active in both clips
KEY_CAP = 16  # frames of one split that a key leads to
MAX_PARTNERS = (
    20  # clips of one split that a clip is compared with bit by bit, those with most common keys first
)
_SLACK = 2  # frames by which an offset found by keys may be wrong
_SLACK_COST = 0.15  # more than a share of equal bits loses by that
_BLOCK = 4096  # strong frames searched at once; each makes 2**N_WEAK probes
# A key that two clips share by chance is told from a true one by the bits around it.
_AROUND = np.array([-32, -24, -16, -8, 16, 24, 32, 40])
_AROUND_MATCH = 0.66


class SoundPrints:
    """The fingerprints of all clips of a split, end to end in four arrays.

    Args:
        prints: a fingerprint per clip.
    """

    def __init__(self, prints: Sequence[SoundPrint]) -> None:
        lengths = np.array([len(item.bits) for item in prints], np.int64)
        self.start = np.concatenate([[0], np.cumsum(lengths)])
        self.strong_start = np.concatenate([[0], np.cumsum([len(item.strong) for item in prints])]).astype(
            int
        )
        self.bits = _joined([item.bits for item in prints], np.uint16)
        self.active = _joined([item.active for item in prints], np.bool_)
        self.strong = _joined([item.strong for item in prints], np.int32)
        self.weak = _joined([item.weak for item in prints], np.uint8, N_WEAK)

    def __len__(self) -> int:
        return len(self.start) - 1

    def clip(self, index: int) -> SoundPrint:
        """The fingerprint of one clip, as views."""
        frames = slice(self.start[index], self.start[index + 1])
        strong = slice(self.strong_start[index], self.strong_start[index + 1])
        return SoundPrint(self.bits[frames], self.active[frames], self.strong[strong], self.weak[strong])

    def n_active(self) -> np.ndarray:
        """Active frames per clip, int64 [clips]."""
        total = np.concatenate([[0], np.cumsum(self.active)])
        return total[self.start[1:]] - total[self.start[:-1]]

    def index(self) -> KeyIndex:
        """The keys of all active frames; an entry is the frame's place in `bits`."""
        frames = np.arange(max(0, len(self.bits) - KEY_GAP))
        frames = frames[self.active[frames] & self.active[frames + KEY_GAP]]
        clip = np.searchsorted(self.start, frames, side="right")
        frames = frames[frames + KEY_GAP < self.start[clip]]
        return KeyIndex(self.keys(frames), frames, KEY_CAP)

    def keys(self, frames: np.ndarray) -> np.ndarray:
        """The keys of frames, given by their places in `bits`, uint32."""
        return self.bits[frames].astype(np.uint32) | self.bits[frames + KEY_GAP].astype(np.uint32) << 16

    def probes(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames (places in `bits`) and keys to look for, of the clips from `first` to before `last`.

        Every strong frame comes 2**N_WEAK times: with each of its weak bits as it is and turned. All come
        unturned first.
        """
        clips = np.arange(first, last)
        count = np.diff(self.strong_start[first : last + 1])
        rows = slice(self.strong_start[first], self.strong_start[last])
        frames = np.repeat(self.start[clips], count) + self.strong[rows]
        turned = np.uint32(1) << self.weak[rows].astype(np.uint32)
        keys = [
            self.keys(frames) ^ (turned * np.array(choice, np.uint32)).sum(axis=1, dtype=np.uint32)
            for choice in product((0, 1), repeat=N_WEAK)
        ]
        return np.tile(frames, len(keys)), np.concatenate(keys)


def same_sound(a: SoundPrints, b: SoundPrints, share: float) -> Matches:
    """Pairs of clips of two splits of whose fingerprint bits at least `share` are equal where they overlap.

    The clips of the smaller split are looked up in the index of the larger one. The time grows with the
    number of keys: the work per key is bounded by KEY_CAP and per clip by MAX_PARTNERS.
    """
    if len(a) > len(b):
        return same_sound(b, a, share).swapped()
    index, complete = b.index(), True
    rows: list[tuple[int, int, float]] = []
    for first, last in blocks(np.diff(a.strong_start), _BLOCK):
        frames, keys = a.probes(first, last)
        probe, there, capped = index.lookup(keys)
        complete &= not _mostly_common(a, first, last, frames[capped[capped < len(frames) >> N_WEAK]])
        here = frames[probe]
        for steps in (_AROUND[::2], _AROUND):  # half of the frames rule out most hits
            likely = _alike_around(a, here, b, there, steps)
            here, there = here[likely], there[likely]
        for i, j, offset in _candidates(a, here, b, there):
            similarity = _similarity(a.clip(i), b.clip(j), offset, share)
            if similarity:
                rows.append((i, j, similarity))
    rows.sort()
    places = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)
    # Candidates cut off are chance as a rule; where all that were kept are true, they are not.
    complete &= int(np.bincount(places[:, 0]).max(initial=0)) < MAX_PARTNERS
    return Matches(
        a=places[:, 0],
        b=places[:, 1],
        similarity=np.array([row[2] for row in rows], np.float64),
        with_partner_a=np.isin(np.arange(len(a)), places[:, 0]),
        with_partner_b=np.isin(np.arange(len(b)), places[:, 1]),
        complete=complete,
    )


def _mostly_common(prints: SoundPrints, first: int, last: int, frames: np.ndarray) -> bool:
    """Whether these frames with too common keys are more than half of the strong ones of some clip."""
    clips = np.searchsorted(prints.start, frames, side="right") - 1
    common = np.bincount(clips - first, minlength=last - first)
    return bool((2 * common > np.diff(prints.strong_start[first : last + 1])).any())


def _alike_around(
    a: SoundPrints, here: np.ndarray, b: SoundPrints, there: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Whether the frames some steps from two frames with the same key are alike as well, bool [hits]."""
    differ, known = np.zeros(len(here), np.int64), np.zeros(len(here), np.int64)
    first_a, last_a = _clip_range(a, here)
    first_b, last_b = _clip_range(b, there)
    for step in steps:
        x, y = here + step, there + step
        inside = (x >= first_a) & (x < last_a) & (y >= first_b) & (y < last_b)
        x, y = np.where(inside, x, 0), np.where(inside, y, 0)
        inside &= a.active[x] & b.active[y]
        known += inside
        differ += np.where(inside, np.bitwise_count(a.bits[x] ^ b.bits[y]), 0)
    return differ <= (1 - _AROUND_MATCH) * known * (BANDS - 1)


def _clip_range(prints: SoundPrints, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clip = np.searchsorted(prints.start, frames, side="right")
    return prints.start[clip - 1], prints.start[clip]


def _candidates(
    a: SoundPrints, here: np.ndarray, b: SoundPrints, there: np.ndarray
) -> list[tuple[int, int, int]]:
    """(clip of a, clip of b, offset) worth a comparison: per clip of a the MAX_PARTNERS with most keys."""
    if len(here) == 0:
        return []
    i = np.searchsorted(a.start, here, side="right") - 1
    j = np.searchsorted(b.start, there, side="right") - 1
    offset = (here - a.start[i]) - (there - b.start[j])
    found, hits = np.unique(np.stack([i, j, offset], axis=1), axis=0, return_counts=True)
    order = np.lexsort((found[:, 2], -hits, found[:, 1], found[:, 0]))
    found, hits = found[order], hits[order]
    best = np.ones(len(found), bool)  # of the offsets of a pair, the one with most keys
    best[1:] = (found[1:, :2] != found[:-1, :2]).any(axis=1)
    found, hits = found[best], hits[best]
    order = np.lexsort((found[:, 1], -hits, found[:, 0]))
    found = found[order]
    rank = np.arange(len(found)) - np.searchsorted(found[:, 0], found[:, 0])
    kept = found[rank < MAX_PARTNERS]
    return [(int(x), int(y), int(z)) for x, y, z in kept]


def _similarity(a: SoundPrint, b: SoundPrint, offset: int, share: float) -> float:
    """The best share of equal bits near an offset; 0.0 where it is below `share` or under a second long."""
    if agreement(a, b, offset)[0] < share - _SLACK_COST:
        return 0.0
    shares = (agreement(a, b, offset + slack) for slack in range(-_SLACK, _SLACK + 1))
    return max(value if frames >= MIN_FRAMES and value >= share else 0.0 for value, frames in shares)


def _joined(arrays: list[np.ndarray], dtype: type, *shape: int) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros((0, *shape), dtype)
