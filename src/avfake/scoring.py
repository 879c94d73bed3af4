"""A score for one clip, from the file alone: the contest's function and the class behind it.

    import avfake
    avfake.score("clip.mp4")                # probability of fake; loads models/ at the first call
    scorer = avfake.Scorer("models")        # loaded once, for many clips
    scorer.score("clip.mp4")

The same code as in the pipeline makes the score - extract_clip, the front end, the detector, the mean over
the windows - so it is the pipeline's figure for that clip with `predict.tta: 1`, to the sixth decimal.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from avfake.errors import UserError
from avfake.features import front_ends
from avfake.media.clip import extract_clip
from avfake.media.errors import ClipError
from avfake.model.inference import choose_device, clip_score
from avfake.model.saved import FACTS, load_model
from avfake.params import ExtractParams, FeaturizeParams

BATCH_SIZE = 32
# Settings of `extract` that have no effect on the sound; the schema asks for them.
_UNUSED = {"face_size": 16, "buckets": 1}


class Scorer:
    """A detector, loaded and ready.

    Args:
        model: the folder with model.safetensors and model.json.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UserError: the model is missing, damaged or made by another version of the front end.
    """

    def __init__(self, model: str | Path = "models", device: str = "auto") -> None:
        self.device = choose_device(device)
        self.model = load_model(model, self.device)
        self.extract, self.featurize = _settings(self.model.facts["features"], Path(model) / FACTS)

    @property
    def prior(self) -> float:
        """The score that a prediction file holds for a clip that cannot be read."""
        return self.model.prior

    def score(self, path: str | Path) -> float:
        """Probability that the clip is fake, in [0, 1].

        Raises:
            ClipError: the clip cannot be read, or has no usable sound; `.reason` says why.
        """
        windows = self.windows(path)
        return clip_score(self.model.detector, windows, BATCH_SIZE, self.device)

    def windows(self, path: str | Path) -> np.ndarray:
        """What the detector looks at: uint8 [n >= 1, C, H, W]. Raises ClipError as `score` does."""
        row = extract_clip(path, self.extract)
        reason = row.error or row.audio_error
        if reason:
            raise ClipError(reason)
        pcm = np.frombuffer(row.pcm, "<i2")
        return front_ends.compute(pcm, row.sample_rate, self.featurize, row.pcm_shift)


def score(path: str | Path, model: str | Path = "models") -> float:
    """Probability that the clip at `path` is fake, in [0, 1]; the model is loaded at the first call.

    Raises:
        ClipError: the clip cannot be read, or has no usable sound.
        UserError: there is no model in the folder `model`, or it is damaged.
    """
    facts = Path(model).resolve() / FACTS
    # A model trained anew in the same folder is loaded anew.
    changed = facts.stat().st_mtime_ns if facts.is_file() else 0
    return _scorer(facts.parent, changed).score(path)


def _settings(info: Mapping[str, Any], facts: Path) -> tuple[ExtractParams, FeaturizeParams]:
    """How sound is read and turned into windows, from features.json as model.json holds it."""
    if info["version"] != front_ends.VERSION:
        raise UserError(
            f"{facts}: made with front ends {info['version']}, this avfake has {front_ends.VERSION}",
            "train anew with `dvc repro train`, or install the avfake that model.json names under `code`",
        )
    extract = ExtractParams(
        sample_rate=info["sample_rate"],
        max_seconds=info["max_seconds"],
        min_seconds=info["min_seconds"],
        n_faces=0,  # the detector has no eyes: the picture is not read
        face_size=_UNUSED["face_size"],
        buckets=_UNUSED["buckets"],
    )
    return extract, FeaturizeParams.model_validate(info["params"])


@lru_cache(maxsize=1)
def _scorer(model: Path, changed: int) -> Scorer:  # noqa: ARG001
    return Scorer(model)
