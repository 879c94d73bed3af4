"""FFDV, the audio-video track of the Global Multimedia Deepfake Detection challenge (2024).

    trainset/1f8702f426f383c4199da33c53cfb74c.mp4   trainset_label.txt   video_name,target (1 = fake)
    valset/...                                      valset_label.txt
    testset/...                                     testset_label.csv, where there is one

Also with the label files called train_label.txt or train.csv, and one folder further down (phase1).
The set names no generators, speakers or originals.
Layout: https://www.kaggle.com/competitions/multi-ffdv, https://github.com/hopelessjuvenile/DeepFakeDefenders.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from avfake.adapters.adapter import CLIP_ONLY, Adapter, Entry, Found, Note, Request
from avfake.adapters.reading import find, find_or_none, inside
from avfake.dataset.label_file import read_label_file
from avfake.dataset.layout import SPLITS, Problem

_LABELS = ("{}_label.txt", "{}set_label.txt", "{}_label.csv", "{}set_label.csv", "{}.csv")


class FFDV(Adapter):
    """The adapter; `src` is the folder with trainset, or the one above."""

    name = "ffdv"
    title = "FFDV, multi-ffdv on Kaggle"
    sizes = "train about 242 000, val about 79 600, test about 172 500"
    splits = "official; the labels of test were not published with the clips"
    terms = "the rules of the competition that you accepted"
    sources = (
        "https://www.kaggle.com/competitions/multi-ffdv",
        "https://github.com/hopelessjuvenile/DeepFakeDefenders",
    )
    unchecked = "read from READMEs of participants; ten clips were seen, the lists were not"
    modalities = CLIP_ONLY
    columns = ()

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        base = find(src, ("trainset", "*/trainset"), "folder trainset").parent
        for split in SPLITS:
            folder = base / f"{split}set"
            if split == "test" and not folder.is_dir():
                continue
            find(base, (f"{split}set",), f"folder of the {split} clips")
            names = tuple(pattern.format(split) for pattern in _LABELS)
            labels = find_or_none(base, names)
            if labels is None and split != "test":
                find(base, names, f"labels of {split}")
            yield from self._split(src, folder, labels, split)

    @staticmethod
    def _split(src: Path, folder: Path, labels: Path | None, split: str) -> Iterator[Found]:
        place = inside(src, folder)
        clips = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
        if labels is None:
            for name in clips:
                yield Entry(f"{place}/{name}", name, split, None, None, "", None, labelled=False, file=place)
            return
        said, file = read_label_file(labels), inside(src, labels)
        for problem in said.problems:
            if problem.reason.startswith("duplicate label, first on line"):
                yield Note("named twice with the same label; counted once", 1)
            else:
                reason, remedy = problem.reason, problem.remedy
                yield Problem(file, problem.line, problem.video_name, reason, remedy)
        for name, row in said.rows.items():
            picture = "" if row.target else None
            yield Entry(f"{place}/{name}", name, split, None, picture, "", None, file=file, line=row.line)
        for name in clips:
            if name in said.rows or name in said.unusable:
                continue
            if split == "test":
                yield Entry(f"{place}/{name}", name, split, None, None, "", None, labelled=False, file=place)
            else:
                yield Problem(
                    file, None, name, "clip without a label", f"add its row, or remove {place}/{name}"
                )
