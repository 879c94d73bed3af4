"""AV-Deepfake1M: clips of VoxCeleb2 in which a language model chose words to replace, in sound, picture, or
both.

    train_metadata.json, val_metadata.json   lists of {"file": "id00012/21Uxsk56VDQ/00001/real.mp4",
        "original": ..., "split": "train", "modify_type": "real", "audio_model": ..., "fake_segments": []}
    train/id00012/21Uxsk56VDQ/00001/{real,fake_video_real_audio,real_video_fake_audio,fake_video_fake_audio}.mp4
    test_files.txt, test/...                 without labels

A clip is fake if anything in it is; the generator is `modify_type`, `audio_model` a column. `source` is
the identity (id00012), or the folder of the clip where its path names none. Identities stand in train and
val alike: the import counts them. AV-Deepfake1M++ with its lists at the same place is read the same way.
Layout: https://github.com/ControlNet/AV-Deepfake1M (README, python/avdeepfake1m/loader.py), paper arXiv
2311.15308.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avfake.adapters.adapter import EACH, Adapter, Entry, Found, Request
from avfake.adapters.reading import find, flat, inside, json_list, lines
from avfake.dataset.layout import Problem

_IDENTITY = re.compile(r"(?:^|/)(id\d{5})/")
# With the spelling of the loader.
_KINDS = {
    "real": (False, False), "audio_modified": (True, False), "visual_modified": (False, True),
    "both_modified": (True, True), "both-modified": (True, True),
}  # fmt: skip


class AVDeepfake1M(Adapter):
    """The adapter; `src` is the folder with the lists, or the one above."""

    name = "av-deepfake1m"
    title = "AV-Deepfake1M"
    sizes = "over 1 million, 286 721 real; train 746 180, val 57 340, test 343 240 (without labels)"
    splits = "official; identities stand in several"
    terms = "by signed agreement (EULA) with its authors; code CC BY-NC 4.0"
    sources = ("https://github.com/ControlNet/AV-Deepfake1M", "https://arxiv.org/abs/2311.15308")
    unchecked = (
        "fields and folders are from its README and its own loader; never run on the files. The sizes of"
        " its parts were not found again in its documentation. The ++"
        " release was not looked at beyond its loader"
    )
    modalities = EACH
    columns = ("manipulation", "audio_model")

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        first = find(src, ("train_metadata.json", "*/train_metadata.json"), "train_metadata.json")
        base = first.parent
        for split in ("train", "val"):
            path = find(base, (f"{split}_metadata.json",), f"list of the {split} clips")
            place, file = inside(src, base / split), inside(src, path)
            for line, item in json_list(path):
                yield _entry(item, split, place, file, line)
        yield from _test(src, base)


def _test(src: Path, base: Path) -> Iterator[Found]:
    path = base / "test_files.txt"
    if path.is_file():
        place, file = inside(src, base / "test"), inside(src, path)
        for line, name in lines(path):
            clip = name.strip()
            yield Entry(
                f"{place}/{clip}", flat(f"test/{clip}"), "test", None, None, "", None, (), (None, None),
                False, file, line,
            )  # fmt: skip


def _entry(item: Any, split: str, place: str, file: str, line: int) -> Found:
    if not isinstance(item, dict) or not isinstance(item.get("file"), str):
        return Problem(file, line, "", "no clip: an item without `file`", "restore the list as published")
    path: str = item["file"]
    kind = str(item.get("modify_type"))
    changed = _KINDS.get(kind)
    if changed is None or (any(changed) != bool(item.get("fake_segments", any(changed)))):
        reason = (
            f"unknown label: modify_type {kind[:40]}, fake_segments {str(item.get('fake_segments'))[:40]}"
        )
        return Problem(file, line, path, reason, "restore the item as published")
    kind = kind.replace("-", "_")
    identity = _IDENTITY.search(path)
    model = item.get("audio_model")
    return Entry(
        f"{place}/{path}", flat(f"{split}/{path}"), split,
        kind if changed[0] else None, kind if changed[1] else None, kind,
        identity.group(1) if identity else path.rpartition("/")[0] or None, (),
        (kind, str(model) if model else None), True, file, line,
    )  # fmt: skip
