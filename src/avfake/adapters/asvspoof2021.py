"""ASVspoof 2021, logical access and deepfake: evaluation trials after telephone lines or lossy codecs.

    ASVspoof2021_LA_eval/flac/LA_E_9332881.flac       ASVspoof2021_DF_eval/flac/DF_E_2000011.flac
    keys/LA/CM/trial_metadata.txt                     keys/DF/CM/trial_metadata.txt
    LA/ASVspoof2019_LA_cm_protocols/, LA/ASVspoof2019_LA_{train,dev}/flac/

A row of LA: speaker, trial, codec, transmission, attack, key, trim, subset; of DF: speaker, trial, codec,
origin, attack, key, trim, subset, vocoder, then four columns that are not used here. The keys come in
archives of their own (LA-keys-full.tar.gz, DF-keys-full.tar.gz).

The set has no training part: its evaluation plan (arXiv 2109.00535) takes train and dev of ASVspoof 2019
LA. The published figures are those of the subset `eval`; `progress` and `hidden` (trimmed) are imported
beside it.
Layout: https://github.com/asvspoof-challenge/2021/tree/main/eval-package, paper arXiv 2210.02437.
"""

from collections.abc import Iterator
from pathlib import Path

from avfake.adapters.adapter import SOUND_ONLY, Adapter, Found, Request
from avfake.adapters.asvspoof import PROTOCOLS_2019, Trials, la_2019
from avfake.adapters.reading import find, find_or_none
from avfake.errors import UserError

_SOURCES = (
    "https://github.com/asvspoof-challenge/2021/tree/main/eval-package",
    "https://arxiv.org/abs/2210.02437",
)
_SPLITS = "official: train and dev of ASVspoof 2019 LA as train and val, all trials of 2021 as test"
_UNCHECKED = (
    "read from the README of the evaluation package and from loaders; never run on the files themselves."
    " What the four last columns of the DF list mean is not used"
)


class _ASVspoof2021(Adapter):
    """What both tracks share: where keys and files lie, and where training clips come from."""

    terms = "Open Data Commons Attribution License (ODC-By) 1.0"
    sources = _SOURCES
    splits = _SPLITS
    unchecked = _UNCHECKED
    modalities = SOUND_ONLY
    track: str
    columns: tuple[str, ...]
    trials: Trials

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src, track = request.src, self.track
        keys = tuple(
            f"{folder}{track}/CM/trial_metadata.txt"
            for folder in ("keys/", f"{track}-keys-full/keys/", "", f"keys/{track}-keys-full/keys/")
        )
        metadata = find(src, keys, f"keys of the {track} track")
        if request.splits == "official":
            if find_or_none(src, PROTOCOLS_2019) is None:
                raise UserError(
                    f"{src}: the {track} track of 2021 has no training part, and 2019 LA is not there",
                    "put (or link) the folder LA of ASVspoof 2019 into it, or use --splits source",
                )
            yield from la_2019(src, ("train", "val"), len(self.columns))
        yield from self.trials.read(src, metadata, self._folders(src), "test")

    def _folders(self, src: Path) -> list[Path]:
        """The folders of flac files; the DF track comes in four archives, unpacked into one or into four."""
        name = f"ASVspoof2021_{self.track}_eval"
        patterns = (f"{name}/flac", f"{name}_part*/flac", f"{name}_part*/{name}/flac")
        folders = [path for pattern in patterns for path in sorted(src.glob(pattern))]
        return folders or [find(src, patterns, f"folder of the {self.track} trials")]


class ASVspoof2021LA(_ASVspoof2021):
    """The adapter of the logical access track."""

    name = "asvspoof2021-la"
    title = "ASVspoof 2021 LA"
    sizes = "test 181 566 (of these 148 176 in the subset eval); train and val are those of 2019"
    track = "LA"
    columns: tuple[str, ...] = ("codec", "transmission", "trim", "subset")
    trials = Trials(least=8, key=5, attack=4, extra=(2, 3, 6, 7))


class ASVspoof2021DF(_ASVspoof2021):
    """The adapter of the deepfake track."""

    name = "asvspoof2021-df"
    title = "ASVspoof 2021 DF"
    sizes = "test 611 829 (of these 533 928 in the subset eval); train and val are those of 2019"
    track = "DF"
    columns: tuple[str, ...] = ("codec", "origin", "trim", "subset", "vocoder")
    trials = Trials(least=9, key=5, attack=4, extra=(2, 3, 6, 7, 8))
