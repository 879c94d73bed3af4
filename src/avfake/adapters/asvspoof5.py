"""ASVspoof 5, track 1: crowd-sourced speech, synthesised, converted or adversarial (A01 to A32).

    ASVspoof5_protocols/ASVspoof5.{train,dev.track_1,eval.track_1}.tsv     (or directly in the folder)
    flac_T/T_0000000000.flac   flac_D/D_0000000001.flac   flac_E_eval/E_0000000001.flac

A row, separated by blanks in spite of its name: speaker, file, gender, codec, codec quality, codec seed,
attack tag, attack label, key, and one more.
Layout: README.txt of https://huggingface.co/datasets/jungjee/asvspoof5 and
https://zenodo.org/records/14498691.
"""

from collections.abc import Iterator

from avfake.adapters.adapter import SOUND_ONLY, Adapter, Found, Request
from avfake.adapters.asvspoof import Trials
from avfake.adapters.reading import find

_PARTS = (
    ("train", "ASVspoof5.train.tsv", ("flac_T",)),
    ("val", "ASVspoof5.dev.track_1.tsv", ("flac_D",)),
    ("test", "ASVspoof5.eval.track_1.tsv", ("flac_E_eval", "flac_E")),
)
_TRIALS = Trials(least=9, key=8, attack=7, extra=(2, 3, 4))


class ASVspoof5(Adapter):
    """The adapter; `src` holds the unpacked archives."""

    name = "asvspoof5"
    title = "ASVspoof 5, track 1"
    sizes = "train 182 357, dev 140 950, eval 680 774"
    splits = "official: train, dev as val, eval as test; no speaker is in two"
    terms = "see LICENSE.txt of the release (ODC-By for the database; check it for your use)"
    sources = ("https://zenodo.org/records/14498691", "https://huggingface.co/datasets/jungjee/asvspoof5")
    unchecked = (
        "folders and files are from the published README, the order of the columns from loaders of others;"
        " never run on the files themselves"
    )
    modalities = SOUND_ONLY
    columns = ("gender", "codec", "codec_quality")

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        for split, name, folders in _PARTS:
            path = find(src, (name, f"ASVspoof5_protocols/{name}", f"protocols/{name}"), f"list {name}")
            yield from _TRIALS.read(src, path, [find(src, folders, f"folder of the {split} trials")], split)
