"""Text-to-speech: a synthetic voice says something else in the speaker's place."""

from typing import Annotated

import numpy as np

from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Range, ToolParams, draw
from avfake.forge.take import Edited, Sound, Take
from avfake.forge.voice.channel import background_of, heard, in_channel_of, joined, matched, rms
from avfake.forge.voice.sentences import sentences
from avfake.forge.voice.span import heard_span
from avfake.forge.voice.spoken import HIBARI_RATE, fitted, hibari
from avfake.media.errors import ClipError

SHORTEST_SECONDS = 0.8
FADE_SECONDS = 0.01
# Characters per second that the voice says of `sentences` at speed 1.
PACE = 16.0


class TtsParams(ToolParams):
    """Parameters of `tts`.

    Attributes:
        pitch: ratio of the voice's pitch and formants to its own, a woman's, 0.7 to 1.2.
    """

    pitch: Annotated[Range, within(0.7, 1.2)]


def say(n: int, rate: int, pitch: float, rng: np.random.Generator) -> np.ndarray:
    """English sentences that take n samples.

    Args:
        n: samples.
        rate: Hz.
        pitch: ratio by which the voice is higher, by resampling.
        rng: of the words and the noise in the voice.

    Returns:
        float32 [n].

    Raises:
        RunError: hibari-tts is not installed.
    """
    engine = hibari()
    # A lower voice is slower by resampling; half of that is made up for, as much as the voice can speed up.
    slower = float(np.sqrt(pitch))
    text = sentences(PACE * slower * n / rate, rng)
    seed = int(rng.integers(2**31))
    own = HIBARI_RATE * pitch
    return fitted(lambda speed: (engine(text, speed=speed / slower, seed=seed), own), n, rate)


def _apply(take: Take, params: TtsParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    assert take.sound is not None
    x, rate = heard(take.sound), take.sound.rate
    begin, end = heard_span(x, rate)
    if end - begin < SHORTEST_SECONDS * rate:
        raise ClipError(f"there is less than {SHORTEST_SECONDS} s of sound to speak over")
    spoken = x[begin:end]
    voice = in_channel_of(say(len(spoken), rate, draw(params.pitch, rng), rng), spoken, rate)
    voice *= rms(spoken) / max(rms(voice), 1e-30)
    laid = voice + background_of(x, rate, len(spoken), rng)
    # Before the first word and after the last the recording goes on: its own background.
    made = joined(x, matched(laid, spoken, rate), begin, round(FADE_SECONDS * rate))
    return Edited(sound=Sound(made, rate))


TOOLS: tuple[DeclaredTool, ...] = (
    DeclaredTool(
        name="tts",
        version=1,
        label="fake",
        changes="sound",
        needs=frozenset({"sound"}),
        packages=("hibari-tts", "onnxruntime", "scipy", "soxr"),
        licence="Apache-2.0",
        description="Other words, in English, said by the neural voice hibari in place of the speech, in its "
        "time, channel and background; the voice has nothing above 12 kHz times its pitch ratio.",
        origin="hibari-tts, distilled from Kokoro-82M",
        params=TtsParams,
        example={"pitch": [0.72, 1.0]},
        apply=_apply,
    ),
)
