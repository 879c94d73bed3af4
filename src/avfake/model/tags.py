"""What the names of timm's weights say of the data that the weights were trained on.

A name is `architecture.tag`. What is not known to mean ImageNet-1K alone, with its labels, is refused: the
tag of tomorrow's weights may stand for anything.
"""

import re

# What stands before `in1k` in timm 1.0: who trained, and how, on the images and labels of ImageNet-1K alone.
# `dist` is with a teacher of that kind (RegNetY-16GF, as in arXiv 2012.12877); `usi` has another teacher.
_RECIPES = frozenset(
    {
        "a1", "a1h", "a2", "a2h", "a3", "aa", "adv", "agc", "ah", "am", "ap", "apple", "aug", "augreg",
        "bd", "bt", "c1", "c2", "c2ns", "c3", "ch", "cvnets", "d", "d1", "d1h", "d2", "deit", "dist", "dm",
        "ens", "fb", "ft", "gluon", "goog", "green", "idstcv", "ix", "lamb", "miil", "ms", "msft", "mx",
        "nadamuon", "nav", "naver", "nv", "paddle", "pycls", "ra", "ra2", "ra3", "ra4", "racm", "ram",
        "rmsp", "rsb", "rvgg", "sail", "sam", "sbb", "snap", "sw", "tf", "timm", "tv", "tv2",
    }
)  # fmt: skip
# Resolution, number of epochs, length of the sequence.
_SETTING = re.compile(r"[ers]\d+|\d+ep?")
_TAG = re.compile(r"(?:(?P<words>[a-z0-9_]+)_)?in1k(?:_\d{3})?")
# Beginnings of the words that tell of other data, of other teachers or of no labels. Architectures are looked
# at too: some are named after the way in which they were trained.
_OTHER_DATA = {
    "in12k": "ImageNet-12K", "in21k": "ImageNet-21K", "in22k": "ImageNet-22K", "inw21k": "ImageNet-21K",
    "clip": "image and text pairs (CLIP)", "openai": "image and text pairs (CLIP)", "laion": "LAION",
    "datacomp": "DataComp", "dfn": "DFN", "webli": "WebLI", "yfcc": "YFCC", "cc12m": "CC12M",
    "merged": "Merged-2B", "m30m": "Merged-30M", "m38m": "Merged-38M", "sa1b": "SA-1B", "lvd": "LVD",
    "jft": "JFT-300M", "ig1b": "Instagram images", "swag": "Instagram images", "seer": "Instagram images",
    "wsl": "weakly labelled images", "swsl": "weakly labelled images", "bamboo": "Bamboo",
    "ssld": "unlabelled images (SSLD)", "ssl": "self-supervision", "dino": "self-supervision (DINO)",
    "mae": "self-supervision (masked pictures)", "fcmae": "self-supervision (masked pictures)",
    "mim": "self-supervision (masked pictures)", "ijepa": "self-supervision (I-JEPA)",
    "beitv2": "self-supervision with a CLIP teacher", "eupe": "other teachers", "teacher": "another teacher",
    "usi": "another teacher",
}  # fmt: skip


def is_imagenet1k(tag: str) -> bool:
    """Whether a tag tells of ImageNet-1K, with its labels, and of no other data."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return False
    words = match["words"].split("_") if match["words"] else []
    return all(word in _RECIPES or _SETTING.fullmatch(word) for word in words)


def other_data(name: str) -> str:
    """Why the weights `architecture.tag` are not known to be of ImageNet-1K alone; empty where they are."""
    architecture, _, tag = name.partition(".")
    words = [*tag.split("_"), *architecture.split("_")]
    for part, data in _OTHER_DATA.items():
        if any(word.startswith(part) for word in words):
            return f"`{part}` in `{name}` stands for {data}"
    if not tag:
        return f"`{name}` has no tag that says what the weights were trained on"
    return "" if is_imagenet1k(tag) else f"the tag `{tag}` is not known to mean ImageNet-1K alone"
