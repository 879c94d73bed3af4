"""DFDC, the Deepfake Detection Challenge data set: faces (and some voices) of paid actors, swapped.

    dfdc_train_part_0/metadata.json   {"a.mp4": {"label": "FAKE", "split": "train", "original": "b.mp4"}}
    dfdc_train_part_0/a.mp4 ...       (or train/dfdc_train_part_0/)
    validation/ and test/, each with metadata.json ({"c.mp4": {"is_fake": 1}}) or labels.csv (filename,label)

What a folder is, train, validation or test, is read from its name. Where there is no labelled validation,
a part of the training clips becomes val, whole originals with their fakes; so it is with test. `source`
is the original. The labels say that a clip is fake, not whether its face or its voice is, and name no
generator.
Layout: https://www.kaggle.com/c/deepfake-detection-challenge/data, https://ai.meta.com/datasets/dfdc,
arXiv 2006.07397.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avfake.adapters.adapter import CLIP_ONLY, Adapter, Entry, Found, Request
from avfake.adapters.reading import find, inside, json_object, named_rows
from avfake.dataset.layout import Problem

_LISTS = tuple(f"{deep}{name}" for name in ("metadata.json", "labels.csv") for deep in ("", "*/", "*/*/"))
_SPLIT = re.compile(r"(?:^|[/_])(train|validation|val|test)(?=$|[/_])")
_LABELS = {"FAKE": True, "REAL": False, "1": True, "0": False}


class DFDC(Adapter):
    """The adapter; `src` holds the unpacked parts, or is one of them."""

    name = "dfdc"
    title = "DFDC (full data set)"
    sizes = "train 119 154, validation 4 000, test 10 000"
    splits = "official folders; val and test that are not there are cut from train by original, seeded"
    terms = "the DFDC licence of the download page, or the rules of the Kaggle competition"
    sources = (
        "https://www.kaggle.com/c/deepfake-detection-challenge/data",
        "https://ai.meta.com/datasets/dfdc",
        "https://arxiv.org/abs/2006.07397",
    )
    unchecked = (
        "metadata.json of the training parts is from the Kaggle page and loaders; how validation and test say"
        " their labels is from remarks of others. The preview set (dataset.json) is not read"
    )
    modalities = CLIP_ONLY
    columns = ("part",)

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        find(src, _LISTS, "metadata.json or labels.csv")
        lists: dict[Path, Path] = {}  # one per folder: metadata.json before labels.csv
        for pattern in _LISTS:
            for path in sorted(src.glob(pattern)):
                lists.setdefault(path.parent, path)
        split_of = {folder: _split(src, folder) for folder in lists}
        official = "val" in split_of.values()
        for folder in sorted(lists):
            split = split_of[folder]
            if split is None:
                reason = "neither train, validation nor test by its name"
                yield Problem(inside(src, lists[folder]), None, folder.name, reason, "rename the folder")
                continue
            home = None if split == "train" and not official else split
            yield from _clips(src, folder, lists[folder], home)


def _split(src: Path, folder: Path) -> str | None:
    """The split that a folder's name, or one above it, says; the innermost counts."""
    found = _SPLIT.findall(f"{src.name}/{inside(src, folder)}".lower())
    return {"validation": "val"}.get(found[-1], found[-1]) if found else None


def _clips(src: Path, folder: Path, path: Path, split: str | None) -> Iterator[Found]:
    file, part = inside(src, path), folder.name
    home = inside(src, folder / "videos" if (folder / "videos").is_dir() else folder)
    prefix = "" if home == "." else f"{home}/"
    for line, name, said, original in _labels(path):
        fake = _LABELS.get(said)
        if fake is None:
            yield Problem(file, line, name, f"unknown label: `{said[:40]}`", "write FAKE or REAL")
            continue
        yield Entry(
            prefix + name, name, split, None, "" if fake else None, "", original or name,
            extra=(part,), file=file, line=line,
        )  # fmt: skip


def _labels(path: Path) -> Iterator[tuple[int | None, str, str, str | None]]:
    """Line (if known), clip, label as text, and original of every row of a list."""
    if path.suffix == ".csv":
        for line, row in named_rows(path, ("filename", "label")):
            yield line, row["filename"], row["label"].upper(), None
        return
    for name, item in json_object(path).items():
        said: Any = None
        if isinstance(item, dict):
            said = item.get("label", item.get("is_fake"))
        original = item.get("original") if isinstance(item, dict) else None
        yield None, name, str(said).upper(), original if isinstance(original, str) else None
