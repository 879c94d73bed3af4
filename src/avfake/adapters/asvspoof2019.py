"""ASVspoof 2019, logical access: speech, synthesised or converted by A01 to A19.

    LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{train.trn,dev.trl,eval.trl}.txt
    LA/ASVspoof2019_LA_{train,dev,eval}/flac/LA_T_1138215.flac

A row: speaker, trial, `-`, system (`-` for bona fide), key.
Layout: README.LA.txt of https://datashare.ed.ac.uk/handle/10283/3336; paper arXiv 1911.01601.
"""

from collections.abc import Iterator

from avfake.adapters.adapter import SOUND_ONLY, Adapter, Found, Request
from avfake.adapters.asvspoof import la_2019


class ASVspoof2019LA(Adapter):
    """The adapter; `src` is the folder LA, or one that holds it."""

    name = "asvspoof2019-la"
    title = "ASVspoof 2019 LA"
    sizes = "train 25 380, dev 24 844, eval 71 237"
    splits = "official: train, dev as val, eval as test; no speaker is in two"
    terms = "Open Data Commons Attribution License (ODC-By) 1.0"
    sources = ("https://datashare.ed.ac.uk/handle/10283/3336", "https://arxiv.org/abs/1911.01601")
    unchecked = "read from the published README and from loaders; never run on the files themselves"
    modalities = SOUND_ONLY
    columns = ()

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        yield from la_2019(request.src, ("train", "val", "test"))
