"""Figures of what is inside the clips, taken up one clip at a time: nothing of a clip is kept but numbers."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from avfake.dataset.layout import Clip
from avfake.evaluation.metrics import FloatArray, NoFigure
from avfake.inspection.differences import cramers_v, rank_auc
from avfake.inspection.reading import Reading
from avfake.inspection.tables import CLASSES, DECIMALS, FAKE, REAL, Row, by_count, class_of
from avfake.media.image import NO_SOUND

# Facts with an order, and those without: keys of `avfake.media.clip.ClipRow.facts`, and what `_facts` adds.
NUMBERS = (
    "seconds", "sound_seconds", "audio_minus_video_seconds", "file_bytes", "bit_rate", "audio_bit_rate",
    "video_bit_rate", "left_right_db",
)  # fmt: skip
VALUES = (
    "container", "encoder", "audio_codec", "audio_rate", "audio_channels", "video_codec", "resolution",
    "video_fps", "n_faces",
)  # fmt: skip
QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}
TRACKS = ("file", "sound", "picture")
_BINS = 24  # of the histogram, about
_TAIL = 0.99  # longer clips than this quantile go into the last bin: one long clip must not hide the others


class Contents:
    """The figures of a root's clips; `add` takes them up, the others give them out."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str], array[float]] = defaultdict(lambda: array("d"))
        self._values: dict[str, Counter[tuple[str | None, str]]] = {name: Counter() for name in VALUES}
        self._unreadable: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._read: Counter[tuple[str, str]] = Counter()
        self._opened: Counter[str] = Counter()

    def add(self, clip: Clip, reading: Reading) -> None:
        """Takes up one clip."""
        name = class_of(clip.target)
        self._read[clip.split, "read"] += 1
        if reading.error is not None:
            self._cannot(clip, "file", reading.error)
            return
        if reading.audio_error not in (None, NO_SOUND):
            self._cannot(clip, "sound", reading.audio_error)
        if reading.video_error is not None:
            self._cannot(clip, "picture", reading.video_error)
        self._opened[name] += 1
        facts = _facts(reading)
        for fact in NUMBERS:
            if facts[fact] is not None:
                self._numbers[fact, clip.split, name].append(facts[fact])
        for fact in VALUES:
            value = facts[fact]
            self._values[fact][None if value is None else str(value), name] += 1

    def read(self, split: str) -> Row:
        """How many of a split's clips were read, and how many have no usable file, sound or picture."""
        return {"read": self._read[split, "read"]} | {
            f"unreadable_{track}": self._read[split, track] for track in TRACKS
        }

    def unreadable(self) -> list[Row]:
        """Unusable tracks by reason: track, reason (numbers as `N`), and the clips with their own reasons."""
        return [
            {"track": track, "reason": reason, "clips": clips}
            for (track, reason), clips in sorted(
                self._unreadable.items(), key=lambda item: (TRACKS.index(item[0][0]), item[0][1])
            )
        ]

    def numbers(self, splits: Sequence[str]) -> list[Row]:
        """Quantiles of every numeric fact: fact, split (`all` first), class, n, and `QUANTILES`."""
        return [
            {"fact": fact, "split": split, "class": name, "n": values.size}
            | {key: round(float(np.quantile(values, q)), DECIMALS) for key, q in QUANTILES.items()}
            for fact in NUMBERS
            for split in ("all", *splits)
            for name in CLASSES
            if (values := self._of(fact, name, splits if split == "all" else (split,))).size
        ]

    def histogram(self, splits: Sequence[str]) -> Row | None:
        """Clips per bin of duration and class, or None where no clip has a duration.

        Keys: edges (seconds, one more than bins), a list of counts per class, and `open_end`: whether the
        last bin also holds all that are longer.
        """
        of_class = {name: self._of("seconds", name, splits) for name in CLASSES}
        values = np.concatenate(list(of_class.values()))
        if not values.size:
            return None
        low, high = float(values.min()), float(np.quantile(values, _TAIL))
        step = _nice_step((high - low) / _BINS)
        first, last = int(np.floor(low / step)), int(np.floor(high / step)) + 1
        edges = np.arange(first, last + 1) * step
        counted = {
            name: np.histogram(np.minimum(found, edges[-1]), edges)[0].tolist()
            for name, found in of_class.items()
        }
        return {
            "edges": [round(float(edge), DECIMALS) for edge in edges],
            **counted,
            "open_end": bool(values.max() >= edges[-1]),
        }

    def values(self) -> dict[str, list[Row]]:
        """Clips per value and class of every fact without an order, the most frequent first, by fact."""
        tables = {}
        for fact, found in self._values.items():
            rows = []
            for value in {value for value, _ in found}:
                of_class = {name: found[value, name] for name in CLASSES}
                rows.append({"value": value, "clips": sum(of_class.values()), **of_class})
            tables[fact] = sorted(rows, key=by_count)
        return tables

    def differences(self, splits: Sequence[str]) -> tuple[list[Row], dict[str, str]]:
        """How far each fact alone tells real from fake, over all splits, and the reasons of what is None.

        Keys: fact, measure (`auc`: above 0.5 the fact is larger in fakes; `cramers_v`), value, p_value.
        """
        rows: list[Row] = []
        notes = {}
        values = self.values()
        for fact in (*NUMBERS, *VALUES):
            measure = "auc" if fact in NUMBERS else "cramers_v"
            try:
                if measure == "auc":
                    found = rank_auc(self._of(fact, REAL, splits), self._of(fact, FAKE, splits))
                else:
                    table = [[row[REAL], row[FAKE]] for row in values[fact]]
                    found = cramers_v(np.array(table, np.int64).reshape(-1, 2))
            except NoFigure as error:
                notes[f"differences.{fact}"] = error.reason
                rows.append({"fact": fact, "measure": measure, "value": None, "p_value": None})
                continue
            value, p_value = (round(number, DECIMALS) for number in found)
            rows.append({"fact": fact, "measure": measure, "value": value, "p_value": p_value})
        return rows, notes

    def _of(self, fact: str, name: str, splits: Sequence[str]) -> FloatArray:
        return np.concatenate(
            [np.zeros(0), *(np.asarray(self._numbers.get((fact, split, name), ())) for split in splits)]
        )

    def _cannot(self, clip: Clip, track: str, reason: str) -> None:
        self._read[clip.split, track] += 1
        row = {
            "split": clip.split,
            "video_name": clip.video_name,
            "class": class_of(clip.target),
            "reason": reason,
        }
        # One kind of trouble with another number in each clip is one reason.
        self._unreadable[track, re.sub(r"\b\d+(\.\d+)?\b", "N", reason)].append(row)


def _facts(reading: Reading) -> dict[str, Any]:
    facts: dict[str, Any] = dict.fromkeys((*NUMBERS, *VALUES)) | reading.facts
    width, height, fps = (facts.get(f"video_{key}") for key in ("width", "height", "fps"))
    facts["resolution"] = f"{width}x{height}" if width and height else None
    facts["video_fps"] = None if fps is None else f"{fps:.3f}".rstrip("0").rstrip(".")
    return facts | {"sound_seconds": reading.sound_seconds, "n_faces": reading.n_faces}


def _nice_step(width: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `width` (at least a hundredth)."""
    power = 10.0 ** np.floor(np.log10(max(width, 0.01)))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9)))
