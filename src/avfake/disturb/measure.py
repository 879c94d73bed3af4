"""The detector's score of one clip under every condition: read once, disturbed in memory, scored as ever.

Runs in worker processes, each with its own model on one torch thread.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import cv2
import torch

from avfake.clip_scorer import ClipScorer
from avfake.disturb.conditions import CLEAN, PictureCondition, chosen, generator
from avfake.disturb.listener import Listener
from avfake.features import front_ends
from avfake.files import sha256_file
from avfake.media import clip as media_clip
from avfake.media.errors import ClipError
from avfake.memo import Memo, memo_key
from avfake.model.inference import deterministic
from avfake.model.streams import PICTURE
from avfake.params import MemoParams

# Raise it when anything outside the conditions themselves changes a score: the memo is keyed by it.
VERSION = 1
# Sums are ordered by thread, and the processes share the cores already.
_THREADS = 1


@dataclass(frozen=True)
class Task:
    """One clip for a worker; sent to another process, hence plain values only.

    Attributes:
        path: of the clip.
        conditions: names in `CONDITIONS`; `clean` is measured besides.
        model: the model's folder. model_key: hash of what the score depends on in it.
        device: `cpu` or `cuda`. batch_size: windows at once.
        seed: of noise and rooms.
        memo: where scores are kept.
    """

    path: Path
    conditions: tuple[str, ...]
    model: Path
    model_key: str
    device: str
    batch_size: int
    seed: int
    memo: MemoParams


@dataclass(frozen=True)
class Score:
    """The score of a clip under a condition, or the reason why there is none."""

    condition: str
    score: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Measured:
    """A clip's scores, `clean` first; or none, and why the clip cannot be scored at all."""

    scores: tuple[Score, ...]
    error: str | None = None
    fresh: int = 0  # scores that did not come from the memo


def model_key(scorer: ClipScorer) -> str:
    """Hash of the weights and of the front end that a score depends on."""
    facts = scorer.model.facts
    return memo_key(facts["sha256"], facts["backbone"], facts["features"], facts.get("visual"))


def start_worker() -> None:
    """One thread per process: the processes share the cores already."""
    cv2.setNumThreads(_THREADS)


def measure(task: Task) -> Measured:
    """Scores one clip under all conditions; each score is stored as soon as it is known."""
    try:
        sha256 = sha256_file(task.path)
    except FileNotFoundError:
        return Measured((), "no such file")
    except (IsADirectoryError, PermissionError) as error:
        return Measured((), f"cannot be opened: {error.strerror}")
    memo = Memo(task.memo.folder, task.memo.max_gib)
    keys = {name: _key(task, name, sha256) for name in (CLEAN, *task.conditions)}
    found: dict[str, Score] = {}
    for name, key in keys.items():
        data = memo.get(key)
        if data is not None:
            memo.touch(key)
            found[name] = Score(name, **json.loads(data))
    missing = [name for name in keys if name not in found]
    try:
        for made in _measured(task, missing, sha256) if missing else ():
            entry = {"score": made.score, "reason": made.reason}
            memo.put(keys[made.condition], json.dumps(entry).encode())
            found[made.condition] = made
    except ClipError as error:
        return Measured((), error.reason)
    return Measured(tuple(found[name] for name in keys), fresh=len(missing))


def _measured(task: Task, names: list[str], sha256: str) -> Iterator[Score]:
    """One score after the other. Raises ClipError if the undisturbed clip has none."""
    listener = Listener(_scorer(task.model, task.device), task.batch_size)
    sound = listener.read(task.path)
    conditions = chosen(name for name in names if name != CLEAN)
    with deterministic(_THREADS):
        if CLEAN in names:
            yield Score(CLEAN, listener.score_clean(sound))
        for name, condition in conditions.items():
            try:
                if isinstance(condition, PictureCondition):
                    value = listener.score_rewritten(task.path, condition)
                elif listener.scorer.modality == PICTURE:
                    value = listener.score_clean(sound)
                elif len(sound) == 0:
                    raise ClipError("the clip has no usable sound")
                else:
                    value = listener.score(condition.apply(sound, generator(task.seed, sha256, name)))
                yield Score(name, value)
            except ClipError as error:
                yield Score(name, None, error.reason)


@lru_cache(maxsize=1)
def _scorer(model: Path, device: str) -> ClipScorer:
    return ClipScorer(model, device)


def _key(task: Task, name: str, sha256: str) -> str:
    condition = None if name == CLEAN else chosen([name])[name].key(task.seed)
    return memo_key(
        "robustness", VERSION, media_clip.VERSION, front_ends.VERSION, sha256, name, condition,
        task.model_key, task.device, task.batch_size, _libraries(),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _libraries() -> dict[str, object]:
    return {
        "media": media_clip.decoder_versions(),
        "features": front_ends.library_versions(),
        "torch": torch.__version__,
        "timm": version("timm"),
        "pyroomacoustics": version("pyroomacoustics"),
    }
