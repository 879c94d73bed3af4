"""One clip of the plan, from its line and its photograph to the bytes of the file."""

from pathlib import Path

import numpy as np

from avfake.dataset.sample import speech
from avfake.dataset.sample.corpus import is_deep
from avfake.dataset.sample.picture import animated, photographs, still
from avfake.dataset.sample.plan import ClipPlan
from avfake.dataset.sample.sound import (
    cutoff_of,
    envelope,
    finished,
    in_channel_of,
    read_line,
    with_floor_of,
)
from avfake.dataset.sample.writer import mp4
from avfake.forge.face import blend as face_blend
from avfake.forge.face import warp as face_warp
from avfake.forge.face.landmarks import Landmarks
from avfake.forge.voice import griffin_lim, hifigan, world
from avfake.params import SampleParams

RESYNTHESIS = {tool.TOOL.name: tool.resynthesise for tool in (world, griffin_lim, hifigan)}
# A synthetic voice speaks as long as the whole line, but not much longer than what is kept of it.
SPOKEN_AT_MOST = 1.25


def n_frames(seconds: float, params: SampleParams) -> int:
    """Picture frames of a clip made from a line of so many seconds: whole frames, at most `max_seconds`."""
    return int(min(seconds, params.max_seconds) * params.frame_rate + 1e-6)


def make_clip(plan: ClipPlan, corpus: Path, voices: speech.Voices, params: SampleParams) -> bytes:
    """The clip as bytes of an .mp4 file; a pure function of its arguments and the files that they name."""
    rate = params.audio_rate
    line = read_line(corpus / plan.line.path, rate)
    frames = n_frames(plan.line.seconds, params)
    n = round(frames * rate / params.frame_rate)
    original = line[:n]
    sound = original
    if plan.sound_tool in RESYNTHESIS:
        sound = RESYNTHESIS[plan.sound_tool](original, rate)
    elif plan.sound_tool is not None:
        sound = _spoken(plan, line, n, voices, params)
    sound = finished(sound, rate, cutoff_of(original, rate), params.loudness, plan.pair_seed)

    portrait, marks = _portrait(plan, params.picture_size)
    # The mouth follows the real line in both clips of a pair: forged sound does not show in the picture.
    mouth = envelope(original, frames)
    pictures = list(animated(portrait, marks, mouth, params.frame_rate, plan.pair_seed + 2))
    return mp4(pictures, params.frame_rate, sound, rate)


def _spoken(
    plan: ClipPlan, line: np.ndarray, n: int, voices: speech.Voices, params: SampleParams
) -> np.ndarray:
    rate = params.audio_rate
    whole = min(len(line), int(SPOKEN_AT_MOST * params.max_seconds * rate))
    language = plan.line.source.split("-")[0]
    assert plan.sound_tool is not None
    said = speech.say(plan.sound_tool, language, is_deep(plan.line.source), whole, rate, plan.seed, voices)
    voice = in_channel_of(said[:n], line[:n], rate)
    voice *= np.std(line[:n]) / max(float(np.std(voice)), 1e-9)
    return with_floor_of(voice, line[:n], rate, plan.seed)


def _portrait(plan: ClipPlan, size: int) -> tuple[np.ndarray, Landmarks]:
    rng = np.random.default_rng(plan.pair_seed)
    photos = photographs()
    first = int(rng.integers(len(photos)))
    picture, marks = still(photos[first], size, plan.pair_seed + 1)
    if plan.picture_tool == face_blend.TOOL.name:
        other = photos[(first + 1 + plan.seed % (len(photos) - 1)) % len(photos)]
        donor, donor_marks = still(other, size, plan.seed + 1)
        picture = face_blend.forge(picture, marks, donor, donor_marks, plan.seed)
    elif plan.picture_tool == face_warp.TOOL.name:
        picture = face_warp.forge(picture, marks, plan.seed)
    return picture, marks
