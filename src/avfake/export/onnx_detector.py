"""A detector that onnxruntime runs, and the arithmetic from its logits to a clip's score.

Nothing here imports torch: loading that takes longer than scoring a clip. So the few lines of numpy that pool
windows are those of avfake.model.inference, model.pooling and model.ensemble once more; tests hold both to
the same figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from avfake.model.streams import Looks, PairArrays, Streams

Floats = NDArray[np.float64]

REAL, FAKE = 0, 1
SOUND, PICTURE, BOTH = "sound", "picture", "both"
WINDOWS, FACES, WINDOW_OF, FACE_OF = "windows", "faces", "window_of", "face_of"
LOGITS, RELEVANCE = "logits", "relevance"


@dataclass(frozen=True)
class Judged:
    """What a detector makes of one clip.

    Attributes:
        logits: float64 [n, members, 2], real and fake, of each window, face or pair by each member of an
            ensemble; one member where there is none.
        relevance: float64 [n, members], what the softmax over the clip makes shares of; None without
            attention.
        pooling: `mean`, `log_odds` or `attention`.
    """

    logits: Floats
    relevance: Floats | None
    pooling: str

    @property
    def log_odds(self) -> Floats:
        """Of fake against real, float64 [n, members]."""
        odds: Floats = self.logits[..., FAKE] - self.logits[..., REAL]
        return odds

    @property
    def score(self) -> float:
        """Probability that the clip is fake: the mean over the members."""
        if self.pooling == "mean":
            return float(_probability(self.log_odds).mean())
        return float(_probability(self.clip_log_odds).mean())

    @property
    def clip_log_odds(self) -> Floats:
        """Weighted mean of the log-odds, float64 [members]: equal weights, or the shares of attention."""
        if self.relevance is None:
            plain: Floats = self.log_odds.mean(axis=0)
            return plain
        shares = np.exp(self.relevance - self.relevance.max(axis=0))
        weighted: Floats = (self.log_odds * shares).sum(axis=0) / shares.sum(axis=0)
        return weighted

    @property
    def parts(self) -> Floats:
        """Probability of fake of each window, face or pair by itself, float64 [n]."""
        mean: Floats = _probability(self.log_odds).mean(axis=1)
        return mean

    @property
    def part_logits(self) -> Floats:
        """Logits of each, float64 [n, 2]; of an ensemble the logarithms of the members' mean probability."""
        if self.logits.shape[1] == 1:
            return self.logits[:, 0]
        each = self.logits - np.logaddexp.reduce(self.logits, axis=2, keepdims=True)
        mean: Floats = np.logaddexp.reduce(each, axis=1) - np.log(each.shape[1])
        return mean


class OnnxDetector:
    """A session of onnxruntime, asked as a detector is. Several threads may ask at once.

    Args:
        session: an onnxruntime.InferenceSession whose number of threads is set.
        modality: `sound`, `picture` or `both`.
        pooling: of a clip's windows (faces, pairs): `mean`, `log_odds` or `attention`.
        shape: channels, height and width of a window.
        face_size: pixels of a face, where the detector looks at faces.

    Attributes:
        threads: of the session, for one clip.
    """

    def __init__(
        self,
        session: Any,
        modality: str,
        pooling: str,
        shape: tuple[int, int, int],
        face_size: int | None = None,
    ) -> None:
        self.session, self.modality, self.pooling = session, modality, pooling
        self._no_window = np.zeros((1, *shape), np.uint8)
        self._no_face = np.zeros((1, face_size or 0, face_size or 0, 3), np.uint8)
        self.threads = int(session.get_session_options().intra_op_num_threads)
        self._outputs = [output.name for output in session.get_outputs()]

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """Probability that a clip is fake, of its windows uint8 [n >= 1, C, H, W] or its streams."""
        return self.judge(looks, batch_size).score

    def window_logits(self, looks: "Looks", batch_size: int) -> Floats:
        """Logits (real, fake) of each window, or of each pair, float64 [n, 2]."""
        return self.judge(looks, batch_size).part_logits

    def judge(self, looks: "Looks", batch_size: int) -> Judged:
        """All figures of one clip, at `batch_size` windows (faces, pairs) a time."""
        runs = [
            dict(zip(self._outputs, self.session.run(self._outputs, feed), strict=True))
            for feed in self.feeds(looks, batch_size)
        ]
        whole = {
            name: np.concatenate([run[name] for run in runs]).astype(np.float64) for name in self._outputs
        }
        return Judged(whole[LOGITS], whole.get(RELEVANCE), self.pooling)

    def feeds(self, looks: "Looks", batch_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """The inputs of the session, by name, batch after batch."""
        return (
            _windows(looks, batch_size) if isinstance(looks, np.ndarray) else self._pairs(looks, batch_size)
        )

    def _pairs(self, streams: "Streams", batch_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        for start in range(0, len(streams), batch_size):
            pairs = streams.batch(start, start + batch_size)
            # A detector without ears is asked of faces, each of which is one pair.
            yield {FACES: pairs.faces[pairs.face_of]} if self.modality == PICTURE else self._both(pairs)

    def _both(self, pairs: "PairArrays") -> dict[str, NDArray[Any]]:
        """A graph takes no empty batch: for a stream that is not there it gets zeros that no pair names."""
        return {
            WINDOWS: pairs.windows if len(pairs.windows) else self._no_window,
            FACES: pairs.faces if len(pairs.faces) else self._no_face,
            WINDOW_OF: pairs.window_of,
            FACE_OF: pairs.face_of,
        }


def _windows(windows: NDArray[np.uint8], batch_size: int) -> Iterator[dict[str, NDArray[Any]]]:
    for start in range(0, len(windows), batch_size):
        yield {WINDOWS: np.ascontiguousarray(windows[start : start + batch_size])}


def _probability(log_odds: Floats) -> Floats:
    # By the smaller exponential, which cannot overflow.
    small = np.exp(-np.abs(log_odds))
    share: Floats = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
    return share
