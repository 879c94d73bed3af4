"""A clip explained to a detector with eyes: its pairs by window and by face, and where in a face the score
lies."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avfake.clip_scorer import BATCH_SIZE, ClipScorer, unpacked_faces
from avfake.explain.clip import Heat, SoundExplained, explain_sound
from avfake.explain.grad_cam import NoFeatureMap, cell_heat, feature_map, log_odds, resample
from avfake.explain.readout_heat import reads_stages
from avfake.explain.time_line import TimeLine, overlapped
from avfake.media.clip import ClipRow, extract_clip
from avfake.model.detector import FAKE, REAL, Detector
from avfake.model.ensemble import members_of
from avfake.model.inference import clip_probability, fake_probability, window_logits
from avfake.model.streams import MISSING, Pairs, Streams

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FaceHeat:
    """Which places of each face speak for fake (above zero) and for real (below).

    Attributes:
        maps: float32 [m, S, S], log-odds of fake (see `avfake.explain.grad_cam`).
        cells: the same, as the feature map has it, float64 [m, h, w].
        layer: the name of the layer that it comes from.
    """

    maps: NDArray[np.float32]
    cells: Floats
    layer: str


@dataclass(frozen=True)
class PictureExplained:
    """What made the score of a clip's faces.

    Attributes:
        score: of the clip, probability of fake.
        faces: uint8 RGB [m >= 1, S, S, 3]. times: seconds of each, float64 [m].
        face_scores: float64 [m], of each face: the mean over its pairs. face_log_odds: likewise.
        heat: None where `why_no_heat` says why.
    """

    score: float
    faces: NDArray[np.uint8]
    times: Floats
    face_scores: Floats
    face_log_odds: Floats
    heat: FaceHeat | None
    why_no_heat: str | None


@dataclass(frozen=True)
class Explained:
    """A clip's score, and what made it in each stream that it has and the detector looks at; at least one."""

    score: float
    sound: SoundExplained | None
    picture: PictureExplained | None


def explain_streams(scorer: ClipScorer, path: str | Path) -> Explained:
    """Explains the score that a scorer of a detector with eyes gives the clip at `path`.

    Raises:
        ClipError: the clip cannot be read, or has nothing that the detector looks at.
    """
    return explain_streams_row(scorer, extract_clip(path, scorer.extract))


def explain_streams_row(scorer: ClipScorer, row: ClipRow) -> Explained:
    """As `explain_streams`, of a clip that was read with the scorer's `extract`."""
    looks = scorer.look(row)
    assert isinstance(looks, Streams)
    logits = window_logits(scorer.model.detector, looks, BATCH_SIZE, scorer.device)
    scores, odds = fake_probability(logits), logits[:, FAKE] - logits[:, REAL]
    score = clip_probability(logits, scorer.model.detector.pooling)
    sound = picture = None
    if len(looks.windows):
        per_window = [_means(values, looks.pairs[:, 0], len(looks.windows)) for values in (scores, odds)]
        sound = explain_sound(
            scorer,
            row,
            looks.windows,
            (score, per_window[0], per_window[1]),
            lambda line: _heat(scorer, looks, line),
        )
    if len(looks.faces):
        per_face = [_means(values, looks.pairs[:, 1], len(looks.faces)) for values in (scores, odds)]
        _, times = unpacked_faces(row.faces, row.n_faces, row.face_times, scorer.extract)
        picture = PictureExplained(
            score, looks.faces, times, per_face[0], per_face[1], *_face_heat(scorer, looks)
        )
    return Explained(score, sound, picture)


def _heat(scorer: ClipScorer, looks: Streams, line: TimeLine) -> tuple[Heat, None] | tuple[None, str]:
    """Heat of the windows; of each the mean over its pairs, and over members."""
    heats = []
    for detector in members_of(scorer.model.detector):
        if reads_stages(detector):
            return None, "heat of maps from the middle of the backbone is known beside a linear head alone"
        try:
            name, layer = feature_map(detector.audio.backbone, scorer.model.image_shape)
        except NoFeatureMap as error:
            return None, error.reason
        heats.append(_cells(detector, scorer.device, looks, 0, layer))
    cells = np.mean(heats, axis=0)
    whole = overlapped(resample(cells, scorer.model.shape[1:]), line)
    return Heat(whole, name, (cells.shape[1], cells.shape[2])), None


def _face_heat(scorer: ClipScorer, looks: Streams) -> tuple[FaceHeat, None] | tuple[None, str]:
    """Heat of the faces; of each the mean over its pairs, and over members."""
    heats = []
    for detector in members_of(scorer.model.detector):
        visual = detector.visual
        try:
            name, layer = feature_map(visual.backbone, (3, visual.size, visual.size))
        except NoFeatureMap as error:
            return None, error.reason
        heats.append(_cells(detector, scorer.device, looks, 1, layer))
    cells = np.mean(heats, axis=0)
    return FaceHeat(resample(cells, (visual.face_size, visual.face_size)), cells, name), None


def _cells(
    detector: Detector, device: torch.device, looks: Streams, stream: int, layer: torch.nn.Module
) -> Floats:
    """Heat of each cell of the feature map of each window (stream 0) or face (1), float64 [n, h, w]."""
    parts = (looks.windows, looks.faces)[stream]
    pairs = looks.pairs[looks.pairs[:, stream] != MISSING]
    found = []
    for start in range(0, len(pairs), BATCH_SIZE):
        chunk = pairs[start : start + BATCH_SIZE]
        # Each pair has its own copy here: the heat of a part is another one beside another partner.
        own = parts[chunk[:, stream]]
        pairs_of_chunk = replace(looks, pairs=chunk).batch(0, len(chunk)).tensors(device)
        forward = _forward(detector, pairs_of_chunk, stream)
        found.append(cell_heat(forward, detector, layer, own, len(own)))
    return _means(np.concatenate(found), pairs[:, stream], len(parts))


def _forward(detector: Detector, pairs: Pairs, stream: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Log-odds [B] of pairs as a function of one of their streams."""
    places = torch.arange(len(pairs), device=pairs.window_of.device)

    def forward(batch: torch.Tensor) -> torch.Tensor:
        if stream == 0:
            own = replace(pairs, windows=batch, window_of=places)
        else:
            own = replace(pairs, faces=batch, face_of=places)
        return log_odds(detector(own))

    return forward


def _means(values: NDArray[np.floating], numbers: NDArray[np.int64], n: int) -> Floats:
    """Mean of values [k, ...] by their number from 0 to n - 1, each of which occurs: float64 [n, ...]."""
    kept = numbers != MISSING
    total = np.zeros((n, *values.shape[1:]))
    np.add.at(total, numbers[kept], values[kept])
    counts = np.bincount(numbers[kept], minlength=n)
    return total / counts.reshape(-1, *(1,) * (values.ndim - 1))
