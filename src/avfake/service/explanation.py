"""What made a score, as a page can draw it: numbers, and spectrograms and heat as pictures without axes."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avfake.explain.clip import SoundExplained, explain_row
from avfake.explain.face_result import numbers_explained
from avfake.explain.faces import Explained, PictureExplained, explain_streams_row
from avfake.explain.picture import over
from avfake.explain.result import numbers
from avfake.media.clip import ClipRow
from avfake.scoring import Scorer

_COLUMNS = 1600  # of a picture, at most: more than a screen shows


def explained(scorer: Scorer, row: ClipRow) -> dict[str, Any]:
    """The explanation of a row: numbers as of `avfake explain`, and `pictures`.

    Raises:
        ClipError: as `Scorer.look`.
    """
    facts = scorer.model.facts
    if scorer.model.sight is None:
        sound = explain_row(scorer, row)
        made = Explained(sound.score, sound, None)
        found = numbers("clip", facts, sound)
    else:
        made = explain_streams_row(scorer, row)
        found = numbers_explained("clip", facts, made)
    for name in ("format", "video_name", "path", "model"):
        del found[name]
    pictures: dict[str, Any] = {"channels": [], "faces": []}
    if made.sound is not None:
        pictures["channels"] = _channels(made.sound)
    if made.picture is not None:
        pictures["faces"] = _faces(made.picture)
    return found | {"pictures": pictures}


def _channels(sound: SoundExplained) -> list[dict[str, Any]]:
    """A spectrogram per channel, low bands at the bottom, plain and under the heat."""
    found = []
    heat = None if sound.heat is None else _scaled(sound.heat.map)
    for axis, levels in zip(sound.axes, sound.levels, strict=True):
        grey = np.repeat(_narrow(levels)[..., None] / np.float32(255), 3, axis=2)
        edges = None if axis.edges is None else [float(axis.edges[0]), float(axis.edges[-1])]
        found.append(
            {
                "name": axis.front_end,
                "hz": edges,
                "plain": _png(grey[::-1]),
                "heat": None if heat is None else _png(over(grey, _narrow(heat))[::-1]),
            }
        )
    return found


def _faces(picture: PictureExplained) -> list[dict[str, Any]]:
    found = []
    for number, face in enumerate(picture.faces):
        heat = None if picture.heat is None else _scaled(picture.heat.maps)[number]
        pixels = face.astype(np.float32) / np.float32(255)
        found.append(
            {
                "seconds": round(float(picture.times[number]), 3),
                "score": round(float(picture.face_scores[number]), 6),
                "plain": _png(pixels),
                "heat": None if heat is None else _png(over(pixels, heat)),
            }
        )
    return found


def _scaled(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    strongest = np.float32(np.abs(heat).max(initial=0))
    return heat / strongest if strongest > 0 else heat


def _narrow(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most `_COLUMNS` columns: means over neighbours."""
    n = values.shape[-1]
    if n <= _COLUMNS:
        return values
    starts = np.arange(_COLUMNS) * n // _COLUMNS
    counts = np.diff(np.append(starts, n))
    mean: NDArray[np.float32] = (np.add.reduceat(values, starts, axis=-1) / counts).astype(np.float32)
    return mean


def _png(pixels: NDArray[np.float32]) -> str:
    """Pixels [H, W, 3] from 0 to 1 as a PNG in base64."""
    file = io.BytesIO()
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(levels)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
