"""FakeAVCeleb: 500 celebrities of VoxCeleb2, faked in the picture, in the sound, or in both.

    meta_data.csv   source,target1,target2,method,category,type,race,gender,path,
    RealVideo-RealAudio/African/men/id00076/00109.mp4        (also below a folder FakeAVCeleb)
    RealVideo-FakeAudio/...   FakeVideo-RealAudio/...   FakeVideo-FakeAudio/...

The last column of meta_data.csv has no name: `path` holds the file name, and the nameless one the folder,
such as FakeAVCeleb/RealVideo-RealAudio/African/men/id00076. `method` (real, wav2lip, faceswap, fsgan,
rtvc and pairs of them) is the generator, and `type` a column. The sound of a FakeAudio clip is by rtvc,
whatever its method.
Layout: https://github.com/DASH-Lab/FakeAVCeleb and its issue 17, paper arXiv 2108.05080.
"""

from collections.abc import Iterator

from avfake.adapters.adapter import EACH, Adapter, Entry, Found, Request
from avfake.adapters.reading import find, flat, inside, table
from avfake.dataset.layout import Problem
from avfake.errors import UserError

_TYPES = ("RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio")
_NEEDED = ("source", "target1", "target2", "method", "type")
_VOICE = "rtvc"


class FakeAVCeleb(Adapter):
    """The adapter; `src` is the folder with meta_data.csv, or the one above."""

    name = "fakeavceleb"
    title = "FakeAVCeleb v1.2"
    sizes = "500 real, 19 500 fake by its README, 21 566 rows in meta_data.csv; no split"
    splits = "none published: made by the identity whose video it is, seeded"
    terms = "by request form, for research; its terms forbid passing it on"
    sources = ("https://github.com/DASH-Lab/FakeAVCeleb", "https://arxiv.org/abs/2108.05080")
    unchecked = (
        "columns and folders are from loaders and listings of others: the set is given on request only. That"
        " rtvc made all fake sound is the paper's word"
    )
    modalities = EACH
    columns = ("type", "race", "gender")

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        path = find(src, ("meta_data.csv", "*/meta_data.csv"), "meta_data.csv")
        base = inside(src, path.parent)
        prefix = "" if base == "." else f"{base}/"
        nested = (path.parent / "FakeAVCeleb").is_dir()
        file = inside(src, path)
        rows = table(path)
        _, header = next(rows)
        missing = [name for name in _NEEDED if name not in header]
        if missing:
            raise UserError(
                f"{path} line 1: the header lacks {', '.join(missing)}", "restore the file as published"
            )
        name_at = header.index("filename" if "filename" in header else "path")
        for line, values in rows:
            if len(values) <= name_at:
                reason = f"{len(values)} columns in place of {name_at + 1} or more"
                yield Problem(file, line, values[0], reason, "restore the line as published")
                continue
            row = dict(zip(header, values, strict=False))
            clip, kind = values[name_at], row["type"]
            if kind not in _TYPES or (kind == _TYPES[0]) != (row["method"] == "real"):
                reason = f"unknown label: type `{kind[:40]}` with method `{row['method'][:40]}`"
                yield Problem(file, line, clip, reason, "restore the line as published")
                continue
            folder = values[name_at + 1].strip("/") if len(values) > name_at + 1 else ""
            if not folder:
                folder = "/".join((kind, row.get("race", ""), row.get("gender", ""), row["source"]))
            folder = folder.removeprefix("FakeAVCeleb/")
            lent = tuple(row[key] for key in ("target1", "target2") if row[key].startswith("id"))
            yield Entry(
                path=f"{prefix}{'FakeAVCeleb/' if nested else ''}{folder}/{clip}",
                name=flat(f"{folder}/{clip}"),
                split=None,
                sound=_VOICE if kind.endswith("FakeAudio") else None,
                picture=row["method"] if kind.startswith("FakeVideo") else None,
                tool=row["method"],
                source=row["source"] or None,
                lent=tuple(name for name in lent if name != row["source"]),
                extra=(kind, row.get("race") or None, row.get("gender") or None),
                file=file,
                line=line,
            )
