"""One derived clip: a tool, its parameters and a seed applied to a clip; the same bytes each time."""

from pathlib import Path

import numpy as np

from avfake.forge.clip.reading import Track, read_picture, read_sound
from avfake.forge.clip.still import read_still, written_still
from avfake.forge.clip.writing import written
from avfake.forge.declared import DeclaredTool, ToolParams
from avfake.forge.take import Edited, Sound, Take
from avfake.media.errors import ClipError
from avfake.media.image import NO_SOUND, is_image

# Raise it when anything in reading, timing, encoding or writing clips changes what `derive` returns.
VERSION = 1


def derive(path: Path, tool: DeclaredTool, params: ToolParams, seed: int, partner: Path | None) -> bytes:
    """The .mp4 file that the tool makes of a clip; of a still image, an image of the same format.

    Args:
        path: the clip.
        tool: what is applied to it.
        params: of the tool.
        seed: of the generator that it draws from, not below 0.
        partner: the second clip, for tools that need one.

    Raises:
        ClipError: the clip or its partner lacks what the tool needs, or cannot be worked on.
        ValueError: what the tool gave back is broken; the message names the tool.
    """
    needs = tool.needs
    still = is_image(path)
    if still and (needs & {"sound", "partner_sound"} or tool.changes != "picture"):
        raise ClipError(NO_SOUND)
    track = read_sound(path) if "sound" in needs else None
    take = _take(path, track, bool(needs & {"picture", "face"}))
    second = None
    if tool.needs_partner:
        if partner is None:
            raise ClipError("the tool needs a second clip")
        try:
            heard = read_sound(partner) if "partner_sound" in needs else None
            second = _take(partner, heard, "partner_face" in needs)
        except ClipError as error:
            raise ClipError(f"the second clip: {error.reason}") from None
    edited = tool.apply(take, params, np.random.default_rng(seed), second)
    _check(edited, tool, track)
    if still:
        return written_still(path, edited)
    # What the channels have beside their mean belongs to the sound that was there.
    return written(path, edited, track, in_step=tool.changes != "pair")


def libraries(tool: DeclaredTool) -> dict[str, str]:
    """Everything installed that the bytes of a clip made by the tool depend on, and its version."""
    from avfake.media.clip import decoder_versions

    own = {name: version or "not installed" for name, version in tool.libraries().items()}
    return {**decoder_versions(), "numpy": np.__version__, "forge": str(VERSION), **own}


def _take(path: Path, track: Track | None, with_picture: bool) -> Take:
    sound = None if track is None else Sound(track.mid(), track.rate)
    if not with_picture:
        return Take(sound)
    return Take(sound, read_still(path) if is_image(path) else read_picture(path))


def _check(edited: Edited, tool: DeclaredTool, track: Track | None) -> None:
    """Raises ValueError for sound that would not be heard as the tool meant it."""
    if edited.sound is None:
        return
    samples = edited.sound.samples
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ValueError(f"{tool.name} gave sound {samples.dtype} {list(samples.shape)}, wanted float32 [n]")
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise ValueError(f"{tool.name} gave sound that is empty or not finite")
    if track is not None and edited.sound.rate != track.rate:
        raise ValueError(f"{tool.name} gave sound at {edited.sound.rate} Hz for sound at {track.rate} Hz")
    if edited.speed <= 0:
        raise ValueError(f"{tool.name} gave the speed {edited.speed}")
