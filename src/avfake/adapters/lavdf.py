"""LAV-DF: clips of VoxCeleb2 in which words were replaced, in the sound, the picture, or both.

    metadata.min.json or metadata.json   a list of {"file": "test/000001.mp4", "split": "test",
        "original": null or the real clip, "modify_video": false, "modify_audio": false, "n_fakes": 0,
        "fake_periods": [], "duration": 4.224, ...}
    train/000123.mp4   dev/...   test/...

A clip is fake if anything in it is; the generator is what was replaced. `source` is the original, so a
real clip and its fakes go together; the set does not name speakers.
Layout: https://github.com/ControlNet/LAV-DF (dataset/lavdf.py, issue 22), papers arXiv 2204.06228 and
2305.01979.
"""

from collections.abc import Iterator
from typing import Any

from avfake.adapters.adapter import EACH, Adapter, Entry, Found, Request
from avfake.adapters.reading import find, inside, json_list
from avfake.dataset.layout import Problem

_SPLITS = {"train": "train", "dev": "val", "test": "test"}
_KINDS = {(True, False): "audio_modified", (False, True): "visual_modified", (True, True): "both_modified"}


class LAVDF(Adapter):
    """The adapter; `src` is the folder with the metadata, or the one above."""

    name = "lav-df"
    title = "LAV-DF"
    sizes = "train 78 703, dev 31 501, test 26 100; 36 431 real, 99 873 fake"
    splits = "official: dev as val"
    terms = "CC BY-NC 4.0, and the terms and conditions of its repository"
    sources = ("https://github.com/ControlNet/LAV-DF", "https://arxiv.org/abs/2204.06228")
    unchecked = (
        "fields are from its own loader and from an issue; never run on the files themselves. In what form"
        " `original` names a clip is taken as it comes"
    )
    modalities = EACH
    columns = ("manipulation",)

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        names = ("metadata.min.json", "metadata.json", "*/metadata.min.json", "*/metadata.json")
        path = find(src, names, "metadata")
        base, file = inside(src, path.parent), inside(src, path)
        prefix = "" if base == "." else f"{base}/"
        for line, item in json_list(path):
            yield _entry(item, prefix, file, line)


def _entry(item: Any, prefix: str, file: str, line: int) -> Found:
    if not isinstance(item, dict) or not isinstance(item.get("file"), str):
        return Problem(file, line, "", "no clip: an item without `file`", "restore the list as published")
    path: str = item["file"]
    flags = item.get("modify_audio"), item.get("modify_video")
    split = _SPLITS.get(str(item.get("split")))
    if split is None:
        return Problem(file, line, path, f"unknown split `{item.get('split')}`", "train, dev or test")
    if not all(isinstance(flag, bool) for flag in flags) or any(flags) != bool(
        item.get("n_fakes", any(flags))
    ):
        reason = (
            f"unknown label: modify_audio {flags[0]}, modify_video {flags[1]}, n_fakes {item.get('n_fakes')}"
        )
        return Problem(file, line, path, reason, "restore the item as published")
    kind = _KINDS.get((bool(flags[0]), bool(flags[1])))
    original = item.get("original") or path
    return Entry(
        prefix + path, path.rpartition("/")[2], split,
        kind if flags[0] else None, kind if flags[1] else None, kind or "",
        str(original).rpartition("/")[2], (), (kind or "none",), True, file, line,
    )  # fmt: skip
