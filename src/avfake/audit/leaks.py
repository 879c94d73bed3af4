"""Leaks: the same clip, nearly the same sound or picture, a source, or a derived clip in two splits.

Only what is in two *different* splits is a leak. A forgery that says the same words in the same time as its
original (a vocoded copy) has nearly the same sound: beside its original in one split it is a pair to learn
from, in another split it hands over the content, and is reported.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, islice, product
from pathlib import Path

import numpy as np
import pandas as pd

from avfake.audit.clip_prints import ClipPrint, clip_prints
from avfake.audit.fingerprint import HOP, RATE, WINDOW
from avfake.audit.key_index import Matches
from avfake.audit.picture_hash import MAX_BITS, PictureHashes, same_picture
from avfake.audit.sound_search import MIN_FRAMES, SoundPrints, same_sound
from avfake.errors import UserError
from avfake.params import AuditParams, MemoParams

KINDS = ("same_file", "sound", "picture", "derived")
SPLITS = ("train", "val", "test", "held_out")  # in the order of every table; `unused` clips leak nowhere
COLUMNS = ["kind", "split_a", "video_name_a", "split_b", "video_name_b", "similarity"]
LISTED = 1000  # pairs of a kind in the table, the most similar first
_NAMED = 3
_MIN_SECONDS = (WINDOW + MIN_FRAMES * HOP) / RATE

Clip = tuple[str, str]  # split, video_name
Pair = tuple[float, Clip, Clip]


@dataclass(frozen=True)
class Leaks:
    """What is in two splits.

    Attributes:
        pairs: COLUMNS, a row per pair of clips, split_a before split_b; up to LISTED of a kind, by kind, the
            most similar first, then by names. A pair of the kind same_file is not listed as sound again.
        sources: the sources that are in two splits or more, with their splits.
        notes: sentences: what was not compared and why, which limits were met.
        clips: per kind, the number of clips outside training that have a partner in another split: how much
            of the evaluation is leaked; None where the kind could not be looked for (`reasons`).
        counts: per kind, the number of pairs, listed or not; a lower bound where `notes` says so.
        reasons: per kind whose numbers are None, why.
    """

    pairs: pd.DataFrame
    sources: dict[str, list[str]]
    notes: list[str]
    clips: dict[str, int | None] = field(default_factory=dict)
    counts: dict[str, int | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass
class _Found:
    """What is gathered on the way to `Leaks`."""

    pairs: dict[str, list[Pair]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    clips: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    counts: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def none(self, kind: str, reason: str) -> None:
        """There are no numbers of this kind."""
        self.clips[kind] = self.counts[kind] = None
        self.reasons[kind] = reason

    def add(self, kind: str, pairs: Iterable[Pair], count: int, partners: set[Clip]) -> None:
        """The pairs of a kind (LISTED are kept), how many there are, and the clips that are in them."""
        self.pairs[kind] = sorted(pairs, key=lambda pair: (-pair[0], *_order(pair[1]), *_order(pair[2])))
        del self.pairs[kind][LISTED:]
        self.counts[kind] = count
        self.clips[kind] = sum(split != "train" for split, _ in partners)
        if count > LISTED:
            self.notes.append(f"{kind}: {LISTED} of {count} pairs are listed, the most similar first")


def find_leaks(
    labels: pd.DataFrame, extracted: Path, params: AuditParams, memo: MemoParams, workers: int
) -> Leaks:
    """Looks for clips and sources that are in two splits.

    Args:
        labels: the table of data/resplit: split, home, video_name, source, optionally `derived_from`.
        extracted: folder of the packed clips.
        params: the section `audit`: sound_match and picture_bits count here.
        memo: where fingerprints are kept.
        workers: processes; 0: one per core.

    Raises:
        UserError: `extract` has not run, or audit.picture_bits is above MAX_BITS.
        RunError: a worker process died.
    """
    if params.picture_bits > MAX_BITS:
        raise UserError(
            f"params.yaml: `audit.picture_bits` is {params.picture_bits}; hashes of different pictures are "
            "as near as that",
            f"set it to {MAX_BITS} or less",
        )
    table = labels[labels["split"].isin(SPLITS)]
    home = table["home"] if "home" in table else table["split"]
    split_of = dict(zip(zip(home, table["video_name"], strict=True), table["split"], strict=True))
    clips: dict[str, list[ClipPrint]] = {split: [] for split in SPLITS}
    for item in clip_prints(extracted, memo, workers):
        split = split_of.pop((item.home, item.video_name), None)
        if split is not None:
            clips[split].append(item)
    found = _Found()
    if split_of:
        named = ", ".join(sorted(name for _, name in split_of)[:_NAMED])
        found.notes.append(f"{len(split_of)} labelled clips are not among the extracted ones: {named}")
    used = {
        split: sorted(items, key=lambda item: (item.video_name, item.home)) for split, items in clips.items()
    }
    _same_file(used, found)
    _sound(used, params.sound_match, found)
    _picture(used, params.picture_bits, found)
    _derived(table, found)
    sources = _sources(table, found)
    return Leaks(_table(found), sources, found.notes, found.clips, found.counts, found.reasons)


def _same_file(clips: dict[str, list[ClipPrint]], found: _Found) -> None:
    groups: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for split, items in clips.items():
        for item in items:
            if item.identity is not None:
                groups[item.identity][split].append((split, item.video_name))
    shared = [group for _, group in sorted(groups.items()) if len(group) > 1]
    count = sum(len(x) * len(y) for group in shared for x, y in combinations(group.values(), 2))
    pairs: Iterator[Pair] = (
        (1.0, *pair) for group in shared for x, y in combinations(group.values(), 2) for pair in product(x, y)
    )
    partners = {clip for group in shared for members in group.values() for clip in members}
    found.add("same_file", islice(pairs, LISTED), count, partners)


def _sound(clips: dict[str, list[ClipPrint]], share: float, found: _Found) -> None:
    prints = {split: SoundPrints([item.sound for item in items]) for split, items in clips.items()}
    short = sum(int((item.n_active() < MIN_FRAMES).sum()) for item in prints.values())
    n = sum(len(items) for items in clips.values())
    if short:
        found.notes.append(
            f"sound: {short} of {n} clips hold less than {_MIN_SECONDS:.1f} s of sound that is neither "
            "silent nor steady, too little for a fingerprint; they were compared sample by sample alone"
        )
    if n and short == n:
        found.none("sound", "no clip has enough sound for an acoustic fingerprint")
        return
    made = {pair: same_sound(prints[pair[0]], prints[pair[1]], share) for pair in combinations(SPLITS, 2)}
    _add_matches("sound", made, clips, found)


def _picture(clips: dict[str, list[ClipPrint]], bits: int, found: _Found) -> None:
    items = [item for split in SPLITS for item in clips[split]]
    flat = sum(item.n_flat for item in items)
    if flat:
        found.notes.append(f"picture: {flat} face crops of one colour were left out")
    if items and not any(len(item.pictures) for item in items):
        found.none("picture", "no clip has a face crop")
        return
    hashes = {split: PictureHashes([item.pictures for item in clips[split]]) for split in SPLITS}
    made = {pair: same_picture(hashes[pair[0]], hashes[pair[1]], bits) for pair in combinations(SPLITS, 2)}
    _add_matches("picture", made, clips, found)


def _add_matches(
    kind: str, made: dict[tuple[str, str], Matches], clips: dict[str, list[ClipPrint]], found: _Found
) -> None:
    """The pairs of a search, but for those that are the same file already."""
    pairs: list[Pair] = []
    partners: set[Clip] = set()
    for (split_a, split_b), matches in made.items():
        a, b = clips[split_a], clips[split_b]
        same = 0
        in_pair: tuple[set[int], set[int]] = (set(), set())
        for i, j, similarity in zip(
            matches.a.tolist(), matches.b.tolist(), matches.similarity.tolist(), strict=True
        ):
            if a[i].identity is not None and a[i].identity == b[j].identity:
                same += 1
                continue
            pairs.append((similarity, (split_a, a[i].video_name), (split_b, b[j].video_name)))
            in_pair[0].add(i)
            in_pair[1].add(j)
        if not same:  # else what has a partner beyond the listed ones may have none but its own copy
            in_pair[0].update(np.flatnonzero(matches.with_partner_a).tolist())
            in_pair[1].update(np.flatnonzero(matches.with_partner_b).tolist())
        partners |= {(split_a, a[i].video_name) for i in in_pair[0]}
        partners |= {(split_b, b[j].video_name) for j in in_pair[1]}
    if not all(matches.complete for matches in made.values()):
        found.notes.append(
            f"{kind}: so many clips have something in common that not all pairs were compared; the number "
            "of pairs is a lower bound"
        )
    found.add(kind, pairs, len(pairs), partners)


def _derived(table: pd.DataFrame, found: _Found) -> None:
    """Clips made from a clip of another split; a name is looked for as it is first, then without its case."""
    if "derived_from" not in table or not table["derived_from"].notna().any():
        found.none("derived", "the labels have no column `derived_from`")
        return
    splits: dict[str, set[Clip]] = defaultdict(set)
    folded: dict[str, set[Clip]] = defaultdict(set)
    for clip in zip(table["split"], table["video_name"], strict=True):
        splits[clip[1]].add(clip)
        folded[clip[1].casefold()].add(clip)
    pairs: set[tuple[Clip, Clip]] = set()
    unknown: list[str] = []
    other_case: list[str] = []
    for split, name, origin in zip(table["split"], table["video_name"], table["derived_from"], strict=True):
        if not isinstance(origin, str) or not origin:
            continue
        origins = splits.get(origin, set())
        if not origins and (origins := folded.get(origin.casefold(), set())):
            other_case.append(name)
        if not origins:
            unknown.append(name)
        elif all(
            other != split for other, _ in origins
        ):  # of clips of the same name, the one of its own split
            pairs |= {tuple(sorted([(split, name), other], key=_order)) for other in origins}  # type: ignore[misc]
    for names, text in (
        (unknown, "clips are derived from a name that no clip of the splits has"),
        (other_case, "clips are derived from a name that is written with other capitals"),
    ):
        if names:
            found.notes.append(f"derived: {len(names)} {text}: {', '.join(sorted(names)[:_NAMED])}")
    found.add(
        "derived", ((1.0, *pair) for pair in pairs), len(pairs), {clip for pair in pairs for clip in pair}
    )


def _sources(table: pd.DataFrame, found: _Found) -> dict[str, list[str]]:
    splits: dict[str, set[str]] = defaultdict(set)
    folded: dict[str, set[str]] = defaultdict(set)
    for split, source in zip(table["split"], table["source"], strict=True):
        if isinstance(source, str):
            splits[source].add(split)
            folded[source.casefold()].add(source)
    if not splits and len(table):
        found.notes.append("source: the labels have no sources")
    for names in folded.values():
        if len(names) > 1 and len(set[str]().union(*(splits[name] for name in names))) > 1:
            found.notes.append(f"source: written in several ways: {', '.join(sorted(names))}")
    return {
        source: sorted(where, key=SPLITS.index) for source, where in sorted(splits.items()) if len(where) > 1
    }


def _order(clip: Clip) -> tuple[int, str]:
    return SPLITS.index(clip[0]), clip[1]


def _table(found: _Found) -> pd.DataFrame:
    rows = [(kind, *a, *b, similarity) for kind in KINDS for similarity, a, b in found.pairs[kind]]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"similarity": "float64"})
