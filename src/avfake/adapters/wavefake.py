"""WaveFake: LJSpeech and JSUT, said again by vocoders, and prompts of Common Voice in the voice of LJSpeech.

    generated_audio/ljspeech_{melgan,melgan_large,multi_band_melgan,full_band_melgan,parallel_wavegan,hifiGAN,
                              waveglow}/LJ001-0001_gen.wav
    generated_audio/jsut_{multi_band_melgan,parallel_wavegan}/BASIC5000_0001_gen.wav
    generated_audio/common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech/gen_0.wav
    LJSpeech-1.1/wavs/LJ001-0001.wav               https://keithito.com/LJ-Speech-Dataset/
    jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav   (only with it are the jsut_* folders imported)

The set holds fakes alone; the real clips are those it was made from. `source` is the recording, so that a
sentence and everything made of it are in one split; the voices are two, and are in all splits (column
`speaker`).
Layout: https://github.com/RUB-SysSec/WaveFake, https://zenodo.org/records/5642694, paper arXiv
2111.02813.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from avfake.adapters.adapter import SOUND_ONLY, Adapter, Entry, Found, Note, Request
from avfake.adapters.reading import find, find_or_none, inside
from avfake.dataset.layout import Problem

_RECORDING = {"ljspeech": re.compile(r"LJ\d{3}-\d{4}"), "jsut": re.compile(r"BASIC5000_\d{4}")}
_REALS = {
    "ljspeech": ("LJSpeech-1.1/wavs", "*/LJSpeech-1.1/wavs"),
    "jsut": ("jsut_ver1.1/basic5000/wav", "*/jsut_ver1.1/basic5000/wav"),
}
_PROMPTS = "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech"
# The newer release carries these clips twice, in the folder and in one below it.
_TWICE = "generated"


class WaveFake(Adapter):
    """The adapter; `src` holds generated_audio and LJSpeech-1.1."""

    name = "wavefake"
    title = "WaveFake"
    sizes = "117 985 fakes (7 x 13 100 LJSpeech, 2 x 5 000 JSUT, 16 283 prompts); no split, no real clips"
    splits = "none published: made by recording, seeded; both voices are in all splits"
    terms = "CC BY-SA 4.0; LJSpeech is in the public domain, JSUT has terms of its own"
    sources = ("https://zenodo.org/records/5642694", "https://github.com/RUB-SysSec/WaveFake")
    unchecked = (
        "folders and names are from loaders and an inventory of the archive by others; never run on the files"
    )
    modalities = SOUND_ONLY
    columns = ("speaker",)

    def entries(self, request: Request) -> Iterator[Found]:
        """See `avfake.adapters.adapter.Adapter`."""
        src = request.src
        generated = find(src, ("generated_audio", "*/generated_audio"), "folder generated_audio")
        reals = {"ljspeech": find(src, _REALS["ljspeech"], "LJSpeech-1.1: WaveFake has no real clips")}
        jsut = find_or_none(src, _REALS["jsut"])
        if jsut is not None:
            reals["jsut"] = jsut
        for speaker, folder in reals.items():
            for name in _wavs(folder):
                yield self._entry(src, folder, name, speaker, None)
        for folder in sorted(path for path in generated.iterdir() if path.is_dir()):
            yield from self._made(src, folder, reals)

    def _made(self, src: Path, folder: Path, reals: dict[str, Path]) -> Iterator[Found]:
        speaker, _, tool = folder.name.partition("_")
        if folder.name == _PROMPTS:
            speaker, tool = "ljspeech", "conformer_fastspeech2_pwg"
        if speaker not in _RECORDING:
            yield Problem(inside(src, folder), None, folder.name, "unknown folder", "move it out of the set")
            return
        names = list(_wavs(folder))
        if speaker not in reals:
            yield Note(f"left out: fakes of {speaker}, whose real clips are not there", len(names))
            return
        below = folder / _TWICE
        if below.is_dir():
            twice = list(_wavs(below))
            if not names:
                folder, names = below, twice
            else:
                yield Note(f"left out: second copies in folders `{_TWICE}`", len(twice))
        for name in names:
            yield self._entry(src, folder, name, speaker, tool)

    @staticmethod
    def _entry(src: Path, folder: Path, name: str, speaker: str, tool: str | None) -> Found:
        place = inside(src, folder)
        recording = _RECORDING[speaker].search(name)
        stem = name.removesuffix(".wav")
        if recording is None and (tool is None or _PROMPTS not in place):
            return Problem(place, None, name, "names no recording", "restore the name as published")
        source = recording.group() if recording else f"prompt-{stem}"
        home = _PROMPTS if _PROMPTS in place else "real" if tool is None else folder.name
        return Entry(
            f"{place}/{name}", f"{home}__{name}", None, tool, None, tool or "", source,
            extra=(speaker,), file=place,
        )  # fmt: skip


def _wavs(folder: Path) -> Iterator[str]:
    """The names of the wav files of a folder, sorted."""
    yield from sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".wav"))
