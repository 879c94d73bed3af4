"""A score for one clip and what it means, from the file alone: the contest's function and the class behind.

    import avfake
    avfake.score("clip.mp4")                # probability of fake; loads models/ at the first call
    scorer = avfake.Scorer("models")        # loaded once, for many clips and threads
    scorer.score("clip.mp4")
    scorer.judge("clip.mp4").label          # with threshold, probability, windows, warnings

A clip may be a sound file or a still image too, where the detector listens or looks.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray

import avfake
from avfake.clip_scorer import BATCH_SIZE, ClipScorer
from avfake.decision.remarks import remarks, sound_seconds
from avfake.decision.saved import Decision, load_decision
from avfake.errors import UserError
from avfake.explain.time_line import line_of
from avfake.media.clip import ClipRow
from avfake.media.errors import ClipError
from avfake.media.pcm import from_pcm
from avfake.model.ensemble import members_of
from avfake.model.inference import clip_probability, clip_score, fake_probability, window_logits
from avfake.model.pooling import attend, is_attentive
from avfake.model.saved import FACTS, SavedModel, load_model
from avfake.model.streams import MISSING, PICTURE, SOUND, Looks, Streams, Windows
from avfake.read_clips import Reader, read_clips, read_row
from avfake.result import NotScored, Result

Floats = NDArray[np.float64]
Backend = Callable[[Path, torch.device, int | None], SavedModel]
# What runs the detector, by name: folder, device and threads to a detector that is called as torch's is.
BACKENDS: dict[str, Backend] = {"torch": lambda folder, device, _: load_model(folder, device)}

_loading = Lock()


class Scorer(ClipScorer):
    """A detector, loaded and ready. It may be used by several threads at once.

    Args:
        model: the folder with model.safetensors and model.json, and decision.json where there is one.
        device: `auto`, `cpu` or `cuda`.
        backend: what runs the detector, of `BACKENDS`.
        threads: of torch; None: as many as the model was trained with, which is as many as the pipeline's
            scores were made with unless predict.threads says otherwise. Part of the last bits of a score.

    Raises:
        UserError: the model is missing, damaged or made by another version of the front end, the backend is
            unknown, or there are no threads.
    """

    def __init__(
        self,
        model: str | Path = "models",
        device: str = "auto",
        backend: str = "torch",
        threads: int | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise UserError(f"backend: `{backend}` is unknown", f"use {' or '.join(BACKENDS)}")
        if threads is not None and threads < 1:
            raise UserError(f"threads: {threads} is too few", "use 1 or more")
        self.folder, self.backend, self._wanted_threads = Path(model), backend, threads
        super().__init__(model, device)
        self.threads: int | None = threads or self.model.facts["train"].get("threads")
        self.version = f"{self.model.facts['sha256'][:12]} avfake {avfake.__version__}"

    def _load(self, folder: Path) -> SavedModel:
        return BACKENDS[self.backend](folder, self.device, self._wanted_threads)

    @cached_property
    def decision(self) -> Decision | None:
        """What this model's scores mean; None: its folder does not tell.

        Raises:
            UserError: decision.json is damaged or belongs to other weights. `score` does without it.
        """
        return load_decision(self.folder, self.model.facts["sha256"])

    def score(self, path: str | Path) -> float:
        """Probability that the clip is fake, in [0, 1].

        Raises:
            ClipError: the clip cannot be read, or has nothing that the detector looks at; `.reason` says why.
        """
        looks = self.look(read_row(path, self.extract))
        self._set_threads()
        return clip_score(self.model.detector, looks, BATCH_SIZE, self.device)

    def judge(self, path: str | Path) -> Result:
        """The score of a clip, and what it means.

        Raises:
            ClipError: as `score` does.
            UserError: as `decision` does.
        """
        return self.judge_row(read_row(path, self.extract), Path(path).name)

    def judge_row(self, row: ClipRow, name: str, windows: Windows | None = None) -> Result:
        """As `judge`, of a clip that `extract_clip(path, scorer.extract)` read, maybe in another process.

        Args:
            row: the clip. name: `video_name` of the result.
            windows: of its sound, where they are known already.
        """
        decision = self.decision
        looks = self.look(row, windows)
        self._set_threads()
        score, parts = self._figures(looks)
        listens, sees = self.modality != PICTURE, self.modality != SOUND
        trained = None if decision is None else decision.training_clips
        return Result(
            video_name=name,
            score=score,
            label=None if decision is None else decision.label(score),
            threshold=None if decision is None else decision.threshold,
            probability=None if decision is None else decision.probability(score),
            expected_fpr=None if decision is None else decision.expected_fpr(score),
            windows=self._windows(row, looks, parts),
            seconds=sound_seconds(row) if listens else 0.0,
            model=self.version,
            warnings=remarks(row, listens, sees, self.extract.max_seconds, trained),
        )

    def judge_all(
        self, paths: Sequence[str | Path], jobs: int = 1, names: Sequence[str] | None = None
    ) -> Iterator[Result | NotScored]:
        """Judges many clips, in their order, each as soon as it and those before it are done.

        Args:
            paths: of the clips.
            jobs: processes that read them; 1: this one does, 0: one per core. Never changes a figure.
            names: `video_name` of each; None: the names of the files.
        """
        clips = [Path(path) for path in paths]
        names = [path.name for path in clips] if names is None else names
        reader = Reader(self.extract, None if self.modality == PICTURE else self.featurize)
        for name, read in zip(names, read_clips(clips, reader, jobs), strict=True):
            try:
                yield self.judge_row(read.row, name, read.windows)
            except ClipError as error:
                yield NotScored(name, error.reason)

    def _set_threads(self) -> None:
        # torch keeps a number for each thread of Python.
        if self.threads is not None and torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)

    def _figures(self, looks: Looks) -> tuple[float, Floats]:
        """The clip's score, bit for bit that of `clip_score`, and those of its windows or pairs, [n]."""
        scores, parts = [], []
        for member in members_of(self.model.detector):
            if is_attentive(member):
                assert not isinstance(looks, Streams)  # attention is of sound
                attended = attend(member, looks, BATCH_SIZE, self.device)
                whole, each = attended.clip, attended.logits
            else:
                whole = each = window_logits(member, looks, BATCH_SIZE, self.device)
            scores.append(clip_probability(whole, member.pooling))
            parts.append(fake_probability(each))
        mean: Floats = np.mean(parts, axis=0)
        return float(np.mean(scores)), mean

    def _windows(self, row: ClipRow, looks: Looks, parts: Floats) -> list[dict[str, float]]:
        """Where in the sound each window is, and its score: of pairs, the mean of those it is in."""
        if isinstance(looks, Streams):
            if not len(looks.windows):
                return []
            number = looks.pairs[:, 0]
            kept = number != MISSING
            parts = np.bincount(number[kept], parts[kept]) / np.bincount(number[kept])
        sound = from_pcm(np.frombuffer(row.pcm, "<i2"), row.pcm_shift)
        spans = line_of(sound, row.sample_rate, self.featurize).spans()
        return [
            {"begin": begin, "end": end, "score": float(score)}
            for (begin, end), score in zip(spans, parts, strict=True)
        ]


def score(path: str | Path, model: str | Path = "models") -> float:
    """Probability that the clip at `path` is fake, in [0, 1]; the model is loaded at the first call.

    Raises:
        ClipError: the clip cannot be read, or has nothing that the detector listens to or looks at.
        UserError: there is no model in the folder `model`, or it is damaged.
    """
    facts = Path(model).resolve() / FACTS
    # A model trained anew in the same folder is loaded anew.
    changed = facts.stat().st_mtime_ns if facts.is_file() else 0
    with _loading:  # threads that ask at once share one model
        scorer = _scorer(facts.parent, changed)
    return scorer.score(path)


@lru_cache(maxsize=1)
def _scorer(model: Path, changed: int) -> Scorer:  # noqa: ARG001
    return Scorer(model)
