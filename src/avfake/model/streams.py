"""The two streams of a clip, windows of its sound and crops of its faces, and which of them are looked at
together.

A detector of `both` looks at pairs: each window with the face that is nearest to it in time, and each face
that no window took with the window nearest to it. Where a clip has one stream alone, each of its windows or
faces is a pair without a partner. A clip's score is the mean over its pairs, whatever the fusion.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avfake.errors import UserError

SOUND, PICTURE, BOTH = "sound", "picture", "both"
MISSING = -1  # in place of the number of a window or face

Windows = NDArray[np.uint8]
Faces = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Seconds = NDArray[np.float64]
_IMAGE = ["baseline_image"]


@dataclass(frozen=True)
class Streams:
    """What a detector with eyes is given of one clip.

    Attributes:
        windows: uint8 [n, C, H, W]; n is 0 where there is no sound, or the detector does not listen.
        faces: uint8 RGB [m, S, S, 3]; m is 0 where no face was found.
        pairs: int64 [k, 2], window and face of each pair, ascending; `MISSING` stands for none.
    """

    windows: Windows
    faces: Faces
    pairs: Numbers

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, start: int, end: int) -> "PairArrays":
        """The pairs from `start` up to but without `end`; each window and face is held once."""
        window, window_of = _held(self.windows, self.pairs[start:end, 0])
        face, face_of = _held(self.faces, self.pairs[start:end, 1])
        return PairArrays(window, face, window_of, face_of)


Looks = Windows | Streams


@dataclass(frozen=True)
class PairArrays:
    """A batch of pairs, as arrays.

    Attributes:
        windows: [a, C, H, W], uint8 or float32 from 0 to 255. faces: uint8 [b, S, S, 3].
        window_of: int64 [B], which of `windows` each pair has, or `MISSING`. face_of: likewise.
    """

    windows: NDArray[Any]
    faces: Faces
    window_of: Numbers
    face_of: Numbers

    def tensors(self, device: torch.device) -> "Pairs":
        """The same on a device."""
        arrays = (self.windows, self.faces, self.window_of, self.face_of)
        return Pairs(*(torch.from_numpy(array).to(device) for array in arrays))


@dataclass(frozen=True, eq=False)
class Pairs:
    """A batch of pairs, as tensors; see `PairArrays`."""

    windows: Tensor
    faces: Tensor
    window_of: Tensor
    face_of: Tensor

    def __len__(self) -> int:
        return len(self.window_of)

    def viewed(self, view: Callable[[Tensor], Tensor], listens: bool) -> "Pairs":
        """Another view of the windows, or of the faces where the detector does not listen."""
        if listens:
            return replace(self, windows=view(self.windows)) if len(self.windows) else self
        return replace(self, faces=view(self.faces))


def as_input(batch: NDArray[Any] | PairArrays, device: torch.device) -> Tensor | Pairs:
    """A batch as the detector takes it."""
    if isinstance(batch, PairArrays):
        return batch.tensors(device)
    return torch.from_numpy(batch).to(device)


def face_settings(info: Mapping[str, Any]) -> tuple[int, int]:
    """How many faces are cut out of a clip, and their size in pixels, from features.json."""
    return int(info["n_faces"]), int(info["face_size"])


def make_streams(windows: Windows, faces: Faces, face_times: Seconds, info: Mapping[str, Any]) -> Streams:
    """The streams of a clip with its pairs. Face times in seconds [m]; `info` is features.json."""
    return Streams(
        windows, faces, pair_up(window_begins(info, len(windows)), face_times, window_seconds(info))
    )


def nothing_to_look_at(modality: str, no_sound: str | None, no_face: str | None) -> str:
    """Why a detector with eyes finds nothing in a clip: what is wrong with each stream, None where nothing
    is."""
    sound, picture = no_sound or "no window", no_face or "no face found"
    return picture if modality == PICTURE or sound == picture else f"{sound}; {picture}"


def check_faces(info: Mapping[str, Any]) -> None:
    """Raises UserError if the features were made without faces."""
    if not info.get("n_faces"):
        raise UserError(
            "train.modality: the features hold no faces",
            "set extract.n_faces above 0, or train.modality to sound",
        )


def pair_up(begins: Seconds, face_times: Seconds, length: float) -> Numbers:
    """Windows and faces that are looked at together, int64 [k, 2], ascending.

    Args:
        begins: seconds between which each window begins, [n, 2].
        face_times: seconds of each face, [m].
        length: of a window, seconds.
    """
    n, m = len(begins), len(face_times)
    if n == 0 or m == 0:
        window = np.arange(n) if n else np.full(m, MISSING)
        face = np.arange(m) if m else np.full(n, MISSING)
        return np.stack([window, face], axis=1).astype(np.int64)
    middles = begins.mean(axis=1) + length / 2
    apart = np.abs(middles[:, None] - np.asarray(face_times)[None, :])
    taken = apart.argmin(axis=1)
    pairs = set(enumerate(taken.tolist()))
    nearest = apart.argmin(axis=0)
    pairs |= {(int(nearest[face]), face) for face in set(range(m)) - set(taken.tolist())}
    return np.array(sorted(pairs), np.int64)


def window_begins(info: Mapping[str, Any], count: int) -> Seconds:
    """Between which two moments each window of a clip begins, seconds [count, 2].

    Windows begin a hop apart, except for the last one of several, which ends with the clip: it begins up to a
    hop earlier, at a moment that the packed windows do not tell. What trimming cut off the beginning is not
    known either.

    Args:
        info: features.json. count: windows of the clip.
    """
    if info["front_end"] == _IMAGE:
        return np.zeros((count, 2))
    hop = info["params"]["window_hop"] * info["params"]["hop_length"] / info["sample_rate"]
    latest = np.arange(count) * hop
    earliest = latest.copy()
    if count > 1:
        earliest[-1] -= hop
    return np.stack([earliest, latest], axis=1)


def in_time(
    info: Mapping[str, Any], count: int, face_times: Seconds
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each face surely lies inside each window, and whether surely outside: bool [count, m]."""
    begins, times = window_begins(info, count), np.asarray(face_times, np.float64)[None, :]
    earliest, latest = begins[:, :1], begins[:, 1:]
    length = window_seconds(info)
    inside = (latest <= times) & (times < earliest + length)
    outside = (times < earliest) | (times >= latest + length)
    return inside, outside


def window_seconds(info: Mapping[str, Any]) -> float:
    """Of a window in seconds."""
    if info["front_end"] == _IMAGE:
        return float(info["max_seconds"])
    params = info["params"]
    return float(params["window_frames"] * params["hop_length"] / info["sample_rate"])


def _held(parts: NDArray[Any], numbers: Numbers) -> tuple[NDArray[Any], Numbers]:
    """The parts that are named, copied (maps are read-only), and the place of each number among them."""
    kept = np.unique(numbers[numbers != MISSING])
    places = np.where(numbers == MISSING, MISSING, np.searchsorted(kept, numbers))
    return np.array(parts[kept]), places.astype(np.int64)
