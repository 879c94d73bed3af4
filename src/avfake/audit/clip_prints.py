"""The fingerprints of all clips, computed from the packed shards in worker processes, each once (memo)."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avfake.audit import fingerprint, picture_hash
from avfake.audit.fingerprint import SoundPrint, sound_print
from avfake.audit.picture_hash import picture_hashes
from avfake.dataset.shards import list_shards, n_rows, read_shard
from avfake.errors import RunError, UserError
from avfake.media.pcm import from_pcm
from avfake.memo import Memo, memo_key
from avfake.parallel import map_ordered
from avfake.params import MemoParams

_COLUMNS = ["video_name", "clip_sha256", "audio_error", "sample_rate", "pcm", "pcm_shift", "n_faces", "faces"]


@dataclass(frozen=True)
class ClipPrint:
    """What of a clip is compared with other clips; about 2 kB for eight seconds.

    Attributes:
        home: the split whose folder holds the clip. video_name: its name.
        identity: equal for clips with the same sound, sample by sample, and for the same file; None where the
            clip could not be opened. Digital silence is no sound in this sense.
        sound: its acoustic fingerprint. pictures: uint64 [n], hashes of its face crops.
        n_flat: crops of one colour, which have no hash.
    """

    home: str
    video_name: str
    identity: str | None
    sound: SoundPrint
    pictures: np.ndarray
    n_flat: int


@dataclass(frozen=True)
class Task:
    """One shard for a worker."""

    home: str
    path: Path
    memo: MemoParams


def clip_prints(extracted: Path, memo: MemoParams, workers: int) -> Iterator[ClipPrint]:
    """Yields the fingerprints of all clips under `extracted`, by home and shard.

    Raises:
        UserError: `extract` has not run.
        RunError: a worker process died.
    """
    tasks = [Task(home, path, memo) for home, path in list_shards(extracted)]
    if not tasks and not (extracted / "extract.json").exists():
        raise UserError(f"{extracted}: no extracted clips", "run the stage before: `dvc repro extract`")
    weights = [n_rows(task.path) for task in tasks]
    for result in map_ordered(shard_prints, tasks, workers, "fingerprints", start_worker, weights):
        if result.value is None:
            raise RunError(
                f"{result.item.path}: {result.error}", "give it more memory, or fewer `parallel.workers`"
            )
        yield from result.value


def start_worker() -> None:
    """One thread per process: the processes share the cores already."""
    cv2.setNumThreads(1)


def shard_prints(task: Task) -> list[ClipPrint]:
    """The fingerprints of the clips of one shard; runs in a worker."""
    memo = Memo(task.memo.folder, task.memo.max_gib)
    found = []
    for row in read_shard(task.path, _COLUMNS):
        pcm = b"" if row["audio_error"] is not None else row["pcm"]
        sha256 = hashlib.sha256(pcm).hexdigest()
        key = memo_key(
            "fingerprint", fingerprint.VERSION, picture_hash.VERSION, sha256, row["pcm_shift"],
            row["sample_rate"], hashlib.sha256(row["faces"]).hexdigest(), row["n_faces"],
            fingerprint.library_versions(), cv2.__version__,
        )  # fmt: skip
        data = memo.get(key)
        if data is None:
            data = _pack(pcm, row)
            memo.put(key, data)
        else:
            memo.touch(key)
        sound, pictures, n_flat, constant = _unpack(data)
        identity = row["clip_sha256"] if constant else sha256
        found.append(ClipPrint(task.home, row["video_name"], identity, sound, pictures, n_flat))
    return found


def _pack(pcm: bytes, row: dict[str, Any]) -> bytes:
    """Computes the fingerprints of a clip, as the bytes of an .npz file."""
    samples = np.frombuffer(pcm, "<i2")
    sound = sound_print(from_pcm(samples, row["pcm_shift"]), row["sample_rate"])
    faces, n = np.frombuffer(row["faces"], np.uint8), row["n_faces"]
    side = round((len(faces) / (3 * n)) ** 0.5) if n else 0
    pictures, n_flat = picture_hashes(faces.reshape(n, side, side, 3))
    constant = len(samples) == 0 or samples.min() == samples.max()
    buffer = io.BytesIO()
    np.savez(
        buffer, bits=sound.bits, active=sound.active, strong=sound.strong, weak=sound.weak,
        pictures=pictures, rest=np.array([n_flat, constant]),
    )  # fmt: skip
    return buffer.getvalue()


def _unpack(data: bytes) -> tuple[SoundPrint, np.ndarray, int, bool]:
    with np.load(io.BytesIO(data), allow_pickle=False) as made:
        sound = SoundPrint(made["bits"], made["active"], made["strong"], made["weak"])
        n_flat, constant = made["rest"].tolist()
        return sound, made["pictures"], n_flat, bool(constant)
