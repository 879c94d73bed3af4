"""One clip explained: its windows with their scores, and the heat of what the detector saw in its sound."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from avfake.clip_scorer import BATCH_SIZE, ClipScorer
from avfake.explain.axis import Axis, axis_hz
from avfake.explain.grad_cam import NoFeatureMap, cell_heat, feature_map, log_odds, resample
from avfake.explain.lines import Lines, lines_of
from avfake.explain.readout_heat import reads_stages, stage_heat
from avfake.explain.time_line import TimeLine, line_of, overlapped
from avfake.features.front_ends import LINES
from avfake.media.clip import ClipRow, extract_clip
from avfake.media.errors import ClipError
from avfake.media.pcm import from_pcm
from avfake.model.detector import FAKE, REAL, Detector
from avfake.model.ensemble import members_of
from avfake.model.inference import clip_logits, clip_probability, fake_probability, window_logits
from avfake.model.pooling import attend, is_attentive


@dataclass(frozen=True)
class Heat:
    """Which places of the spectrogram speak for fake (above zero) and for real (below).

    Attributes:
        map: float32 [H, frames], log-odds of fake (see `avfake.explain.grad_cam`).
        layer: the name of the layer that it comes from. cells: height and width of its feature map.
    """

    map: NDArray[np.float32]
    layer: str
    cells: tuple[int, int]


@dataclass(frozen=True)
class SoundExplained:
    """What made the score of a clip's sound.

    Attributes:
        score: probability of fake, the mean of `window_scores` or, with attention, of the clip as a whole.
        seconds: length of the clip's sound.
        line: which seconds frames and windows stand for.
        window_scores: float64 [n], of each window by itself. window_log_odds: the same before the softmax.
        window_shares: float64 [n], how much each counts for the clip, of an ensemble the mean over members;
            None without attention, where all count alike.
        axes: of each channel but that of the lines.
        levels: what the detector looked at, float32 [C, H, frames], 0 to 255.
        heat: None where `why_no_heat` says why.
        lines: the strongest lines at multiples of a frame rate; None without that front end.
    """

    score: float
    seconds: float
    line: TimeLine
    window_scores: NDArray[np.float64]
    window_log_odds: NDArray[np.float64]
    window_shares: NDArray[np.float64] | None
    axes: list[Axis]
    levels: NDArray[np.float32]
    heat: Heat | None
    why_no_heat: str | None
    lines: Lines | None = None


def explain(scorer: ClipScorer, path: str | Path) -> SoundExplained:
    """Explains the score that `scorer` gives the clip at `path`.

    Raises:
        ClipError: the clip cannot be read, or has no usable sound.
    """
    return explain_row(scorer, extract_clip(path, scorer.extract))


def explain_row(scorer: ClipScorer, row: ClipRow) -> SoundExplained:
    """As `explain`, of a clip that was read with the scorer's `extract`."""
    reason = row.error or row.audio_error
    if reason:
        raise ClipError(reason)
    windows = scorer.windows_of(row)
    logits = window_logits(scorer.model.detector, windows, BATCH_SIZE, scorer.device)
    whole = clip_logits(scorer.model.detector, windows, BATCH_SIZE, scorer.device)
    score = clip_probability(whole, scorer.model.detector.pooling)
    figures = score, fake_probability(logits), logits[:, FAKE] - logits[:, REAL]
    return explain_sound(scorer, row, windows, figures, lambda line: _heat(scorer, windows, line))


def explain_sound(
    scorer: ClipScorer,
    row: ClipRow,
    windows: NDArray[Any],
    figures: tuple[float, NDArray[np.float64], NDArray[np.float64]],
    heat_on: Callable[[TimeLine], tuple[Heat | None, str | None]],
) -> SoundExplained:
    """The explanation of a clip's sound from what is known of its windows.

    Args:
        scorer: whose front end made the windows.
        row: the clip as it was read.
        windows: uint8 [n, C, H, W].
        figures: the clip's score; scores and log-odds of its windows, [n] each.
        heat_on: the heat of the windows along a time line, or None and why there is none.
    """
    pcm = np.frombuffer(row.pcm, "<i2")
    settings = scorer.featurize.model_dump()
    line = line_of(from_pcm(pcm, row.pcm_shift), row.sample_rate, scorer.featurize)
    score, scores, odds = figures
    heat, why_no_heat = heat_on(line)
    pictures = [name for name in scorer.featurize.front_end if name != LINES]
    return SoundExplained(
        score=score,
        seconds=len(pcm) / row.sample_rate,
        line=line,
        window_scores=scores,
        window_log_odds=odds,
        window_shares=_shares(scorer, windows),
        axes=[axis_hz(name, settings.get(name, {}), row.sample_rate, windows.shape[2]) for name in pictures],
        levels=overlapped(windows[:, : len(pictures)], line),
        heat=heat,
        why_no_heat=why_no_heat,
        lines=lines_of(scorer.model.detector, windows, scorer.featurize),
    )


def _shares(scorer: ClipScorer, windows: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    members = members_of(scorer.model.detector)
    if not all(map(is_attentive, members)):
        return None
    shares = [attend(member, windows, BATCH_SIZE, scorer.device).shares for member in members]
    mean: NDArray[np.float64] = np.mean(shares, axis=0)
    return mean


def _heat(
    scorer: ClipScorer, windows: NDArray[np.uint8], line: TimeLine
) -> tuple[Heat, None] | tuple[None, str]:
    """The heat, of an ensemble the mean of its members' heats; or why there is none."""
    shape = scorer.model.image_shape
    heats = []
    for detector in members_of(scorer.model.detector):
        if reads_stages(detector):
            name = f"stage {min(detector.audio.backbone.stages)}"  # type: ignore[arg-type]
            heats.append(stage_heat(detector, windows, BATCH_SIZE))
            continue
        try:
            name, layer = feature_map(detector.audio.backbone, shape)
        except NoFeatureMap as error:
            return None, error.reason
        heats.append(cell_heat(_log_odds_of(detector), detector, layer, windows, BATCH_SIZE))
    cells = np.mean(heats, axis=0)
    whole = overlapped(resample(cells, shape[1:]), line)
    return Heat(whole, name, (cells.shape[1], cells.shape[2])), None


def _log_odds_of(detector: Detector) -> Callable[[Tensor], Tensor]:
    return lambda windows: log_odds(detector(windows))
