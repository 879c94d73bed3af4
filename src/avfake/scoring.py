"""A score for one clip and what it means, from the file alone: the contest's function and the class behind.

    import avfake
    avfake.score("clip.mp4")                # probability of fake; loads models/ at the first call
    scorer = avfake.Scorer("models")        # loaded once, for many clips and threads
    scorer.score("clip.mp4")
    scorer.judge("clip.mp4").label          # with threshold, probability, windows, warnings

A clip may be a sound file or a still image too, where the detector listens or looks.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

import avfake
from avfake.clip_scorer import BATCH_SIZE, FACTS, PICTURE, SOUND, ClipScorer
from avfake.decision.remarks import remarks, sound_seconds
from avfake.decision.saved import Decision, load_decision
from avfake.explain.time_line import line_of
from avfake.export.backend import Backend, load_backend
from avfake.export.onnx_detector import Floats
from avfake.media.clip import ClipRow
from avfake.media.errors import ClipError
from avfake.media.pcm import from_pcm
from avfake.reader import Reader, read_row
from avfake.result import NotScored, Result

if TYPE_CHECKING:  # avfake.model imports torch, which scoring with ONNX does without
    from avfake.decoding.client import Decoder
    from avfake.model.streams import Looks, Windows

_loading = Lock()


class Scorer(ClipScorer):
    """A detector, loaded and ready. It may be used by several threads at once.

    Args:
        model: the folder with model.safetensors and model.json, and decision.json where there is one.
        device: `auto`, `cpu` or `cuda`.
        backend: what runs the detector: `torch`, or `onnx`: model.onnx and model_onnx.json of
            `avfake export`, on the CPU and, unless the detector looks at faces, without importing torch.
        threads: of the backend; None: as many as the model was trained with, which is as many as the
            pipeline's scores were made with unless predict.threads says otherwise. Part of the last bits of a
            score.

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
        self.folder, self.backend, self._wanted_threads = Path(model), backend, threads
        super().__init__(model, device)
        self.threads = self.engine.threads
        self.version = f"{self.model.facts['sha256'][:12]} avfake {avfake.__version__}"

    def _open(self, folder: Path, device: str) -> None:
        self.engine: Backend = load_backend(folder, device, self.backend, self._wanted_threads)
        self.model, self.device = self.engine.model, self.engine.device

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
        return self.engine.clip_score(self.look(read_row(path, self.extract)), BATCH_SIZE)

    def judge(self, path: str | Path) -> Result:
        """The score of a clip, and what it means.

        Raises:
            ClipError: as `score` does.
            UserError: as `decision` does.
        """
        return self.judge_row(read_row(path, self.extract), Path(path).name)

    def judge_row(self, row: ClipRow, name: str, windows: "Windows | None" = None) -> Result:
        """As `judge`, of a clip that `extract_clip(path, scorer.extract)` read, maybe in another process.

        Args:
            row: the clip. name: `video_name` of the result.
            windows: of its sound, where they are known already.
        """
        decision = self.decision
        looks = self.look(row, windows)
        score, parts = self.engine.figures(looks, BATCH_SIZE)
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

    @cached_property
    def reader(self) -> Reader:
        """How clips are read for this detector."""
        return Reader(self.extract, None if self.modality == PICTURE else self.featurize)

    def judge_all(
        self,
        paths: Sequence[str | Path],
        jobs: int = 1,
        names: Sequence[str] | None = None,
        decoder: "Decoder | None" = None,
    ) -> Generator[Result | NotScored]:
        """Judges many clips, in their order, each as soon as it and those before it are done.

        Args:
            paths: of the clips.
            jobs: processes that read them; 1: this one does, 0: one per core. Never changes a figure.
            names: `video_name` of each; None: the names of the files.
            decoder: reads each clip in a caged process of its own, `jobs` of them at once: a clip that takes
                too much, or crashes a decoder, is a NotScored.
        """
        from avfake.read_clips import read_clips  # with what starts processes, which a score alone needs not

        clips = [Path(path) for path in paths]
        names = [path.name for path in clips] if names is None else names
        with closing(read_clips(clips, self.reader, jobs, decoder)) as reads:
            for name, read in zip(names, reads, strict=True):
                try:
                    yield self.judge_row(read.row, name, read.windows)
                except ClipError as error:
                    yield NotScored(name, error.reason)

    def _windows(self, row: ClipRow, looks: "Looks", parts: Floats) -> list[dict[str, float]]:
        """Where in the sound each window is, and its score: of pairs, the mean of those it is in."""
        if not isinstance(looks, np.ndarray):
            from avfake.model.streams import MISSING

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
