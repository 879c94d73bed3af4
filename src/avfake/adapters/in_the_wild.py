"""In-the-Wild: speech of 58 public figures, genuine and faked, collected from the web.

    release_in_the_wild/meta.csv      file,speaker,label with the labels bona-fide and spoof
    release_in_the_wild/0.wav ...

Layout: https://huggingface.co/datasets/mueller91/In-The-Wild, paper arXiv 2203.16263. Nobody knows with
which tools the fakes were made, so they name no generator.
"""

from collections.abc import Iterator

from avfake.adapters.adapter import SOUND_ONLY, Adapter, Entry, Found, Request
from avfake.adapters.reading import find, inside, named_rows
from avfake.dataset.layout import Problem

_FAKE = {"bona-fide": False, "spoof": True}


class InTheWild(Adapter):
    """The adapter; `src` is release_in_the_wild, or the folder that holds it."""

    name = "in-the-wild"
    title = "In-the-Wild"
    sizes = "31 779 files, 20.7 h real and 17.2 h fake; no split"
    splits = "none published (a test set): made by speaker, seeded"
    terms = "CC BY-SA 4.0 in one copy of its card; see the card you download from"
    sources = ("https://huggingface.co/datasets/mueller91/In-The-Wild", "https://arxiv.org/abs/2203.16263")
    unchecked = "read from its card and from loaders; never run on the files themselves"
    modalities = SOUND_ONLY
    columns = ()

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        path = find(src, ("meta.csv", "release_in_the_wild/meta.csv"), "meta.csv")
        file, folder = inside(src, path), inside(src, path.parent)
        prefix = "" if folder == "." else f"{folder}/"
        for line, row in named_rows(path, ("file", "speaker", "label")):
            fake = _FAKE.get(row["label"])
            if fake is None:
                reason = f"unknown label: `{row['label'][:40]}`"
                yield Problem(file, line, row["file"], reason, f"write {' or '.join(_FAKE)}")
                continue
            yield Entry(
                prefix + row["file"], row["file"], None, "" if fake else None, None, "",
                row["speaker"] or None, file=file, line=line,
            )  # fmt: skip
