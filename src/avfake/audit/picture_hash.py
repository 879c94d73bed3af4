"""Perceptual hash of face crops, and a search for near ones that does not compare all with all.

The hash is the usual 64-bit one of the discrete cosine transform (C. Zauner: Implementation and Benchmarking
of Perceptual Image Hash Functions, 2010; the recipe of `imagehash.phash`). The search is multi-index hashing
(M. Norouzi, A. Punjani, D. Fleet: Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012): of two
hashes that differ in r of 64 bits, one of four parts of 16 bits differs in no more than r // 4.
"""

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np

from avfake.audit.key_index import KeyIndex, Matches, blocks

# Raise it when anything here changes what `picture_hashes` returns: the memo is keyed by it.
VERSION = 1
HASH_BITS = 64
_SIDE = 32  # pixels of the reduced picture
_LOW = 8  # by 8 coefficients of lowest frequency are kept
_FLAT = 2.0  # grey levels of standard deviation: below this a picture is of one colour
_PARTS = 4
_PART_BITS = HASH_BITS // _PARTS
_BUCKET_CAP = 128  # hashes of one split that share a part, of which a hash is compared with
_NEAR_CAP = 20  # near hashes, and near clips, that are listed for each hash and each clip
_BLOCK = 1024  # hashes searched at once
MAX_BITS = (
    11  # above, a part would have to be searched at three turned bits, and faces of two people are near
)


def picture_hashes(pictures: np.ndarray) -> tuple[np.ndarray, int]:
    """The hashes of pictures, and how many were of one colour and have none.

    Args:
        pictures: uint8 RGB [n, height, width, 3].

    Returns:
        uint64 [up to n], and a count.
    """
    found = []
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if float(grey.std()) < _FLAT:
            continue
        small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        low = cv2.dct(small)[:_LOW, :_LOW].ravel()
        found.append(np.packbits(low > np.median(low)).view(np.uint64)[0])
    return np.array(found, np.uint64), len(pictures) - len(found)


class PictureHashes:
    """The hashes of all clips of a split, each different one once.

    Args:
        hashes: uint64 [n] per clip.
    """

    def __init__(self, hashes: Sequence[np.ndarray]) -> None:
        clips = np.repeat(np.arange(len(hashes)), [len(item) for item in hashes])
        joined = np.concatenate(hashes) if len(hashes) else np.zeros(0, np.uint64)
        self.n_clips = len(hashes)
        self.unique, place = np.unique(joined, return_inverse=True)
        members = np.unique(np.stack([place, clips], axis=1), axis=0)
        self.start = np.searchsorted(members[:, 0], np.arange(len(self.unique) + 1))
        self.clips = members[:, 1]

    def clips_of(self, place: int) -> np.ndarray:
        """The clips that have the hash `unique[place]`."""
        return self.clips[self.start[place] : self.start[place + 1]]

    def with_any(self, places: np.ndarray) -> np.ndarray:
        """Which clips have one of the hashes `unique[places]`, bool [clips]."""
        marked = np.zeros(len(self.unique), bool)
        marked[places] = True
        found = np.zeros(self.n_clips, bool)
        found[self.clips[np.repeat(marked, np.diff(self.start))]] = True
        return found


def same_picture(a: PictureHashes, b: PictureHashes, bits: int) -> Matches:
    """Clips of two splits with pictures whose hashes differ in no more than `bits` (up to MAX_BITS) bits.

    The similarity is the share of equal bits of the two clips' closest pictures. Every near pair is found as
    long as no part of a hash is shared by more than _BUCKET_CAP hashes of a split; `complete` says if so. A
    clip is paired with its _NEAR_CAP nearest clips at most; whether it has any does not depend on that limit.
    """
    if a.n_clips > b.n_clips:
        return same_picture(b, a, bits).swapped()
    entries = np.arange(len(b.unique))
    index = KeyIndex(np.concatenate(_parts(b.unique)), np.tile(entries, _PARTS), _BUCKET_CAP)
    turns = _turns(bits // _PARTS)
    near: list[np.ndarray] = []
    seen_a, seen_b = np.zeros(len(a.unique), bool), np.zeros(len(b.unique), bool)
    complete = True
    for first, last in blocks(np.ones(len(a.unique), int), _BLOCK):
        probes = np.concatenate([part[:, None] ^ turns for part in _parts(a.unique[first:last])])
        hit, there, capped = index.lookup(probes.ravel())
        complete &= len(capped) == 0
        here = first + hit // len(turns) % (last - first)
        distance = np.bitwise_count(a.unique[here] ^ b.unique[there]).astype(np.int64)
        found = np.stack([here, distance, there], axis=1)[distance <= bits]
        found = np.unique(found, axis=0)  # by hash, the nearest first
        seen_a[found[:, 0]], seen_b[found[:, 2]] = True, True
        rank = np.arange(len(found)) - np.searchsorted(found[:, 0], found[:, 0])
        complete &= bool((rank < _NEAR_CAP).all())
        near.append(found[rank < _NEAR_CAP])
    joined = np.concatenate(near) if near else np.zeros((0, 3), np.int64)
    rows, all_listed = _clip_pairs(a, b, joined)
    places = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)
    similarity = 1 - np.array([row[2] for row in rows], np.float64) / HASH_BITS
    partners = (a.with_any(np.flatnonzero(seen_a)), b.with_any(np.flatnonzero(seen_b)))
    return Matches(places[:, 0], places[:, 1], similarity, *partners, complete and all_listed)


def _parts(hashes: np.ndarray) -> list[np.ndarray]:
    """The four parts of hashes, each marked with its number, uint32 [n] each."""
    mask = np.uint64(2**_PART_BITS - 1)
    return [
        (hashes >> np.uint64(part * _PART_BITS) & mask).astype(np.uint32) | np.uint32(part << _PART_BITS)
        for part in range(_PARTS)
    ]


def _turns(radius: int) -> np.ndarray:
    """All masks of up to `radius` bits of a part, uint32."""
    chosen = [places for n in range(radius + 1) for places in combinations(range(_PART_BITS), n)]
    return np.array([sum(1 << place for place in places) for places in chosen], np.uint32)


def _clip_pairs(
    a: PictureHashes, b: PictureHashes, near: np.ndarray
) -> tuple[list[tuple[int, int, int]], bool]:
    """(clip of a, clip of b, distance), the _NEAR_CAP nearest per clip of a; and whether these are all.

    Args:
        near: int64 [pairs, 3]: place of a hash in a, distance, place of a hash in b.
    """
    partners: dict[int, dict[int, int]] = {}
    complete = True
    # By distance, so that the first pair of two clips is their closest one.
    for place_a, distance, place_b in near[np.lexsort((near[:, 2], near[:, 0], near[:, 1]))].tolist():
        clips_b = b.clips_of(place_b)
        complete &= len(clips_b) <= _NEAR_CAP
        for clip_a in a.clips_of(place_a).tolist():
            known = partners.setdefault(clip_a, {})
            for clip_b in clips_b[:_NEAR_CAP].tolist():
                if clip_b in known:
                    continue
                if len(known) == _NEAR_CAP:
                    complete = False
                    break
                known[clip_b] = distance
    return sorted((x, y, d) for x, known in partners.items() for y, d in known.items()), complete
