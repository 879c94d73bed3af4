"""FaceForensics++: 1 000 videos of YouTube without sound, and their faces exchanged by five methods.

    original_sequences/youtube/c23/videos/000.mp4
    manipulated_sequences/{Deepfakes,Face2Face,FaceSwap,NeuralTextures,FaceShifter}/c23/videos/000_003.mp4
    splits/{train,val,test}.json       lists of pairs ["000", "003"]; also directly in the folder

A fake is called target_source: the face of 003 on the video 000. The column `compression` is c0, raw, c23
or c40. The splits do not come with the download: they are in dataset/splits of the repository. The clips
of actors (DeepFakeDetection) have no official split and are left out, counted.
Layout: https://github.com/ondyari/FaceForensics/tree/master/dataset, paper arXiv 1901.08971.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from avfake.adapters.adapter import PICTURE_ONLY, Adapter, Entry, Found, Note, Request
from avfake.adapters.reading import find, inside, json_value
from avfake.dataset.layout import SPLITS, Problem
from avfake.errors import UserError

_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
_ACTORS = ("original_sequences/actors", "manipulated_sequences/DeepFakeDetection")


class FaceForensics(Adapter):
    """The adapter; `src` is the folder with original_sequences, or the one above."""

    name = "faceforensics"
    title = "FaceForensics++"
    sizes = "720, 140 and 140 videos, each real and by five methods, per compression"
    splits = "official lists of pairs; both videos of a pair are in one split"
    terms = "by request form; FaceForensics terms of use, for research, not for commerce"
    sources = (
        "https://github.com/ondyari/FaceForensics/tree/master/dataset",
        "https://arxiv.org/abs/1901.08971",
    )
    unchecked = (
        "folders are from its README and listings, lists are the repository's; never run on the videos"
    )
    modalities = PICTURE_ONLY
    columns = ("compression",)

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        names = ("original_sequences", "*/original_sequences")
        base = find(src, names, "folder original_sequences").parent
        find(base, ("original_sequences/youtube",), "folder of the real videos")
        split_of = _official(src, base) if request.splits == "official" else None
        yield from _videos(src, base / "original_sequences" / "youtube", None, split_of)
        for method in _METHODS:
            folder = base / "manipulated_sequences" / method
            if folder.is_dir():
                yield from _videos(src, folder, method, split_of)
        actors = sum(len(list((base / name).glob("*/videos/*.mp4"))) for name in _ACTORS)
        if actors:
            yield Note("left out: clips of actors (DeepFakeDetection), without official split", actors)


def _official(src: Path, base: Path) -> dict[str, str]:
    """The split of every video.

    Raises:
        UserError: a list is not there, is no list of pairs, or two lists share a video.
    """
    split_of: dict[str, str] = {}
    for split in SPLITS:
        names = tuple(f"{folder}{split}.json" for folder in ("splits/", "", "dataset/splits/"))
        root = base if any((base / name).exists() for name in names) else src
        path = find(root, names, f"official list of {split} (dataset/splits of the repository)")
        pairs = json_value(path)
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)
            for pair in pairs
        ):
            raise UserError(f"{path}: not a list of pairs", "restore it from dataset/splits")
        for name in (name for pair in pairs for name in pair):
            if split_of.setdefault(name, split) != split:
                raise UserError(f"{path}: {name} stands in {split_of[name]} too", "restore the lists")
    return split_of


def _videos(src: Path, folder: Path, method: str | None, split_of: dict[str, str] | None) -> Iterator[Found]:
    """The videos of a folder in all its compressions."""
    for videos in sorted(folder.glob("*/videos")):
        place, compression = inside(src, videos), videos.parent.name
        for clip in sorted(entry.name for entry in os.scandir(videos) if entry.name.endswith(".mp4")):
            target, _, lent = clip.removesuffix(".mp4").partition("_")
            if (method is None) == bool(lent):
                reason = "not the name of a fake" if method else "not the name of a real video"
                yield Problem(place, None, clip, reason, "restore the name as published")
                continue
            split = None
            if split_of is not None:
                homes = {split_of.get(name) for name in (target, lent) if name}
                if len(homes) != 1 or None in homes:
                    yield Problem(
                        place, None, clip, "in no official split", "restore the lists, or remove it"
                    )
                    continue
                split = homes.pop()
            yield Entry(
                f"{place}/{clip}", f"{method or 'youtube'}__{compression}__{clip}", split, None, method,
                method or "", target, (lent,) if lent else (), (compression,), True, place,
            )  # fmt: skip
