"""The conditions by name: what is done to a clip, with which settings.

A condition's name is part of a figure's name (`auc_<condition>`), its settings are part of the memo's key.
Settings never change under a name: another strength is another condition.
"""

import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avfake.disturb import codec, picture, room, sound
from avfake.disturb.picture import Edit
from avfake.errors import UserError

# The undisturbed clip, always measured; not among the names in params.yaml.
CLEAN = "clean"


@dataclass(frozen=True)
class SoundCondition:
    """A change of the sound.

    Attributes:
        what: one sentence for people.
        change: (float32 [n], its settings) -> float32 [m], at `avfake.disturb.sound.RATE` Hz.
        settings: the keyword arguments of `change`.
        drawn: whether `change` takes a random generator after the sound.
        version: raise it when `change` returns something else for the same arguments.
    """

    what: str
    change: Callable[..., np.ndarray]
    settings: Mapping[str, Any] = field(default_factory=dict)
    drawn: bool = False
    version: int = 1

    def apply(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The disturbed sound, as a 16-bit file would hold it. Raises ClipError if it cannot be done."""
        if self.drawn:
            return sound.as_levels(self.change(clean, rng, **self.settings))
        return sound.as_levels(self.change(clean, **self.settings))

    def key(self, seed: int) -> dict[str, Any]:
        """What the disturbed sound depends on, beside the clean one: part of the memo's key."""
        return {
            "version": self.version, "settings": dict(self.settings), "seed": seed if self.drawn else None,
        }  # fmt: skip


@dataclass(frozen=True)
class PictureCondition:
    """A change of the picture: the clip is written anew, its sound untouched.

    Attributes:
        what: one sentence for people.
        edit: what is done.
        version: raise it when `avfake.disturb.picture` writes something else for the same edit.
    """

    what: str
    edit: Edit
    version: int = 2

    def write(self, source: Path, target: Path) -> None:
        """Writes the disturbed clip. Raises ClipError if it cannot be done."""
        picture.rewrite(source, target, self.edit)

    def key(self, _seed: int) -> dict[str, Any]:
        """What the written clip depends on, beside the clip: part of the memo's key."""
        return {"version": self.version, "edit": asdict(self.edit)}


Condition = SoundCondition | PictureCondition


def _codec(what: str, name: str, bit_rate: int) -> SoundCondition:
    return SoundCondition(
        f"{what}, encoded and decoded", codec.recoded, {"codec": name, "bit_rate": bit_rate}
    )


def _noise(snr_db: float) -> SoundCondition:
    return SoundCondition(
        f"white noise over the whole band, {snr_db:g} dB below the clip's RMS",
        sound.noisy,
        {"snr_db": snr_db},
        drawn=True,
    )


def _first(seconds: float) -> SoundCondition:
    return SoundCondition(
        f"the first {seconds:g} s; a shorter clip stays whole", sound.first, {"seconds": seconds}
    )


CONDITIONS: dict[str, Condition] = {
    "aac_64k": _codec("AAC, 64 kbit/s, mono, 44.1 kHz", "aac", 64_000),
    "aac_32k": _codec("AAC, 32 kbit/s, mono, 44.1 kHz", "aac", 32_000),
    "aac_16k": _codec("AAC, 16 kbit/s, mono, 44.1 kHz", "aac", 16_000),
    "mp3_64k": _codec("MP3 (LAME), 64 kbit/s, mono, 44.1 kHz", "mp3", 64_000),
    "mp3_32k": _codec("MP3 (LAME), 32 kbit/s, mono, 44.1 kHz", "mp3", 32_000),
    "opus_24k": _codec("Opus, 24 kbit/s, mono, 48 kHz", "opus", 24_000),
    "amr_nb": _codec("AMR narrow-band telephone, 12.2 kbit/s, 8 kHz", "amr_nb", 12_200),
    "resample_8k": SoundCondition("resampled to 8 kHz and back", sound.through_rate, {"rate": 8000}),
    "noise_20db": _noise(20.0),
    "noise_10db": _noise(10.0),
    "noise_5db": _noise(5.0),
    "reverb": SoundCondition(
        "a box-shaped room of living size by image sources, drawn anew per clip", room.reverberant, drawn=True
    ),
    "lowpass_4k": SoundCondition("low-pass filter at 4 kHz", sound.low_passed, {"cutoff": 4000.0}),
    "gain_up_6db": SoundCondition(
        "6 dB louder, clipped at full scale where it gets there", sound.louder, {"decibels": 6.0}
    ),
    "gain_down_6db": SoundCondition("6 dB softer, in 16 bits", sound.louder, {"decibels": -6.0}),
    "clipping": SoundCondition(
        "cut off hard at the level that 2 % of the samples exceed", sound.clipped, {"share": 0.02}
    ),
    "silence_trimmed": SoundCondition(
        "ends cut off while 20 ms frames lie 40 dB or more below the loudest",
        sound.trimmed,
        {"silence_db": -40.0},
    ),
    "silence_added": SoundCondition(
        "0.5 s of the clip's own background noise at both ends",
        sound.with_pauses,
        {"seconds": 0.5},
        drawn=True,
    ),
    "first_1s": _first(1.0),
    "first_2s": _first(2.0),
    "first_4s": _first(4.0),
    "h264_crf30": PictureCondition("picture in H.264 at CRF 30", Edit(crf=30)),
    "h264_crf40": PictureCondition("picture in H.264 at CRF 40", Edit(crf=40)),
    "half_size": PictureCondition("picture at half width and height", Edit(shrink=2)),
    "blur": PictureCondition("picture under a Gaussian blur, standard deviation 2 pixels", Edit(blur=2.0)),
    "frame_drop": PictureCondition("every second frame left out", Edit(keep_every=2)),
}


def chosen(names: Iterable[str]) -> dict[str, Condition]:
    """The conditions of these names, in their order.

    Raises:
        UserError: a name is unknown, or stands twice.
    """
    found: dict[str, Condition] = {}
    for name in names:
        if name not in CONDITIONS:
            near = difflib.get_close_matches(name, CONDITIONS, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise UserError(
                f"params.yaml: `robustness.conditions`: unknown condition `{name}`",
                f"{hint}Known are: {', '.join(CONDITIONS)}; `{CLEAN}` is always measured",
            )
        if name in found:
            raise UserError(f"params.yaml: `robustness.conditions`: `{name}` stands twice", "remove one")
        found[name] = CONDITIONS[name]
    return found


def generator(seed: int, clip_sha256: str, name: str) -> np.random.Generator:
    """The randomness of one condition on one clip: it depends on no other clip and no other condition."""
    digest = hashlib.sha256(f"{seed}:{clip_sha256}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
