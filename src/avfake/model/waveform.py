"""Sound of training clips, disturbed anew in every epoch before the front end makes windows of it.

Which clips of an epoch are disturbed, how and how strongly follows from (seed, epoch, clip) alone. Worker
processes compute while the detector trains; how many there are changes no byte.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from avfake.dataset.features import FeatureSet
from avfake.dataset.shards import list_shards, read_shard
from avfake.disturb import codec, drawn, room, sound
from avfake.errors import UserError
from avfake.features import front_ends
from avfake.files import atomic_file, sha256_file
from avfake.media.errors import ClipError
from avfake.media.pcm import from_pcm, to_pcm
from avfake.model.clips import Clips
from avfake.model.epoch import Epoch
from avfake.model.streams import MISSING
from avfake.parallel import Crew
from avfake.params import FeaturizeParams
from avfake.params.train import WaveformParams

# The window at a place of the epoch, uint8 [C, H, W]; None where the clip stays as it is.
Heard = Callable[[int], NDArray[np.uint8] | None]
_WHERE = "train.augmentation.waveform.disturbances"
_SCRATCH = "sound.i16"
_LIBRARIES = ("av", "pyroomacoustics", "soxr")


@dataclass(frozen=True)
class Task:
    """One clip of one epoch, for a worker.

    Attributes:
        path: of the unpacked sound; `start`, `length` in samples and `shift` (`to_pcm`) are the clip's.
        entropy: of its generator.
        windows: that are wanted, as numbers of the clip's `n_windows` undisturbed ones.
        waveform, front_end, sample_rate: how it is disturbed, and how windows are made of it.
    """

    path: Path
    start: int
    length: int
    shift: int
    entropy: int
    windows: tuple[int, ...]
    n_windows: int
    waveform: WaveformParams
    front_end: FeaturizeParams
    sample_rate: int


def hear(task: Task) -> NDArray[np.uint8] | None:
    """The windows of a disturbed clip, uint8 [n, C, H, W]; None if it cannot be disturbed. Runs in a worker.

    Where the sound became longer or shorter, the windows at the same share of its length are taken.
    """
    pcm = np.memmap(task.path, "<i2", mode="r", offset=2 * task.start, shape=(task.length,))
    rng = np.random.default_rng(task.entropy)
    waveform = task.waveform
    try:
        clean = from_pcm(pcm, task.shift)
        made = drawn.disturbed(clean, waveform.disturbances, waveform.most, rng, task.sample_rate)
    except ClipError:
        return None
    levels, shift = to_pcm(made)
    windows = front_ends.compute(levels, task.sample_rate, task.front_end, shift)
    return windows[np.array(task.windows) * len(windows) // task.n_windows]


class Waveforms(AbstractContextManager["Waveforms"]):
    """The disturbed windows of a training; processes and scratch file go when it is left.

    With a share of 0 it does nothing, and nothing is read.

    Args:
        features: of all clips; the sound lies beside them, in `extracted`.
        clips: that are trained on.
        params: the section `train.augmentation.waveform`.
        seed: of the training.
        scratch: folder for the clips' unpacked sound, as large as the sound itself.

    Raises:
        UserError: an unknown disturbance, or the sound is not there or not that of the features.
    """

    def __init__(
        self, features: FeatureSet, clips: Clips, params: WaveformParams, seed: int, scratch: Path
    ) -> None:
        self._params, self._seed = params, seed
        self._crew = Crew(0)
        if not params.share:
            return
        drawn.check(params.disturbances, _WHERE)
        index = features.index
        homes = index["split"].to_numpy()[clips.rows].tolist()
        self._keys = list(zip(homes, clips.names, strict=True))
        self._counts = index["count"].to_numpy()[clips.rows].tolist()
        # A detector with eyes is trained on clips without sound too.
        heard = [key for key, count in zip(self._keys, self._counts, strict=True) if count]
        self._front_end, self._rate = _front_end(features)
        self._path = scratch / _SCRATCH
        self._places = _unpack(extracted(features), heard, self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._crew.__exit__(kind, error, trace)
        if self._params.share:
            self._path.unlink(missing_ok=True)

    def heard(self, order: Epoch, epoch: int) -> Heard | None:
        """What is heard at the places of an epoch, asked for in their order; None: every clip as it is.

        Each clip that is drawn is disturbed with the probability `share`; all of its windows come from one
        disturbed sound.
        """
        if not self._params.share:
            return None
        tasks, places = [], []
        by_clip: dict[int, list[int]] = {}  # in the order in which the clips are needed
        for place in np.flatnonzero(order.window != MISSING).tolist():
            by_clip.setdefault(int(order.clip[place]), []).append(place)
        for clip, own in by_clip.items():
            chance, entropy = _draw(self._seed, epoch, self._keys[clip])
            if chance < self._params.share:
                windows = tuple(order.window[own].tolist())
                tasks.append(self._task(clip, entropy, windows))
                places.append(own)
        return _Ready(places, self._crew.map(hear, tasks))

    def _task(self, clip: int, entropy: int, windows: tuple[int, ...]) -> Task:
        start, length, shift = self._places[self._keys[clip]]
        return Task(
            self._path, start, length, shift, entropy, windows, self._counts[clip],
            self._params, self._front_end, self._rate,
        )  # fmt: skip


class _Ready:
    """Windows by place, kept from when their clip is computed until they are asked for."""

    def __init__(self, places: list[list[int]], results: Iterator[NDArray[np.uint8] | None]) -> None:
        self._waiting = {place for own in places for place in own}
        self._computed = zip(places, results, strict=True)
        self._ready: dict[int, NDArray[np.uint8] | None] = {}

    def __call__(self, place: int) -> NDArray[np.uint8] | None:
        if place not in self._waiting:
            return None
        while place not in self._ready:
            own, windows = next(self._computed)
            self._ready.update(zip(own, [None] * len(own) if windows is None else windows, strict=True))
        return self._ready.pop(place)


def extracted(features: FeatureSet) -> Path:
    """The folder of the stage `extract`, beside that of the features."""
    return features.folder.parent / "extracted"


def sound_hash(features: FeatureSet, params: WaveformParams) -> str | None:
    """SHA-256 over the packed sound of train, and over the code and libraries that disturb it.

    None if no sound is disturbed: the training does not depend on it then.

    Raises:
        UserError: `extract` has not run.
    """
    if not params.share:
        return None
    libraries = {name: version(name) for name in _LIBRARIES} | front_ends.library_versions()
    digest = hashlib.sha256(repr(sorted(libraries.items())).encode())
    for module in (codec, drawn, room, sound):
        digest.update(f"{module.__name__} {sha256_file(str(module.__file__))}\n".encode())
    for split, path in _shards(extracted(features)):
        if split == "train":
            digest.update(f"{path.name} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def _draw(seed: int, epoch: int, key: tuple[str, str]) -> tuple[float, int]:
    """A number in [0, 1) and the entropy of a generator, of a clip in an epoch."""
    digest = hashlib.sha256(f"{seed}:{epoch}:{key[0]}/{key[1]}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48, int.from_bytes(digest[8:24], "big")


def _front_end(features: FeatureSet) -> tuple[FeaturizeParams, int]:
    """Parameters and sample rate with which the features were made."""
    info = features.info
    if info["version"] != front_ends.VERSION:
        raise UserError(
            f"{features.folder}: made with front ends {info['version']}, this avfake has"
            f" {front_ends.VERSION}",
            "make it anew with `dvc repro featurize`",
        )
    return FeaturizeParams.model_validate(info["params"]), int(info["sample_rate"])


def _shards(folder: Path) -> list[tuple[str, Path]]:
    found = list_shards(folder)
    if not found:
        raise UserError(
            f"{folder}: no packed sound, which train.augmentation.waveform disturbs",
            "make it with `dvc repro extract`, or set train.augmentation.waveform.share to 0",
        )
    return found


def _unpack(
    folder: Path, keys: list[tuple[str, str]], path: Path
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Writes the clips' sound end to end, int16; returns start, length and shift of each."""
    wanted, homes = set(keys), {home for home, _ in keys}
    places: dict[tuple[str, str], tuple[int, int, int]] = {}
    start = 0
    with atomic_file(path) as file:
        for split, shard in _shards(folder):
            if split not in homes:
                continue
            for row in read_shard(shard, ["video_name", "pcm", "pcm_shift"]):
                key = (split, row["video_name"])
                if key in wanted and row["pcm"]:
                    length = len(row["pcm"]) // 2
                    places[key] = start, length, row["pcm_shift"]
                    file.write(row["pcm"])
                    start += length
    if missing := sorted(wanted - places.keys()):
        raise UserError(
            f"{folder}: no sound of {missing[0][1]}, of which there are features",
            "make both anew with `dvc repro featurize`",
        )
    return places
