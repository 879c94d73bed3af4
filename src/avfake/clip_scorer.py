"""A clip's score from the file alone, by the code of the pipeline: what stages and `avfake.scoring` build on.

extract_clip, the front end, the detector, the mean over the windows, or the pairs of a window and a face: it
is the pipeline's figure for that clip with `predict.tta: 1`, to the sixth decimal.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avfake.errors import UserError
from avfake.features import front_ends
from avfake.media.clip import ClipRow, extract_clip
from avfake.media.errors import ClipError
from avfake.model.inference import choose_device, clip_score
from avfake.model.saved import FACTS, SavedModel, load_model
from avfake.model.streams import (
    PICTURE,
    SOUND,
    Faces,
    Looks,
    Seconds,
    Streams,
    Windows,
    face_settings,
    make_streams,
    nothing_to_look_at,
)
from avfake.params import ExtractParams, FeaturizeParams

BATCH_SIZE = 32
# Settings of `extract` that have no effect on what is read; the schema asks for them.
_UNUSED = {"face_size": 16, "buckets": 1}


class ClipScorer:
    """A detector, loaded and ready.

    Args:
        model: the folder with model.safetensors and model.json.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UserError: the model is missing, damaged or made by another version of the front end.
    """

    def __init__(self, model: str | Path = "models", device: str = "auto") -> None:
        self.device = choose_device(device)
        self.model = self._load(Path(model))
        self.modality = self.model.modality
        self.extract, self.featurize = _settings(
            self.model.facts["features"], Path(model) / FACTS, self.modality
        )

    def _load(self, folder: Path) -> SavedModel:
        """The detector of a folder, on the device."""
        return load_model(folder, self.device)

    @property
    def prior(self) -> float:
        """The score that a prediction file holds for a clip that cannot be read."""
        return self.model.prior

    def score(self, path: str | Path) -> float:
        """Probability that the clip is fake, in [0, 1].

        Raises:
            ClipError: the clip cannot be read, or has nothing that the detector looks at; `.reason` says why.
        """
        return clip_score(self.model.detector, self.looks(path), BATCH_SIZE, self.device)

    def looks(self, path: str | Path) -> Looks:
        """What the detector looks at: windows uint8 [n >= 1, C, H, W], or the clip's streams with at least
        one pair. Raises ClipError as `score` does."""
        return self.look(extract_clip(path, self.extract))

    def look(self, row: ClipRow, windows: Windows | None = None) -> Looks:
        """As `looks`, of a clip that was read with `extract`; `windows` of its sound where they are known."""
        if row.error:
            raise ClipError(row.error)
        if self.modality == SOUND:
            if row.audio_error:
                raise ClipError(row.audio_error)
            return self.windows_of(row) if windows is None else windows
        found = self.streams(row, self.windows_of(row) if windows is None else windows)
        if len(found) == 0:
            raise ClipError(nothing_to_look_at(self.modality, row.audio_error, row.video_error))
        return found

    def windows(self, path: str | Path) -> Windows:
        """The windows of the sound alone, uint8 [n >= 1, C, H, W]. Raises ClipError if there is none."""
        row = extract_clip(path, self.extract)
        if reason := row.error or row.audio_error:
            raise ClipError(reason)
        return self.windows_of(row)

    def windows_of(self, row: ClipRow) -> Windows:
        """The windows of a clip that was read: uint8 [n, C, H, W]; none where the detector does not listen,
        or there is no usable sound."""
        if self.modality == PICTURE or row.audio_error:
            return np.zeros((0, *self.model.shape), np.uint8)
        pcm = np.frombuffer(row.pcm, "<i2")
        return front_ends.compute(pcm, row.sample_rate, self.featurize, row.pcm_shift)

    def streams(self, row: ClipRow, windows: Windows) -> Streams:
        """These windows with the faces of a clip that was read."""
        faces = unpacked_faces(row.faces, row.n_faces, row.face_times, self.extract)
        return make_streams(windows, *faces, self.model.facts["features"])


def unpacked_faces(
    faces: bytes, n_faces: int, face_times: Sequence[float], params: ExtractParams
) -> tuple[Faces, Seconds]:
    """Faces as a clip's row has them: uint8 RGB [n_faces, S, S, 3], and the second of each."""
    size = params.face_size
    crops = np.frombuffer(faces, np.uint8).reshape(n_faces, size, size, 3)
    return crops, np.asarray(face_times, np.float64)


def _settings(info: Mapping[str, Any], facts: Path, modality: str) -> tuple[ExtractParams, FeaturizeParams]:
    """How a clip is read and its sound turned into windows, from features.json as model.json holds it."""
    if info["version"] != front_ends.VERSION:
        raise UserError(
            f"{facts}: made with front ends {info['version']}, this avfake has {front_ends.VERSION}",
            "train anew with `dvc repro train`, or install the avfake that model.json names under `code`",
        )
    n_faces, face_size = (0, _UNUSED["face_size"]) if modality == SOUND else face_settings(info)
    extract = ExtractParams(
        sample_rate=info["sample_rate"],
        max_seconds=info["max_seconds"],
        min_seconds=info["min_seconds"],
        n_faces=n_faces,  # none where the detector has no eyes: the picture is not read
        face_size=face_size,
        buckets=_UNUSED["buckets"],
    )
    return extract, FeaturizeParams.model_validate(info["params"])
