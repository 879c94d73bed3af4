"""A detector that hears sound in memory, and scores it as `ClipScorer.score` scores a file.

Where it has eyes too, disturbed sound is scored with the faces of the clip as it is.
"""

import hashlib
import tempfile
from pathlib import Path

import numpy as np

from avfake.clip_scorer import ClipScorer
from avfake.disturb.conditions import PictureCondition
from avfake.disturb.sound import RATE
from avfake.features import front_ends
from avfake.media.audio import read_audio, resampled
from avfake.media.clip import ClipRow, extract_clip
from avfake.media.errors import ClipError
from avfake.media.pcm import to_pcm
from avfake.model.inference import clip_score
from avfake.model.streams import PICTURE, SOUND, Looks, Streams


class Listener:
    """The detector for the conditions of one clip.

    Windows that it saw before keep their score: a condition that changes nothing costs nothing.

    Args:
        scorer: the detector.
        batch_size: windows at once.
    """

    def __init__(self, scorer: ClipScorer, batch_size: int) -> None:
        self.scorer, self.batch_size = scorer, batch_size
        self._known: dict[str, float] = {}
        self._clip: ClipRow | None = None

    def read(self, path: Path) -> np.ndarray:
        """The clip's sound, float32 [n] at `RATE` Hz, as much of it as the detector hears.

        A detector with eyes takes the clip's faces from here for all that `score` is asked afterwards; a clip
        without usable sound is none of it then, float32 [0].

        Raises:
            ClipError: the clip cannot be read, or has nothing that the detector looks at.
        """
        if self.scorer.modality != SOUND:
            self._clip = extract_clip(path, self.scorer.extract)
            self.scorer.look(self._clip)
            if self.scorer.modality == PICTURE or self._clip.audio_error:
                return np.zeros(0, np.float32)
        return read_audio(path, RATE, self.scorer.extract.max_seconds)

    def score_clean(self, sound: np.ndarray) -> float:
        """Probability of fake of the clip as it is: of its sound as `read` gave it, and of its faces."""
        if self._clip is not None and len(sound) == 0:
            return self._score(self.scorer.look(self._clip))
        return self.score(sound)

    def score(self, sound: np.ndarray) -> float:
        """Probability of fake of sound float32 [n] at `RATE` Hz.

        Raises:
            ClipError: the sound is too short.
        """
        extract = self.scorer.extract
        heard = sound[: int(extract.max_seconds * RATE)]
        heard = resampled(heard, extract.sample_rate) if len(heard) else heard
        seconds = len(heard) / extract.sample_rate
        if len(heard) == 0 or seconds < extract.min_seconds:
            raise ClipError(f"only {seconds:.3f} s of sound")
        pcm, shift = to_pcm(heard)
        windows = front_ends.compute(pcm, extract.sample_rate, self.scorer.featurize, shift)
        return self._score(windows if self._clip is None else self.scorer.streams(self._clip, windows))

    def score_rewritten(self, path: Path, condition: PictureCondition) -> float:
        """Probability of fake of the clip with its picture disturbed, through a file as any other clip.

        Raises:
            ClipError: the clip cannot be written anew, or what was written cannot be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "clip.mp4"
            condition.write(path, target)
            return self._score(self.scorer.looks(target))

    def _score(self, looks: Looks) -> float:
        parts = (looks.windows, looks.faces, looks.pairs) if isinstance(looks, Streams) else (looks,)
        key = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
        if key not in self._known:
            scorer = self.scorer
            self._known[key] = clip_score(scorer.model.detector, looks, self.batch_size, scorer.device)
        return self._known[key]
