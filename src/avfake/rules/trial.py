"""A clip really scored: by the class, watched, and by the contest's function."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avfake.errors import AvfakeError
from avfake.media.errors import ClipError
from avfake.rules.subject import Subject
from avfake.rules.watch import opened_files


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Attributes:
        clip: the file that was scored; None where none could be.
        score: what `avfake.score(path)` returned, whatever it is.
        of_class: what `avfake.Scorer(folder).score(path)` returned.
        error: why there is no score, or empty.
        opened: files that loading the model and scoring the clip opened.
        unreadable: clips that were tried before and could not be read.
    """

    clip: Path | None
    score: object
    of_class: object
    error: str
    opened: tuple[Path, ...]
    unreadable: int


def score_a_clip(subject: Subject, clip: Path | None) -> Trial:
    """Scores `clip`, or else the first clip of validation that can be read."""
    import avfake

    unreadable = 0
    opened: list[Path] = []
    for path in _candidates(subject, clip):
        try:
            with opened_files() as opened:
                of_class = avfake.Scorer(subject.folder).score(path)
            return Trial(
                path, avfake.score(str(path), subject.folder), of_class, "", tuple(opened), unreadable
            )
        except ClipError as error:
            unreadable += 1
            if clip is not None:
                return Trial(None, None, None, f"{path}: {error.reason}", tuple(opened), unreadable)
        except AvfakeError as error:
            return Trial(None, None, None, error.message, tuple(opened), unreadable)
    return Trial(None, None, None, "no clip of validation can be read", tuple(opened), unreadable)


def _candidates(subject: Subject, clip: Path | None) -> Iterator[Path]:
    if clip is not None:
        yield clip
        return
    yield from (item.path for item in subject.root.splits["val"].clips if item.path.is_file())
