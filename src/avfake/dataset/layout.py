"""The words that every part of the data set is described with: splits, clips, problems."""

from dataclasses import dataclass, field
from pathlib import Path

# In the order of every table.
SPLITS = ("train", "val", "test")
# Heads of the column of names in label, template and prediction files: the contest's tracks of clips and of
# still images. Inside, a still image is a clip too, and the column is always the first.
VIDEO_NAME, IMAGE_NAME = "video_name", "img_name"
NAME_COLUMNS = (VIDEO_NAME, IMAGE_NAME)
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
NO_FACE = "no face found"


def split_order(split: str) -> int:
    """The place of a split in every table."""
    return SPLITS.index(split)


@dataclass(frozen=True)
class Clip:
    """A clip that exists, or that a label names. `target` is 1 for fake, None where no label says."""

    video_name: str
    path: Path
    split: str
    target: int | None
    generator: str | None
    source: str | None
    extra: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Something wrong with a clip or its label; `line` is None where no line of a file says it."""

    file: str
    line: int | None
    video_name: str
    reason: str
    remedy: str
