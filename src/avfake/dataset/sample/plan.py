"""What becomes of each spoken line: one real clip and one fake, by which tool.

Every line is in its split twice, once real and once forged, with the same photograph, motion and duration. A
tool that re-synthesises keeps the utterance; a synthetic voice says a new text in the time of the line, in
its language, and stands in for its speaker, whose source it therefore carries. So neither source, speaker,
length, language, bandwidth, loudness nor picture tells the class of a clip.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avfake.dataset.sample import speech
from avfake.dataset.sample.corpus import Line
from avfake.forge.face import blend as face_blend
from avfake.forge.face import warp as face_warp
from avfake.forge.tool import Tool
from avfake.forge.voice import griffin_lim, hifigan, world
from avfake.params import SampleParams

REAL = "real"
# Share of the fakes of each split. The last tool of each list forges the picture, the others the sound.
SHARES: Mapping[str, Mapping[str, float]] = {
    "train": {"world": 0.3, "griffin_lim": 0.3, "hibari": 0.3, "face_blend": 0.1},
    "val": {"world": 0.225, "griffin_lim": 0.225, "hibari": 0.225, "espeak_ng": 0.225, "face_blend": 0.1},
    "test": {"hifigan": 0.45, "kokoro": 0.45, "face_warp": 0.1},
}
PICTURE_TOOL: Mapping[str, str] = {"train": "face_blend", "val": "face_blend", "test": "face_warp"}
# Share of the fakes with forged sound whose picture is forged too.
BOTH = 0.1

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        world.TOOL, griffin_lim.TOOL, hifigan.TOOL, speech.HIBARI, speech.ESPEAK, speech.KOKORO,
        face_blend.TOOL, face_warp.TOOL,
    )
}  # fmt: skip


@dataclass(frozen=True)
class ClipPlan:
    """One clip.

    Args:
        video_name: of the file.
        split: train, val or test.
        target: 1 for a fake.
        generator: the tool that makes it fake, or "real".
        forged: none, audio, video or both.
        line: the spoken line, and through it the source.
        sound_tool: tool of the sound, if it is forged.
        picture_tool: tool of the picture, if it is forged.
        pair_seed: of all that the real clip and its fake share.
        seed: of the forgery.
    """

    video_name: str
    split: str
    target: int
    generator: str
    forged: str
    line: Line
    sound_tool: str | None
    picture_tool: str | None
    pair_seed: int
    seed: int


def make_plan(lines: Mapping[str, Sequence[Line]], params: SampleParams) -> tuple[ClipPlan, ...]:
    """All clips, in the order of their splits and lines.

    Args:
        lines: split -> its lines, one per fake.
        params: counts and seed.
    """
    plans: list[ClipPlan] = []
    for number, split in enumerate(SHARES):
        rng = np.random.default_rng([params.seed, 100 + number])
        n_clips = {"train": params.n_train, "val": params.n_val, "test": params.n_test}[split]
        own = lines[split][: (n_clips + 1) // 2]
        tools = _dealt(SHARES[split], own, rng)
        picture_tool = PICTURE_TOOL[split]
        sounding = [i for i, tool in enumerate(tools) if tool != picture_tool]
        both = set(rng.permutation(sounding)[: round(BOTH * len(sounding))].tolist())
        for i, (line, tool) in enumerate(zip(own, tools, strict=True)):
            pair_seed = int(rng.integers(2**31))
            if i < n_clips // 2:
                plans.append(_clip(split, 2 * i, REAL, "none", line, None, None, pair_seed, params.seed))
            sound = None if tool == picture_tool else tool
            picture = picture_tool if tool == picture_tool or i in both else None
            forged = "both" if sound and picture else "audio" if sound else "video"
            plans.append(_clip(split, 2 * i + 1, tool, forged, line, sound, picture, pair_seed, params.seed))
    return tuple(plans)


def _clip(
    split: str,
    index: int,
    generator: str,
    forged: str,
    line: Line,
    sound: str | None,
    picture: str | None,
    pair_seed: int,
    seed: int,
) -> ClipPlan:
    digest = hashlib.sha256(f"{seed}/{split}/{index}".encode()).hexdigest()
    return ClipPlan(
        video_name=f"{digest[:32]}.mp4",
        split=split,
        target=int(generator != REAL),
        generator=generator,
        forged=forged,
        line=line,
        sound_tool=sound,
        picture_tool=picture,
        pair_seed=pair_seed,
        seed=int(digest[32:40], 16),
    )


def _dealt(shares: Mapping[str, float], lines: Sequence[Line], rng: np.random.Generator) -> list[str]:
    """A tool per line by the shares (largest remainder), each source getting its part of each tool."""
    exact = {name: share * len(lines) for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: len(lines) - sum(counts.values())]:
        counts[name] += 1
    # Spread evenly over the lines sorted by source: line k of n gets the tool whose quota is the most behind.
    order = sorted(rng.permutation(len(lines)).tolist(), key=lambda i: lines[i].source)
    dealt = [""] * len(lines)
    given = dict.fromkeys(shares, 0)
    for k, i in enumerate(order):
        open_tools = [name for name in shares if given[name] < counts[name]]
        name = max(open_tools, key=lambda tool: counts[tool] * (k + 1) / len(lines) - given[tool])
        given[name] += 1
        dealt[i] = name
    return dealt
