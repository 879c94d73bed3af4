"""What an adapter is: the description of a published set, and the entries that it reads from its lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from avfake.dataset.layout import Problem

Modality = Literal["sound", "picture", "both"]
Splits = Literal["official", "source"]

# Kinds of clips whose labels are for one of their tracks.
SOUND_ONLY: tuple[Modality, ...] = ("both", "sound")
PICTURE_ONLY: tuple[Modality, ...] = ("both", "picture")
EACH: tuple[Modality, ...] = ("both", "sound", "picture")
CLIP_ONLY: tuple[Modality, ...] = ("both",)


class Entry(NamedTuple):
    """A clip as the lists of its set describe it.

    Attributes:
        path: the file, relative to the folder of the set, with `/`.
        name: how the clip is called in the data root, without folders; unique in the set.
        split: `train`, `val` or `test`; None where the set leaves the split to us.
        sound: what faked the sound, "" where nobody says; None where the sound is genuine.
        picture: the same of the picture.
        tool: the generator of the clip as a whole, "" where nobody says; of no meaning for a real clip.
        source: speaker, identity or original clip; None where nobody says.
        lent: further sources that a fake took a face or a voice from.
        extra: values of the adapter's `columns`, in their order; None where there is none.
        labelled: False for clips of a test without labels.
        file, line: where it is said, relative to the folder of the set; the line is None for a folder.
    """

    path: str
    name: str
    split: str | None
    sound: str | None
    picture: str | None
    tool: str
    source: str | None
    lent: tuple[str, ...] = ()
    extra: tuple[str | None, ...] = ()
    labelled: bool = True
    file: str = ""
    line: int | None = None


class Request(NamedTuple):
    """What an adapter must know of the options: its folder, and whether the official splits are wanted."""

    src: Path
    splits: Splits


@dataclass(frozen=True)
class Note:
    """Something that was done on purpose, and how often: it is printed and stands in import.json."""

    text: str
    count: int


Found = Entry | Problem | Note


class Adapter(Protocol):
    """A published set.

    Attributes:
        name: what the command calls it.
        title: what its authors call it.
        sizes: clips per split as published, in words.
        splits: where its splits come from, in words.
        terms: licence or terms of use, in words; nothing here is legal advice.
        sources: addresses where the layout is described.
        unchecked: what could not be held against real files.
        modalities: values of `--modality` that its labels can answer.
        columns: label columns beside generator and source.
    """

    name: str
    title: str
    sizes: str
    splits: str
    terms: str
    sources: tuple[str, ...]
    unchecked: str
    modalities: tuple[Modality, ...]
    columns: tuple[str, ...]

    def entries(self, request: Request) -> Iterator[Found]:
        """All clips that the lists name, with what is wrong with them.

        Raises:
            UserError: the folder does not hold this set, or a list cannot be read at all.
        """
        ...
