"""What the ASVspoof sets have in common: lists of trials separated by blanks, one flac file per trial."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from avfake.adapters.adapter import Entry
from avfake.adapters.reading import find, inside, value_or_none, words
from avfake.dataset.layout import Problem

KEYS = ("bonafide", "spoof")


class Trials:
    """A list of trials and where its columns stand.

    Args:
        least: columns a row has at least.
        key, attack: their positions; speaker and trial are the first two columns.
        extra: positions of further columns, None for a column that this list does not have.
    """

    def __init__(self, least: int, key: int, attack: int, extra: tuple[int | None, ...] = ()) -> None:
        self.least, self.key, self.attack, self.extra = least, key, attack, extra

    def read(self, src: Path, path: Path, folders: Sequence[Path], split: str) -> Iterator[Entry | Problem]:
        """The trials of a list; their files are looked for in `folders`, in that order."""
        file = inside(src, path)
        for found in words(src, path, self.least):
            if isinstance(found, Problem):
                yield found
                continue
            line, values = found
            trial, key = values[1], values[self.key]
            if key not in KEYS:
                yield Problem(file, line, trial, f"unknown label: `{key[:40]}`", f"write {' or '.join(KEYS)}")
                continue
            tool = value_or_none(values[self.attack]) or "" if key == "spoof" else None
            extra = tuple(None if at is None else value_or_none(values[at]) for at in self.extra)
            yield Entry(
                self._file(src, trial, folders), f"{trial}.flac", split, tool, None, tool or "",
                value_or_none(values[0]), (), extra, True, file, line,
            )  # fmt: skip

    @staticmethod
    def _file(src: Path, trial: str, folders: Sequence[Path]) -> str:
        for folder in folders[:-1]:
            if os.path.exists(f"{folder}/{trial}.flac"):  # noqa: PTH110
                return f"{inside(src, folder)}/{trial}.flac"
        return f"{inside(src, folders[-1])}/{trial}.flac"


_LA_2019_LISTS = (("train", "train", "trn"), ("val", "dev", "trl"), ("test", "eval", "trl"))
PROTOCOLS_2019 = tuple(f"{folder}ASVspoof2019_LA_cm_protocols" for folder in ("", "LA/", "*/", "*/LA/"))


def la_2019(src: Path, wanted: Sequence[str], extra: int = 0) -> Iterator[Entry | Problem]:
    """The splits of ASVspoof 2019 LA, in the folder itself or below it; `extra`: columns left empty."""
    protocols = find(src, PROTOCOLS_2019, "protocols of ASVspoof 2019 LA")
    trials = Trials(5, 4, 3, (None,) * extra)
    for split, part, kind in _LA_2019_LISTS:
        if split in wanted:
            name = f"ASVspoof2019.LA.cm.{part}.{kind}.txt"
            path = find(src, (f"{inside(src, protocols)}/{name}",), f"list of the {part} trials")
            yield from trials.read(src, path, [protocols.parent / f"ASVspoof2019_LA_{part}" / "flac"], split)
